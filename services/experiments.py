"""What is known of an experiment of the active policy, for everybody who looks at one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.policy.learning import Experiment
from services.arm_sums import counted
from services.insights.report import Report, Weights, report
from services.since import since_when

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls are compared. Times are milliseconds since the epoch."""

    tenants: tuple[str, ...]
    start_ms: int
    end_ms: int | None = None
    before_ms: int = 0
    """How long before the first exposure covariates are summed; 0 for none."""
    currency: str = ""
    budget: str = ""


class _Document(msgspec.Struct, frozen=True):
    """The part of a policy that is needed here; it was checked whole before it was published."""

    experiments: tuple[Experiment, ...] = ()


def experiments_in(published: Published) -> tuple[Experiment, ...]:
    """The experiments of a policy."""
    return msgspec.json.decode(published.document, type=_Document).experiments


async def assigned_since(revisions: RevisionStore, experiment: Experiment, number: int) -> int:
    """When the first revision came that assigns subjects like revision `number`, and so did all since.

    Raises:
        RedisError: the store does not answer.
    """

    def same(published: Published) -> bool:
        before = _named(published, experiment.name)
        return before is not None and _assignment(before) == _assignment(experiment)

    return await since_when(revisions, number, same=same)


async def judged(
    revisions: RevisionStore, audit: "AuditServiceAsyncStub", experiment: Experiment, *, span: Span
) -> Report:
    """Every variation compared with the first one in every measure, over these calls.

    Raises:
        SumsWrong: what the audit service answers cannot be.
        grpc.aio.AioRpcError: it does not answer, or refuses.
        RedisError: the store does not answer.
    """
    counts = await counted(
        audit,
        "experiment",
        name=experiment.name,
        tenants=span.tenants,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        measures=experiment.measures,
        before_ms=span.before_ms,
        currency=span.currency,
        budget=span.budget,
    )
    numbers = sorted({each for count in counts.values() for each in count.first})
    return report(experiment, counts, weights=await _weights(revisions, experiment.name, numbers))


async def _weights(revisions: RevisionStore, name: str, numbers: Sequence[int]) -> Mapping[int, Weights]:
    found = {}
    for number in numbers:
        published = await revisions.read(number)
        experiment = None if published is None else _named(published, name)
        if experiment is not None:
            found[number] = {arm.name: float(arm.weight) for arm in experiment.arms}
    return found


def _named(published: Published, name: str) -> Experiment | None:
    return next((each for each in experiments_in(published) if each.name == name), None)


def _assignment(experiment: Experiment) -> Experiment:
    """What is left when everything is taken away that changes nobody's variation, nor which calls count."""
    return msgspec.structs.replace(
        experiment, hypothesis="", state="running", coverage=0, measures=(), min_sample=0, alpha=0.05
    )
