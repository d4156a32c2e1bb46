"""Every record of a test, decided once more from what was kept of its call; and of which records nothing is, and why.

All that gateways have written is looked at when an end-to-end test ends. A record comes to the same bytes, or there is
one of the reasons below why it was never decided, or why its inputs are not there; anything else fails the test.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from gateway.adapters.sealing import Sealer, sealing_keys
from gateway.copies.saying import recorded
from gateway.core import keys
from gateway.core.errors import Reason
from gateway.core.inputs import LARGEST_REQUEST, Inputs, sampled
from gateway.core.record import Outcome, Record, Verdict
from gateway.core.shadows import ShadowResult
from gateway.records.conclusion import concluded
from pilote.audit.v1 import planning_pb2
from services.commands.replaying import Once, Replays, Revisions, Unusable
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, REPLAY_KEY, World

UNDECIDED: Final = {
    Reason.AGENT_UNAUTHENTICATED: "nobody was identified",
    Reason.REVISION_MISSING: "there was no policy",
    Reason.DRAINING: "the gateway was about to stop",
    Reason.ARGUMENT_INVALID: "the request could not be read",
    Reason.STORE_UNAVAILABLE: "what decides could not be read",
    Reason.FACTS_DAMAGED: "what decides could not be read",
    Reason.CANCELLED: "the caller went away before",
}
"""Of calls that ended before anybody decided: why, in words."""
HOLD_ENDED: Final = "a hold ended without a call"
TOO_LARGE: Final = "the request is too large to be kept"
NOT_SHARED: Final = "the policy of the test keeps fewer"
BY_HAND: Final = "the test has made it, step by step"
LOST: Final = "lost with the gateway that was killed"
COPY_UNDECIDED: Final = "the copy was dropped or stopped"
OF_NO_CALL: Final = "a copy of a call of which nothing is kept"
STORE_GONE: Final = "the test has ended its store"
TRIMMED: Final = "the audit service has stored and trimmed it"
REASONS: Final = frozenset(
    {
        *(*UNDECIDED.values(), HOLD_ENDED, TOO_LARGE, NOT_SHARED, BY_HAND, LOST),
        *(COPY_UNDECIDED, OF_NO_CALL, STORE_GONE, TRIMMED),
    }
)
"""Why a record is not decided once more: these and no others. `tests/e2e/test_replayed.py` shows each."""
LATE_SECONDS: Final = 10.0
"""How long what gateways still have to write may take."""

Entry = dict[bytes, bytes]
_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_copy: Final = msgspec.json.Decoder(ShadowResult)


@dataclass(slots=True)
class Census:
    """What became of a test's records."""

    same: Counter[str] = field(default_factory=Counter)
    """Records that came to the same, by what they are: most are several things."""
    excused: Counter[str] = field(default_factory=Counter)
    """Records that were not decided once more, by why."""
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """(decision, what is wrong with it)."""

    def add(self, other: "Census") -> None:
        """Count another one's with it."""
        self.same += other.same
        self.excused += other.excused
        self.wrong += other.wrong

    def all_named(self) -> bool:
        """Whether every reason is one of the list."""
        return self.excused.keys() <= REASONS


async def census(world: World, *, late_seconds: float = LATE_SECONDS) -> Census:
    """Decide about every record once more, over all tenants; what is missing may come so late."""
    names: Any = await world.redis.smembers(keys.STREAMS)
    tenants = sorted({keys.tenant_of(name.decode()) for name in names} | {keys.NOBODY})
    own = [key for file in sorted(world.home.rglob("secrets/replays.key")) for key in sealing_keys(file)]
    again = Replays(_Revisions(world), sealer=Sealer((REPLAY_KEY, *own)), pseudonym_key=KEY)
    found = Census()
    for tenant in tenants:
        found.add(await _Tenant(world, tenant, again).judged(late_seconds))
    return found


class _Revisions(Revisions):
    """Those that the test has published, and any others that are in the store."""

    def __init__(self, world: World) -> None:
        super().__init__(world.redis)
        self._documents = world.documents

    async def document(self, number: int) -> bytes | None:
        """See `Revisions`."""
        return self._documents.get(number) or await super().document(number)


