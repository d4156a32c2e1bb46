"""Whatever a policy says and whatever calls come, through a real gateway: every record is decided once more."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.facts import put
from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.consents import Consent
from gateway.core.record import subject_ref
from gateway.redis_clients import connected
from tests.adapters.test_backtest_agrees import GET, SEND, policies
from tests.e2e.policy import Data
from tests.e2e.replayed import Census, census
from tests.e2e.requests import get, one_by_one, send, send_one
from tests.e2e.world import KEY, World, credential, told
from tests.fakes.upstream import FakeUpstream, fake_upstream
from tests.services.ports import free
from tests.stores import Store

AGENTS: Final = ("sales-bot", "marketing-bot", "research-bot")
EXPRESSIONS: Final = (
    '"vip" in facts.segments',
    'facts.traits["tier"] == "gold"',
    "facts.scores.churn > 0.5",
    'facts.consents["email"]',
    "facts.pressure > 1.0",
    'route.arm == "bold"',
    'agent.labels["access"] == "read-only"',
    'call.subject.endsWith("1")',
    "now.getHours() < 12",
)
EFFECTS: Final = st.sampled_from(["allow", "allow", "hold", "hold", "deny"])

rules = st.fixed_dictionaries(
    {
        "effect": EFFECTS,
        "when": st.sampled_from(EXPRESSIONS),
        "methods": st.sampled_from([[SEND], [GET], [SEND, GET]]),
        "mode": st.sampled_from(["enforce", "enforce", "monitor"]),
        "on_error": st.sampled_from(["allow", "deny"]),
    }
)
customers = st.builds(
    Facts,
    time_zone=st.sampled_from(["", "Europe/Paris", "Pacific/Auckland"]),
    segments=st.sampled_from([(), ("vip",)]),
    traits=st.sampled_from([{}, {"tier": "gold"}]),
    scores=st.sampled_from([{}, {"churn": 0.25}, {"churn": 1.0}]),
    consents=st.sampled_from([{}, {"email": True}, {"email": False}]),
    consent_records=st.lists(
        st.builds(
            Consent,
            channel=st.sampled_from(["email", "phone"]),
            status=st.sampled_from(["granted", "refused", "withdrawn"]),
            captured_ms=st.sampled_from([0, 1_767_603_600_000]),
        ),
        max_size=2,
    ).map(tuple),
)


@st.composite
def everything(draw: st.DrawFn) -> Data:
    """A policy with some of whatever a decision may depend on; its upstreams are named, and have no address yet."""
    data = draw(policies())
    names = [f"r{n}" for n in range(4)]
    data["rules"] += [{"name": name} | draw(rules) for name in names[: draw(st.integers(0, 3))]]
    if draw(st.booleans()):  # else little gets as far as the routes
        data |= {"caps": [], "limits": []}
    if draw(st.booleans()):
        redact = {"name": "warm", "effect": "redact", "methods": [GET], "fields": ["contact.email"]}
        data["rules"].append(redact | {"when": draw(st.sampled_from(EXPRESSIONS))})
    arms = [{"name": "calm", "upstream": "crm", "weight": 6_000}, {"name": "bold", "upstream": "crm", "weight": 4_000}]
    spare = {"name": "spare", "upstream": "crm", "weight": 0}
    if draw(st.booleans()):
        arms[1]["upstream"] = "down"
    route = {"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": [*arms, spare], "fallback": ["spare"]}
    route["sticky"] = draw(st.sampled_from(["subject", "session", "none"]))
    data["routes"] = [route | draw(st.sampled_from([{}, {"shadow": {"arm": "spare"}}]))]
    tone = {"name": "tone", "operations": ["CONTACT"], "arms": [{"name": n, "weight": 5_000} for n in ("a", "b")]}
    data["experiments"] = draw(st.sampled_from([[], [tone]]))
    data["holdouts"] = draw(st.sampled_from([[], [{"name": "silent", "share": 4_000}]]))
    data["consents"] = draw(st.sampled_from([[], [], [{"name": "calls", "channels": ["phone"]}]]))
    data["autonomy"] = draw(st.sampled_from([{}, {"CONTACT": "approve"}, {"READ": "observe"}]))
    return data


class Asked(msgspec.Struct, frozen=True):
    """One call."""

    agent: str
    customer: int
    category: str
    channel: str
    kind: str
    key: str
    language: str
    session: str


CALLS: Final = st.lists(
    st.builds(
        Asked,
        agent=st.sampled_from(AGENTS),
        customer=st.integers(0, 2),
        category=st.sampled_from(["service", "promo", "legal"]),
        channel=st.sampled_from([*3 * ["email", "phone"], "smoke signals"]),
        kind=st.sampled_from([*4 * ["send"], *3 * ["get"], *2 * ["stream"], "nonsense"]),
        key=st.sampled_from(["", "", "once"]),
        language=st.sampled_from(["en", "fr"]),
        session=st.sampled_from(["", "session-of-a-person-1"]),
    ),
    min_size=4,
    max_size=12,
)


class Living:
    """A gateway for all examples, each with a policy and customers of its own."""

    def __init__(self, world: World, upstream: FakeUpstream) -> None:
        self._world = world
        self._agent = world.agent()
        self._raw = world.raw().unary_unary(GET)
        self._upstream = upstream
        self._down = f"127.0.0.1:{free(1)[0]}"

    async def live(self, data: Data, facts: list[Facts], asked: list[Asked]) -> Census:
        """Make the calls under the policy, and decide about each once more."""
        world = self._world
        data["upstreams"] = [
            {"name": "crm", "address": self._upstream.address, "timeout": "10s"},
            {"name": "down", "address": self._down},
        ]
        await world.publish(data)
        for number, its in enumerate(facts):
            ref = subject_ref(KEY, tenant="acme", subject=f"contacts/c-{number}")
            await put(world.redis, "acme", subject_ref=ref, facts=its)
        await asyncio.gather(*(self._call(each) for each in asked))
        found = await census(world)
        await world.redis.xtrim(keys.decisions(keys.cell("acme")), maxlen=0, approximate=False)
        return found

    async def _call(self, its: Asked) -> None:
        metadata = credential(its.agent, ("accept-language", its.language))
        metadata += (("pilote-session-id", its.session),) if its.session else ()
        fields = {"category": its.category, "channel": its.channel, "body": "x" * its.customer}
        customer = f"contacts/c-{its.customer}"
        messages = self._agent.messages
        if its.kind == "send":
            await told(messages.SendMessage(send(customer, request_id=its.key, **fields), metadata=metadata))
        elif its.kind == "get":
            await told(self._agent.contacts.GetContact(get(customer), metadata=metadata))
        elif its.kind == "stream":
            several = [send_one(f"contacts/c-{number}", **fields) for number in range(its.customer + 1)]
            await told(messages.SendMessages(one_by_one(several), metadata=metadata))
        else:
            await told(self._raw(b"\x0a\xff\xff", metadata=metadata))


@contextlib.asynccontextmanager
async def living(store: Store, home: Path) -> AsyncIterator[Living]:
    """The gateway until the block ends."""
    async with contextlib.AsyncExitStack() as stack:
        redis = await connected(store.url)
        stack.push_async_callback(redis.aclose)
        await redis.flushall()
        upstream = await stack.enter_async_context(fake_upstream())
        world = World(redis, store.url, home, stack, replaying=True)
        await world.gateway()
        await world.let_trim()
        yield Living(world, upstream)


@pytest.mark.one_server
@pytest.mark.timeout(240)
def test_whatever_the_policy_and_the_calls_every_record_comes_to_the_same_bytes(redis_process: Any) -> None:
    tally = Census()
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        scene = living(redis_process, Path(folder))
        one = runner.run(scene.__aenter__())
        try:
            _check(runner, one, tally)
        finally:
            runner.run(scene.__aexit__(None, None, None))
    assert {"allowed", "refused"} <= tally.same.keys()


def _check(runner: asyncio.Runner, one: Living, tally: Census) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(everything(), st.lists(customers, min_size=3, max_size=3), CALLS)
    def check(data: Data, facts: list[Facts], asked: list[Asked]) -> None:
        found = runner.run(one.live(data, facts, asked))
        tally.add(found)
        assert found.wrong == []
        assert found.all_named()

    check()
