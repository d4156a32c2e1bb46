"""Whatever upstreams do, in whatever order: what changes something is carried out once at most, and that is told."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any, Final

import grpc
import pytest

from pilote.crm.v1.contact_service_pb2 import CreateContactRequest
from tests.e2e.policy import Data
from tests.e2e.requests import get, send
from tests.e2e.test_fallback import either
from tests.e2e.test_trying import DOWN, PATIENT, READS, fakes, routed, sure
from tests.e2e.waiting import eventually, until
from tests.e2e.world import Agent, World, credential, told
from tests.fakes.upstream import Asked

SALES = credential("sales-bot")
ENDS: Final = ("acts", "acts and dies", "acts and breaks", "is not there", "refuses")


class Script:
    """What upstreams do to one call, try by try, and how often one of them has acted."""

    def __init__(self, ends: list[str]) -> None:
        self.ends = ends
        self._next: Iterator[str] = iter(ends)
        self.acted = 0
        self.tries = 0

    async def behave(self, _asked: Asked, context: Any) -> bytes:
        """Do what comes next; at its end, act."""
        self.tries += 1
        end = next(self._next, "acts")
        self.acted += end.startswith("acts")
        if end == "acts and dies":
            await context.abort(DOWN, "gone")
        if end == "acts and breaks":
            await context.abort(grpc.StatusCode.INTERNAL, "broken")
        if end == "is not there":
            await context.abort(DOWN, "not there", sure())
        if end == "refuses":
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no")
        return b""


def scripts(seed: int, *, count: int) -> list[Script]:
    """So many scripts of up to six tries; those that fail are likelier, for the others are soon over."""
    draw = random.Random(seed)  # noqa: S311 - a test
    weights = (1, 2, 2, 4, 1)
    return [Script(draw.choices(ENDS, weights, k=draw.randint(0, 6))) for _ in range(count)]


@pytest.mark.parametrize("kind", ["create", "send", "read"])
async def test_whatever_happens_to_the_tries_a_write_is_carried_out_once_at_most_and_the_caller_is_told(
    world: World, agent: Agent, kind: str
) -> None:
    async with fakes(2) as (one, other):
        document = either(one.address, other.address)
        document["routes"][0]["retries"] = {"attempts": 4, "backoff": "1ms", "budget": 100, "min_per_second": 1000}
        await world.publish(document)
        for script in scripts(17, count=60):
            one.behave = other.behave = script.behave
            ended = await told(
                agent.contacts.CreateContact(CreateContactRequest(), metadata=SALES)
                if kind == "create"
                else agent.messages.SendMessage(send(), metadata=SALES)
                if kind == "send"
                else agent.contacts.GetContact(get(), metadata=SALES)
            )
            what = f"{script.ends}: {ended.code.name}, acted {script.acted}, tried {script.tries}"
            assert script.tries <= 5, what
            if kind == "read":
                continue
            assert script.acted <= 1, what
            in_doubt = ended.reason == "UPSTREAM_IN_DOUBT"
            assert (ended.code is grpc.StatusCode.OK or in_doubt) == (script.acted == 1), what


async def test_whatever_becomes_of_calls_none_counts_as_running_once_it_is_over(world: World, agent: Agent) -> None:
    draw = random.Random(23)  # noqa: S311 - a test
    async with fakes(2) as (one, other):

        async def behave(asked: Asked, context: Any) -> bytes:
            chance = draw.random()
            if chance < 0.3:
                return await one.hang(asked, context)
            if chance < 0.5:
                await context.abort(DOWN, "gone")
            await asyncio.sleep(chance / 20)
            return b""

        one.behave = other.behave = behave
        guarding = {"breaker": {"max_concurrent": 8, "percent": 100, "min_calls": 1000}}
        hedged: Data = {"methods": READS, "hedge": {"after": "10ms"}, "retries": PATIENT, "timeout": "2s"}
        await world.publish(routed([one.address, other.address], upstream=guarding, **hedged))

        async def call() -> None:
            made = agent.contacts.GetContact(get(), metadata=SALES, timeout=2)
            ending = asyncio.ensure_future(told(made))
            await asyncio.wait([ending], timeout=draw.random() / 5)
            made.cancel()
            await asyncio.gather(ending, return_exceptions=True)

        for _ in range(10):
            await asyncio.gather(*(call() for _ in range(20)))

        async def all_over() -> bool | None:
            kept = (await world.kept()).values()
            return all(each.settlement or not each.outcome.granted for each in kept) or None

        await eventually(all_over, what="the end of all calls")
        arrived = len(one.asked) + len(other.asked)
        one.behave, other.behave = one.hang, other.hang
        await world.publish(routed([one.address, other.address], upstream=guarding))
        last = [asyncio.ensure_future(told(agent.contacts.GetContact(get(), metadata=SALES))) for _ in range(20)]
        await until(lambda: sum(each.done() for each in last) >= 12, what="12 refusals")
        # Those let through may still be on their way: the revision is new and so may be its lines.
        await until(lambda: len(one.asked) + len(other.asked) >= arrived + 8, what="8 calls carried out")
        assert sum(each.done() for each in last) == 12
        assert len(one.asked) + len(other.asked) == arrived + 8
        one.let_go.set()
        other.let_go.set()
        codes = [(await each).code for each in last]
        assert codes.count(grpc.StatusCode.OK) == 8