class _Tenant:
    """The records of one tenant."""

    def __init__(self, world: World, tenant: str, again: Replays) -> None:
        self._world = world
        self._tenant = tenant
        self._again = again
        self._inputs: dict[str, Entry] = {}
        self._settled: set[str] = set()
        self._records: list[tuple[Entry, Record, Outcome]] = []
        self._copies: list[ShadowResult] = []
        self._found = Census()

    async def judged(self, late_seconds: float) -> Census:
        """What became of them."""
        with contextlib.suppress(AssertionError):  # what is not there then is said by name
            await eventually(self._read, what="everything that is kept", within=late_seconds)
        if trimmed := await self._world.trimmed(self._tenant):
            self._found.excused[TRIMMED] += trimmed
            if self._world.keeping:
                self._found.wrong.append((self._tenant, f"{trimmed} entries were trimmed"))
        calls: dict[str, Once] = {}
        for entry, record, outcome in self._records:
            once = await self._judged(entry, record, outcome)
            if once is not None:
                calls[record.id] = once
        for copy in self._copies:
            await self._judge_copy(copy, calls.get(copy.id))
        return self._found

    async def _read(self) -> bool | None:
        """Read all; says whether there is everything that there should be."""
        entries = await self._world.entries(self._tenant)
        self._inputs = {msgspec.json.decode(each[b"r"])["id"]: each for each in entries if each[b"k"] == b"inputs"}
        admits = [each for each in entries if each[b"k"] == b"admit"]
        self._records = [(each, _record.decode(each[b"r"]), _outcome.decode(each[b"o"])) for each in admits]
        self._settled = {msgspec.json.decode(each[b"r"])["id"] for each in entries if each[b"k"] == b"settle"}
        self._copies = [_copy.decode(each[b"r"]) for each in entries if each[b"k"] == b"copy"]
        missing = [record for _, record, _ in self._records if record.id not in self._inputs]
        return all([await self._excuse(record) for record in missing]) or None

    async def _excuse(self, record: Record) -> str:
        if record.id in self._world.by_hand:
            return BY_HAND
        if self._world.killed and record.id not in self._settled:
            return LOST
        return why_not(record, share=await self._share(record), own=self._world.own_share)

    async def _share(self, record: Record) -> int:
        """Of how many calls its revision keeps the inputs."""
        if record.revision == 0:
            return 0
        try:
            return (await self._again.revisions.get(record.revision)).replay_share
        except Unusable:
            return 0

    async def _judged(self, entry: Entry, record: Record, outcome: Outcome) -> Once | None:
        inputs = None if record.id in self._world.by_hand else self._inputs.get(record.id)
        if inputs is None:
            why = await self._excuse(record)
            if why:
                self._found.excused[why] += 1
            else:
                self._found.wrong.append((record.id, f"{record.method}: what decided it was not kept"))
            return None
        kept = planning_pb2.CallInputs(sealed=inputs[b"i"], record=entry[b"r"], outcome=entry[b"o"])
        try:
            once = await self._again.once(self._again.open(kept))
        except Unusable as unusable:
            self._found.wrong.append((record.id, unusable.why))
            return None
        if once.differing:
            self._found.wrong.append((record.id, f"{record.method} differs in {', '.join(once.differing)}"))
        else:
            self._found.same.update(kinds(record, outcome, once.opened.inputs))
        return once

    async def _judge_copy(self, copy: ShadowResult, call: Once | None) -> None:
        if not copy.verdict:
            self._found.excused[COPY_UNDECIDED] += 1
        elif call is None:
            recorded_too = any(record.id == copy.id for _, record, _ in self._records)
            if recorded_too or self._found.excused[TRIMMED]:
                self._found.excused[OF_NO_CALL] += 1  # which is excused itself, or wrong
            else:
                self._found.wrong.append((copy.id, "a copy of a call that is not recorded"))
        elif await self._again.copied(call.opened, copy.arm) != recorded(copy):
            self._found.wrong.append((copy.id, f"its copy to {copy.arm} differs"))
        else:
            self._found.same[f"copies ({copy.kind})"] += 1


def why_not(record: Record, *, share: int, own: bool) -> str:
    """Why nothing is kept that a record was decided by; empty where there is no excuse.

    `share` is of how many calls its policy keeps the inputs, and `own` whether it is the test that has said so.
    """
    if record.hold and record.hold == record.parent and not (record.rules or record.buckets or record.route):
        return HOLD_ENDED
    if record.reason in UNDECIDED and not _decided(record):
        return UNDECIDED[Reason(record.reason)]
    if record.request_bytes > LARGEST_REQUEST:
        return TOO_LARGE
    if own and not sampled(record.id, share):
        return NOT_SHARED
    return ""


def _decided(record: Record) -> bool:
    """Whether a record shows that the rules were asked."""
    return bool(record.rule or record.rules or record.buckets or record.exposures or record.holdouts)


def kinds(record: Record, outcome: Outcome, inputs: Inputs) -> Iterator[str]:
    """What a record is, in the words of the summary."""
    yield "records"
    yield f"{record.operation or 'undescribed'} calls"
    was = concluded(record, outcome)
    yield {
        Verdict.ALLOW: "allowed",
        Verdict.DENY: "refused",
        Verdict.HOLD: "held",
        Verdict.DEFER: "put off",
    }[was.verdict]
    for word, true in {
        "refused by a limit or cap": outcome.refused >= 0,
        "stopped": outcome.stop != "",
        "repeats": outcome.first != "",
        "only observed": record.would != "",
        "approved by a person": inputs.approved,
        "made of a hold": record.hold != "" and record.parent == record.hold,
        "further messages of a stream": inputs.first is not None,
        "on another channel": record.asked_channel != "",
        "arms that took over": inputs.standby != "",
        "kept after a cap": inputs.kept,
        "made without the store": inputs.again,
        "with lineage": record.lineage is not None,
        "in an experiment": record.exposures != (),
        "in a rollout": record.rollout != "",
        "in a holdout": any(look.effect == "holdout" for look in record.rules),
        "with a budget": any(ask.kind == "budget" for ask in record.buckets),
        "redacted": record.obligations != (),
        "in a cell of several": record.cell > 0,
        "facts unreadable": inputs.unreadable,
        "Open Inference": record.method.startswith("/inference.GRPCInferenceService/"),
        "language models": record.method.startswith("/pilote.inference.v1."),
    }.items():
        if true:
            yield word
