"""What the commands about experiments do: read the policy, ask for what was counted, and have it judged."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

import msgspec

from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.policy.learning import Experiment
from gateway.redis_clients import Client
from services.arm_sums import SumsWrong, counted
from services.commands.experiment_texts import say
from services.commands.halting import tenants_of
from services.insights.report import Report, Weights, report
from services.since import since_when

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub


class ExperimentProblem(Exception):
    """The command cannot do what it was asked to; the text says why, in the reader's language."""


class _Document(msgspec.Struct, frozen=True):
    """The part of a policy that is needed here; it was checked whole before it was published."""

    experiments: tuple[Experiment, ...] = ()


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
        found = (await self._active())[1].experiments
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
        number, document = await self._active()
        experiment = next((each for each in document.experiments if each.name == name), None)
        if experiment is None:
            self._end("unknown", name=name, names=", ".join(each.name for each in document.experiments) or "-")
        since_ms = await self._since(experiment, number) if window.since_ms is None else window.since_ms
        tenants = (window.tenant,) if window.tenant else await tenants_of(self._store)
        try:
            counts = await counted(
                audit,
                "experiment",
                name=experiment.name,
                tenants=tenants,
                start_ms=since_ms,
                measures=experiment.measures,
                before_ms=window.before_ms,
                currency=window.currency,
                budget=window.budget,
            )
        except SumsWrong as wrong:
            self._end("sums-wrong", arm=wrong.arm, measure=wrong.measure, fault=wrong.fault)
        revisions = {each for count in counts.values() for each in count.first}
        return report(experiment, counts, weights=await self._weights(name, sorted(revisions))), since_ms

    async def _since(self, experiment: Experiment, number: int) -> int:
        """When the first revision came that assigns subjects like the active one, and so did all since."""

        def same(published: Published) -> bool:
            before = _experiment(published, experiment.name)
            return before is not None and _assignment(before) == _assignment(experiment)

        return await since_when(self._store, number, same=same)

    async def _weights(self, name: str, revisions: Sequence[int]) -> Mapping[int, Weights]:
        found = {}
        for number in revisions:
            published = await self._store.read(number)
            experiment = None if published is None else _experiment(published, name)
            if experiment is not None:
                found[number] = {arm.name: float(arm.weight) for arm in experiment.arms}
        return found

    async def _active(self) -> tuple[int, _Document]:
        number = await self._store.active()
        published = await self._store.read(number)
        if published is None:
            self._end("no-policy")
        return number, msgspec.json.decode(published.document, type=_Document)

    def _row(self, experiment: Experiment) -> tuple[str, ...]:
        arms = ", ".join(f"{arm.name} {arm.weight / 100:g} %" for arm in experiment.arms)
        measures = ", ".join(experiment.measures) or "-"
        coverage = f"{experiment.coverage / 100:g} %"
        return experiment.name, self._say(experiment.state), arms, coverage, measures, experiment.hypothesis

    def _say(self, key: str, **values: object) -> str:
        return say(key, language=self._language, **values)

    def _end(self, key: str, **values: object) -> NoReturn:
        raise ExperimentProblem(self._say(key, **values))


def _experiment(published: Published, name: str) -> Experiment | None:
    document = msgspec.json.decode(published.document, type=_Document)
    return next((each for each in document.experiments if each.name == name), None)


def _assignment(experiment: Experiment) -> Experiment:
    """What is left when everything is taken away that changes nobody's variation, nor which calls count."""
    return msgspec.structs.replace(
        experiment, hypothesis="", state="running", coverage=0, measures=(), min_sample=0, alpha=0.05
    )
