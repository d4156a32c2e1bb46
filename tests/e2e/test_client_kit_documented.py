"""What README shows of the client kit runs as it stands there."""

import asyncio
import re
from pathlib import Path
from typing import Any

from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.policy import allow_all, key_of, policy
from tests.e2e.requests import send
from tests.e2e.waiting import eventually
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream, answering

README = Path(__file__).parents[2] / "README.md"
SENT = SendMessageResponse(message=Message(name="messages/m-1"))


def example(world: World, *, marked: str) -> Any:
    """The one example with those words, compiled, for this gateway."""
    found = [each for each in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if marked in each]
    assert len(found) == 1
    return compile(found[0].replace("127.0.0.1:50051", f"127.0.0.1:{world.gateways[0].port}"), marked, "exec")


async def test_the_example_of_plain_python_waits_for_a_person_and_has_the_answer(
    world: World, upstream: FakeUpstream
) -> None:
    upstream.behave = answering(SENT.SerializeToString())
    await world.publish(policy(upstream.address, rules=[allow_all(), HOLD_CONTACTS]))
    names: dict[str, Any] = {"KEY": key_of("sales-bot"), "request": send()}
    running = asyncio.ensure_future(asyncio.to_thread(exec, example(world, marked="wait_for_hold"), names))

    async def held() -> str | None:
        return next((each.record.id for each in (await world.kept()).values()), None)

    decision = await eventually(held, what="a hold")
    assert await Desk(world).decide(decision)
    await running
    assert names["answer"] == SENT
    assert names["noted"].decisions[0] == decision
