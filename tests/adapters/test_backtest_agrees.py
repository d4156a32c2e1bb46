"""A backtest against the draft really running: generated policies and calls, admitted by the store, call by call."""

import asyncio
import hashlib
import heapq
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings

from gateway.activation.loading import load
from gateway.adapters.reservation import Reservation, reserve
from gateway.core.call import Facts
from gateway.core.inputs import Inputs
from gateway.core.record import Outcome, Record, Settlement, Verdict, decision_id
from gateway.core.revision.compiled import Revision
from gateway.core.simulating.calls import Forms
from gateway.core.simulating.course import USUAL_MS, Course
from gateway.records.conclusion import concluded
from gateway.replays.judging import judged
from gateway.replays.replaying import replayed
from tests.adapters.conftest import Desk
from tests.adapters.test_admission_model import closed, opened_desk
from tests.e2e.policy import Data, policy
from tests.e2e.requests import get, send
from tests.examples import examples

KEY = b"pseudonym key of these tests...."
NOW = 1_767_603_600_000
MINUTE = 60_000
SEND, GET = "/pilote.crm.v1.MessageService/SendMessage", "/pilote.crm.v1.ContactService/GetContact"

few = st.integers(0, 3)
calendars = st.sampled_from([{"unit": "day", "zone": "UTC"}, {"unit": "week", "zone": "Europe/Paris"}])
spans = st.sampled_from(["5m", "30m", "2h"])


def limits() -> st.SearchStrategy[Data]:
    """A limit of any kind that a gateway counts by itself."""
    by = st.sampled_from([["agent"], ["tenant"], ["subject"], ["channel", "agent"]])
    kinds = st.one_of(
        st.fixed_dictionaries({"rate": st.integers(1, 3), "per": spans, "burst": st.integers(1, 3)}),
        st.fixed_dictionaries({"max": few, "window": spans}),
        st.fixed_dictionaries({"max": few, "calendar": calendars}),
        st.fixed_dictionaries({"concurrent": st.integers(0, 2)}),
        st.fixed_dictionaries(
            {"max": st.integers(10, 60), "window": spans}
        ).map(lambda its: its | {"cost": {"unit": "cents", "estimate": "10 + call.request_bytes % 7"}}),
    )  # fmt: skip
    mode = st.sampled_from(["enforce", "enforce", "monitor"])
    more = st.fixed_dictionaries({"by": by, "mode": mode, "methods": st.just([SEND])})
    return st.tuples(kinds, more).map(lambda pair: pair[0] | pair[1])


def caps() -> st.SearchStrategy[Data]:
    """A cap, or a shortest time between two contacts."""
    kinds = st.one_of(
        st.fixed_dictionaries({"max": few, "window": spans}),
        st.fixed_dictionaries({"max": few, "calendar": calendars}),
        st.fixed_dictionaries({"max": st.integers(1, 3), "window": st.just("2h"), "min_gap": st.just("10m")}),
    )
    counts_on = st.sampled_from(["reserved", "reserved", "sent"])
    more = st.fixed_dictionaries({"counts_on": counts_on, "by": st.sampled_from([["channel"], ["category"], []])})
    return st.tuples(kinds, more).map(lambda pair: pair[0] | pair[1])


@st.composite
def policies(draw: st.DrawFn) -> Data:
    """Rules, quiet hours, limits, caps, a score and a sequence, of each some."""
    data = policy("127.0.0.1:1")
    data["limits"] = [{"name": f"l{n}"} | each for n, each in enumerate(draw(st.lists(limits(), max_size=2)))]
    data["caps"] = [{"name": f"c{n}"} | each for n, each in enumerate(draw(st.lists(caps(), max_size=2)))]
    if draw(st.booleans()):
        data["pressure"] = {"half_life": "30m", "max": draw(st.sampled_from([1.5, 2.5])), "channels": {"sms": 2.0}}
    if draw(st.booleans()):
        data["sequences"] = [{"name": "s", "by": "subject", "first": {"methods": [GET]}, "then": {"methods": [SEND]},
                              "within": "10m", "agents": draw(st.sampled_from(["any", "same", "other"]))}]  # fmt: skip
    if draw(st.booleans()):
        data["rules"].append({"name": "no", "effect": "deny", "methods": [SEND],
                              "when": 'call.category == "promo"'})  # fmt: skip
    if draw(st.booleans()):
        data["quiet_hours"] = [{"name": "q", "zone": "UTC", "open": [{"from": "09:00", "to": "10:30"}]}]
    return data


class Asked(msgspec.Struct, frozen=True):
    """One call that is made on both sides."""

    after_ms: int
    agent: str
    customer: int
    category: str
    channel: str
    reads: bool
    key: int
    gives_back: bool


CALLS = st.lists(
    st.builds(
        Asked,
        after_ms=st.sampled_from([0, 1, USUAL_MS, 30_000, MINUTE, 11 * MINUTE, 31 * MINUTE]),
        agent=st.sampled_from(["sales-bot", "marketing-bot"]),
        customer=st.integers(0, 1),
        category=st.sampled_from(["service", "promo", "legal"]),
        channel=st.sampled_from(["email", "sms"]),
        reads=st.sampled_from([False, False, False, True]),
        key=st.integers(-2, 1),
        gives_back=st.sampled_from([False, False, True]),
    ),
    min_size=5,
    max_size=25,
)


