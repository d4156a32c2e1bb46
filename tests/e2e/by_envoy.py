"""Whether calls go by the engine's Envoy."""

from tests.e2e.requests import get
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, credential
from tests.fakes.upstream import Asked, FakeUpstream, answering


def by_envoy(asked: Asked) -> bool:
    """Whether Envoy has brought the call: the gateway's own gRPC says what it is."""
    return not asked.values("user-agent")


async def reached(agent: Agent, *upstreams: FakeUpstream) -> None:
    """Wait until Envoy has carried a call of the active revision to each of its upstreams; from now on all answer.

    It counts calls under way only where it has a connection.
    """
    for each in upstreams:
        each.behave = answering(b"")

    async def carried() -> bool | None:
        await agent.contacts.GetContact(get(), metadata=credential("sales-bot"))
        return all(any(by_envoy(asked) for asked in each.asked) for each in upstreams) or None

    await eventually(carried, what="a call to each that Envoy has carried")
    for each in upstreams:
        each.asked.clear()
