"""A caller cannot tell by the end of its call which engine has carried it, and neither can who reads the records."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from gateway.rpc.status import DETAILS_KEY
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.requests import get, send
from tests.e2e.world import Agent, Told, World, credential, told
from tests.fakes.upstream import Behaviour, FakeUpstream, answering, failing

pytestmark = pytest.mark.one_store
SALES = credential("sales-bot")
FRENCH = (*SALES, ("accept-language", "fr"))
OWN = ("pilote-", "ratelimit", "grpc-", "date", "server", "content-")
Ask = Callable[[Agent], Any]


def read(metadata: Any = SALES, **more: Any) -> Ask:
    return lambda agent: agent.contacts.GetContact(get(), metadata=metadata, **more)


def contact(metadata: Any = SALES, **more: Any) -> Ask:
    return lambda agent: agent.messages.SendMessage(send(), metadata=metadata, **more)


RICH = status_pb2.Status(code=14, message="busy")
RICH.details.add().Pack(error_details_pb2.ErrorInfo(reason="BUSY", domain="crm.example"))
DETAILS = ((DETAILS_KEY, RICH.SerializeToString()),)
ENDS: dict[str, tuple[Behaviour, Ask]] = {
    "answers": (answering(b""), read()),
    "answers a contact": (answering(b"", trailers=(("x-page", "2"),)), contact()),
    "refuses": (failing(grpc.StatusCode.NOT_FOUND, "nobody of that name: é", trailers=(("x-why", "gone"),)), read()),
    "refuses a contact": (failing(grpc.StatusCode.INVALID_ARGUMENT, "no"), contact()),
    "is busy": (failing(grpc.StatusCode.UNAVAILABLE, "busy", trailers=DETAILS), contact()),
    "fails": (failing(grpc.StatusCode.INTERNAL, "secret of ours"), read()),
    "fails in French": (failing(grpc.StatusCode.INTERNAL, "secret of ours"), read(FRENCH)),
    "fails at a contact": (failing(grpc.StatusCode.INTERNAL, "secret of ours"), contact()),
    "fails at a contact in French": (failing(grpc.StatusCode.UNKNOWN, "secret of ours"), contact(FRENCH)),
    "is away": (failing(grpc.StatusCode.UNAVAILABLE, "secret of ours"), read()),
    "cancels": (failing(grpc.StatusCode.CANCELLED, "secret of ours"), read()),
}


def shown(ended: Told) -> Any:
    """What a caller can compare."""
    own = {name for name in ended.trailers if name.startswith(("pilote-", "ratelimit"))}
    others = {name: value for name, value in ended.trailers.items() if not name.startswith(OWN)}
    localized = [each for each in ended.status.details if each.type_url.endswith("LocalizedMessage")]
    return ended.code, ended.reason, ended.text, ended.kinds, [each.value for each in localized], own, others


@pytest.mark.parametrize(("behave", "ask"), ENDS.values(), ids=ENDS)
async def test_both_engines_end_a_call_alike(
    empty_world: World, upstream: FakeUpstream, behave: Behaviour, ask: Ask
) -> None:
    await empty_world.gateway(engine="in-process")
    await empty_world.gateway(engine="envoy")
    await empty_world.publish(policy(upstream.address, rules=[allow_all()], caps=[cap(50)]))
    plain, carried = (empty_world.agent(each) for each in empty_world.gateways)
    upstream.behave = behave
    one = await told(ask(plain))
    for _ in range(100):  # until Envoy has read where the upstream is, the gateway carries them
        other = await told(ask(carried))
        if not upstream.asked[-1].values("user-agent"):
            break
    assert not upstream.asked[-1].values("user-agent")
    assert shown(one) == shown(other)
    assert b"secret" not in other.status.SerializeToString()
    kept = await empty_world.settled(len(upstream.asked))
    settled = {each.record.id: each.settlement for each in kept}
    first, second = settled[one.decision], settled[other.decision]
    assert first is not None
    assert second is not None
    for field in ("status", "reason", "in_doubt", "gave_back", "messages_in", "messages_out", "response_bytes"):
        assert getattr(first, field) == getattr(second, field), field
    assert [(each.arm, each.status) for each in first.attempts] == [(each.arm, each.status) for each in second.attempts]


async def test_a_call_that_is_late_or_given_up_ends_alike(empty_world: World, upstream: FakeUpstream) -> None:
    await empty_world.gateway(engine="in-process")
    await empty_world.gateway(engine="envoy")
    data = policy(upstream.address)
    data["upstreams"][0]["timeout"] = "300ms"
    await empty_world.publish(data)
    plain, carried = (empty_world.agent(each) for each in empty_world.gateways)
    for _ in range(100):
        await told(read()(carried))
        if not upstream.asked[-1].values("user-agent"):
            break
    before = len(await empty_world.settled(len(upstream.asked)))
    upstream.behave = upstream.hang
    late = [shown(await told(ask(agent))) for ask in (read(), contact()) for agent in (plain, carried)]
    assert late[0] == late[1]
    assert late[2] == late[3]
    for agent in (plain, carried):
        call = contact()(agent)
        upstream.arrived.clear()
        while len(upstream.asked) < before + 5 + (agent is carried):
            await upstream.arrived.wait()
            upstream.arrived.clear()
        call.cancel()
    kept = (await empty_world.settled(before + 6))[-6:]
    ends = [
        (each.settlement.status, each.settlement.reason, each.settlement.in_doubt) for each in kept if each.settlement
    ]
    assert ends[0] == ends[1]
    assert ends[2] == ends[3]
    assert ends[4] == ends[5]