def inputs_of(asked: list[Asked]) -> list[Inputs]:
    """What the calls are decided by."""
    found, now_ms = [], NOW
    for number, each in enumerate(asked):
        now_ms += each.after_ms
        customer = f"contacts/c-{each.customer}"
        request: Message = get(customer)
        if not each.reads:
            key = f"key-{each.key}" if each.key >= 0 else ""
            request = send(customer, category=each.category, channel=each.channel, request_id=key)
        found.append(
            Inputs(
                id=decision_id(now_ms=now_ms, random=number.to_bytes(10)),
                revision=1,
                tenant="acme",
                agent=each.agent,
                method=GET if each.reads else SEND,
                received_ms=now_ms,
                request=request.SerializeToString(deterministic=True),
                facts=Facts(time_zone="Europe/Paris"),
                pressure_read=True,
            )
        )
    return found


class Lived(msgspec.Struct, frozen=True):
    """What came of a call."""

    record: Record
    outcome: Outcome
    settlement: Settlement | None


class Living:
    """Decides about calls under a policy, and admits and settles them at a real store, in the order of their times."""

    def __init__(self, desk: Desk, revision: Revision) -> None:
        self._desk = desk
        self._revision = revision
        self._due: list[tuple[int, int, Reservation, Settlement]] = []

    async def live(self, number: int, inputs: Inputs, *, gives_back: bool) -> Lived:
        now_ms = inputs.received_ms
        while self._due and self._due[0][0] <= now_ms:
            _, _, reservation, settlement = heapq.heappop(self._due)
            self._desk.admission.settle(reservation, settlement)
            await self._desk.admission.close()
        again = replayed(self._revision, inputs, pseudonym_key=KEY)
        record = msgspec.structs.replace(again.record, decided_ms=now_ms, expires_ms=now_ms + 2 * MINUTE)
        if record.verdict is not Verdict.ALLOW or again.decision is None:
            return Lived(record, Outcome(granted=False), None)
        key = _request_key(inputs)
        reservation = reserve(record, again.decision.buckets, request_key=key and f"pilote:{{acme/0}}:request:{key}")
        outcome, _ = await self._desk.admission.admit(reservation, record, request_hash=_hash(inputs) if key else "")
        if not outcome.granted or outcome.first:
            return Lived(record, outcome, None)
        end = Settlement(id=record.id, settled_ms=now_ms + USUAL_MS, status="OK", gave_back=gives_back)
        heapq.heappush(self._due, (end.settled_ms, number, reservation, end))
        return Lived(record, outcome, end)


def _request_key(inputs: Inputs) -> str:
    if inputs.method == GET:
        return ""
    message = send()
    message.ParseFromString(inputs.request)
    return f"{inputs.agent}:{message.request_id}" if message.request_id else ""


def _hash(inputs: Inputs) -> str:
    return hashlib.sha256(inputs.method.encode() + inputs.request).hexdigest()


def said(lived: Lived) -> tuple[str, str]:
    """Verdict, and for which reason and by what."""
    end = concluded(lived.record, lived.outcome)
    return end.verdict.value, "" if end.verdict is Verdict.ALLOW else f"{end.reason} {end.rule}".strip()


async def agrees(desk: Desk, old: Revision, new: Revision, asked: list[Asked]) -> None:
    """Live under the old policy, say what the new one would do, then live under the new one."""
    inputs = inputs_of(asked)
    await desk.redis.flushall()
    before = Living(desk, old)
    recorded = [
        await before.live(number, each, gives_back=asked[number].gives_back) for number, each in enumerate(inputs)
    ]
    forms, course = Forms(), Course()
    foretold = []
    for place, (its, lived) in enumerate(zip(inputs, recorded, strict=True)):
        call = judged(
            new, its, lived.record, lived.outcome, settlement=lived.settlement, told=(), place=place, forms=forms,
            pseudonym_key=KEY,
        )  # fmt: skip
        came = course.take(call, forms.found)
        foretold.append((came.verdict, came.by))
    await desk.redis.flushall()
    after = Living(desk, new)
    for number, (its, lived) in enumerate(zip(inputs, recorded, strict=True)):
        back = asked[number].gives_back and lived.settlement is not None  # of one that was not made nobody knows
        assert (number, said(await after.live(number, its, gives_back=back))) == (number, foretold[number])
    await desk.admission.close()


@pytest.mark.one_server
@pytest.mark.thorough
@pytest.mark.timeout(240)
def test_a_backtest_says_of_every_call_what_the_draft_says_once_it_runs(redis_process: Any) -> None:
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        desk = runner.run(opened_desk(redis_process.url, Path(folder)))

        @settings(max_examples=examples(120), suppress_health_check=[HealthCheck.too_slow])
        @given(policies(), policies(), CALLS)
        def check(old: Data, new: Data, asked: list[Asked]) -> None:
            runner.run(agrees(desk, load(old, number=1), load(new, number=2), asked))

        check()
        runner.run(closed(desk))
