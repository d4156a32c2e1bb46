"""What the commands about experiments do: read the policy, ask for what was counted, and have it judged."""

from typing import TYPE_CHECKING, NoReturn

import msgspec

from gateway.adapters.revisions import RevisionStore
from gateway.core.policy.learning import Experiment
from gateway.redis_clients import Client
from services.arm_sums import SumsWrong
from services.commands.experiment_texts import say
from services.commands.halting import tenants_of
from services.experiments import Span, assigned_since, experiments_in, judged
from services.insights.report import Report

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub


class ExperimentProblem(Exception):
    """The command cannot do what it was asked to; the text says why, in the reader's language."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked about."""

    since_ms: int | None = None
    """None: since the last change of the allocation."""
    before_ms: int = 0
    """How long before the first exposure covariates are summed; 0 for none."""
    tenant: str = ""
    """Empty: all tenants of the policy together."""
    currency: str = ""
    """Which revenue is summed, where it came in several."""
    budget: str = ""
    """Whose amounts "cost" sums; empty: those of all budgets."""


class Experiments:
    """The experiments of the active policy, as a person sees them."""

    def __init__(self, redis: Client, *, language: str) -> None:
        self._store = RevisionStore(redis)
        self._language = language

    async def list(self) -> tuple[tuple[str, ...], ...]:
        """A row for each, below the names of the columns.

        Raises:
            ExperimentProblem: there is no policy, or no experiment in it.
        """
        found = (await self._active())[1]
        if not found:
            self._end("none")
        columns = tuple(self._say("list-columns").split("|"))
        return (columns, *(self._row(each) for each in found))

    async def show(self, name: str, audit: "AuditServiceAsyncStub", *, window: Window) -> tuple[Report, int]:
        """What is known of one experiment, and since when: milliseconds since the epoch, 0 for the beginning.

        Raises:
            ExperimentProblem: there is none of that name.
            grpc.aio.AioRpcError: the audit service does not answer, or refuses.
        """
        number, found = await self._active()
        experiment = next((each for each in found if each.name == name), None)
        if experiment is None:
            self._end("unknown", name=name, names=", ".join(each.name for each in found) or "-")
        since_ms = window.since_ms
        if since_ms is None:
            since_ms = await assigned_since(self._store, experiment, number)
        span = Span(
            tenants=(window.tenant,) if window.tenant else await tenants_of(self._store),
            start_ms=since_ms,
            before_ms=window.before_ms,
            currency=window.currency,
            budget=window.budget,
        )
        try:
            return await judged(self._store, audit, experiment, span=span), since_ms
        except SumsWrong as wrong:
            self._end("sums-wrong", arm=wrong.arm, measure=wrong.measure, fault=wrong.fault)

    async def _active(self) -> tuple[int, tuple[Experiment, ...]]:
        number = await self._store.active()
        published = await self._store.read(number)
        if published is None:
            self._end("no-policy")
        return number, experiments_in(published)

    def _row(self, experiment: Experiment) -> tuple[str, ...]:
        arms = ", ".join(f"{arm.name} {arm.weight / 100:g} %" for arm in experiment.arms)
        measures = ", ".join(experiment.measures) or "-"
        coverage = f"{experiment.coverage / 100:g} %"
        return experiment.name, self._say(experiment.state), arms, coverage, measures, experiment.hypothesis

    def _say(self, key: str, **values: object) -> str:
        return say(key, language=self._language, **values)

    def _end(self, key: str, **values: object) -> NoReturn:
        raise ExperimentProblem(self._say(key, **values))
