"""What the audit service needs of a store of decisions. SQLite is the first; others keep the same promises."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from gateway.core.record import CustomerOutcome, Outcome, Record, Settlement
from gateway.core.service_objectives import Counts
from gateway.core.shadows import ShadowResult
from gateway.records.conclusion import Conclusion
from services.audit.activity import Activity, Question
from services.audit.arms import Arm, ArmsQuery
from services.audit.counting import Counted
from services.audit.entries import Entry
from services.audit.filters.expression import Expression
from services.audit.filters.fields import Field
from services.audit.finding import Facets, Order, Place, Timeline
from services.audit.inputs import InputsQuery, Kept, Mark
from services.audit.personal import Person, Personal
from services.audit.proofs.log import Log
from services.audit.shadows import ShadowsQuery, Summary
from services.audit.upstreams import UpstreamsQuery, UpstreamSums
from services.audit.views import ViewStore


class Stored(msgspec.Struct, frozen=True):
    """One decision as the store knows it. The conclusion's state is that of the time it was asked for."""

    conclusion: Conclusion
    record: Record
    outcome: Outcome
    settlement: Settlement | None
    copies: tuple[ShadowResult, ...] = ()
    """What came of copies of the call."""
    leaf: int | None = None
    """Index of its admission in the log; `None` for what was stored before there was one. Likewise the next."""
    settled_leaf: int | None = None


class DecisionStore(Protocol):
    """Keeps every decision once. All methods run off the event loop; `now_ms` is milliseconds since the epoch.

    Every method raises `CallEnded` with STORE_UNAVAILABLE when the store is locked, full or broken.
    """

    @property
    def log(self) -> Log:
        """The log that proves what is kept here."""

    @property
    def shared(self) -> bool:
        """Whether other processes may write to it too."""

    @property
    def personal(self) -> Personal:
        """The keys of what records say of customers."""

    @property
    def views(self) -> ViewStore:
        """The views that people have saved."""

    async def write(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        """Store the entries durably, all or none; returns the ids of the decisions that they changed.

        What is known already changes nothing. A settlement may come before its admission.
        """

    async def mark_in_doubt(self, *, now_ms: int) -> int:
        """Mark what still runs after its reservation has expired; returns how many were marked."""

    async def get(self, decision: str, *, now_ms: int) -> Stored | None:
        """The decision of that id; `None` when there is none."""

    async def page(self, expression: Expression, *, now_ms: int, before: str, size: int) -> tuple[Stored, ...]:
        """The newest `size` decisions that match and have an id less than `before`, or the newest of all."""

    async def ordered(
        self, expression: Expression, *, now_ms: int, order: Order, after: Place | None, size: int
    ) -> tuple[Stored, ...]:
        """The first `size` decisions in that order that match, of those that come after a place."""

    async def facets(self, expression: Expression, fields: Sequence[Field], *, now_ms: int) -> Facets:
        """How many decisions match, and how many of them have each value of the fields."""

    async def span(self, expression: Expression, *, now_ms: int) -> tuple[int, int, int]:
        """How many decisions match, and when the first and the last of them were received, 0 where there are none."""

    async def timeline(self, expression: Expression, *, now_ms: int, start_ms: int, width_ms: int) -> Timeline:
        """When the decisions that match were received, in buckets from a start on; before it none may match."""

    async def among(self, decisions: Sequence[str], *, expression: Expression, now_ms: int) -> tuple[Stored, ...]:
        """Those of the decisions that match, oldest first."""

    async def differing(self, decisions: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """What filters look at of these decisions and does not say what the gateway wrote: columns by decision.

        Those of which all is right are left out. "rules" and "words" are what filters by rule and free text look at.
        """

    async def misleading(self) -> Sequence[str]:
        """The names of files that hide decisions from queries, or that may: they are not what is made of the others."""

    async def misnoted(self) -> Sequence[int]:
        """The places of the log's own entries that are found by something else than what they say."""

    async def told_after(self, decisions: Sequence[str]) -> Mapping[str, tuple[CustomerOutcome, ...]]:
        """What customers did after these decisions, oldest first; those after which nobody did are left out."""

    async def tenants(self) -> tuple[str, ...]:
        """Every tenant that has a decision here."""

    async def arms(self, query: ArmsQuery) -> tuple[Arm, ...]:
        """The arms of a route or an experiment that had calls, by name, with the sums of what was measured of them.

        Raises:
            CallEnded: ARGUMENT_INVALID when revenue came in several currencies and none is named.
        """

    async def copies(self, query: ShadowsQuery) -> tuple[Summary, ...]:
        """What came of copies, for each route, arm, version and kind that had any, by these."""

    async def route_counts(
        self, routes: Sequence[str], *, windows_ms: Sequence[int], now_ms: int
    ) -> Mapping[tuple[str, int], Counts]:
        """The calls of routes by route and window, in the last so many milliseconds, to whole minutes."""

    async def counts(self, tenant: str, *, start_ms: int, end_ms: int) -> tuple[Counted, ...]:
        """How many decisions there were by method, agent and route, about calls received within these times.

        The times are rounded outwards to whole hours; an empty tenant stands for all of them.
        """

    async def activity(self, question: Question) -> Activity:
        """What has been going on in the last minutes. Takes the same time however many decisions there are."""

    async def upstreams(self, question: UpstreamsQuery) -> UpstreamSums:
        """How upstreams have done in the last minutes. Takes the same time however many decisions there are."""

    async def inputs_begin(self, query: InputsQuery, *, now_ms: int) -> tuple[Mark, int]:
        """Where the inputs that are asked for begin, and how many there are."""

    async def inputs_page(self, query: InputsQuery, *, now_ms: int, at: Mark, size: int) -> tuple[Kept, ...]:
        """The inputs from a place on, oldest first, of decisions that are stored by now; none that have expired.

        At most `size`, and fewer where they are large; none only where there are no more.
        """

    async def expire_inputs(self, *, now_ms: int) -> int:
        """Delete the inputs that have expired, and keys whose records are over; returns how many inputs there were."""

    async def forget_inputs(self, subject_refs: Sequence[str]) -> int:
        """Delete the inputs of decisions about these customers, also of those that are not there; returns how many."""

    async def inputs_kept(self, person: Person, *, now_ms: int) -> tuple[int, int]:
        """How many calls about a customer have their inputs kept, and until when the last of them; (0, 0) for none."""

    async def count(self) -> int:
        """How many decisions there are."""

    async def tend(self, *, now_ms: int) -> None:
        """Do in the background what is due: put hours that are over into their last form. May take minutes."""

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Names of the parts that could not be read when they were last asked: answers lack what is in them."""

    async def close(self) -> None:
        """End what runs, and release the files."""
