"""What a call logs on its way can be found by its trace, and names nobody."""

import json
import logging
import re
from collections.abc import Iterator

import pytest

from gateway.watching.logs import JsonLines
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.requests import get, send
from tests.e2e.world import World, credential, told
from tests.fakes.upstream import FakeUpstream

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SALES = credential("sales-bot", ("traceparent", f"00-{TRACE}-{PARENT}-01"))
PERSONAL = ("ada", "Lovelace", "@example", "+336", "Dear")


class Lines(logging.Handler):
    """Formats as the processes do, when they do: at once."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    handler, root = Lines(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(before)


async def test_the_line_of_a_call_has_the_ids_of_its_record(
    empty_world: World, upstream: FakeUpstream, lines: list[str]
) -> None:
    async with empty_world.started(call_log="all"):
        await empty_world.publish(policy(upstream.address, caps=[cap(1)]))
        agent = empty_world.agent()
        ended = [await told(agent.messages.SendMessage(send("contacts/ada"), metadata=SALES)) for _ in range(2)]
        ended.append(await told(agent.contacts.GetContact(get(), metadata=SALES)))
    said = {line["pilote.decision"]: line for line in map(json.loads, lines) if line["logger"] == "pilote.calls"}
    assert [said[each.decision].get("pilote.reason", "") for each in ended] == ["", "CAP_EXCEEDED", ""]
    kept = await empty_world.kept()
    for each in ended:
        line, record = said[each.decision], kept[each.decision].record
        assert (line["trace_id"], line["span_id"]) == (record.trace_id, record.span_id)
        assert line["trace_id"] == TRACE
    without_ids = [re.sub(r"[0-9a-f]{16,}", "", line) for line in lines]  # which may hold the letters of any short name
    assert [name for name in PERSONAL for line in without_ids if name in line] == []


async def test_what_goes_wrong_on_the_way_is_logged_with_the_calls_trace(
    empty_world: World, upstream: FakeUpstream, lines: list[str]
) -> None:
    async with empty_world.started(call_log="none") as gateway:
        await empty_world.publish(policy(upstream.address, rules=[allow_all()]))
        key = "pilote:{acme/0}:stops"
        await empty_world.redis.set(key, "no switches, and so no admission")
        ended = await told(empty_world.agent(gateway).contacts.GetContact(get(), metadata=SALES))
        await empty_world.redis.delete(key)
    assert ended.reason == "STORE_UNAVAILABLE"
    (line,) = [line for line in map(json.loads, lines) if line["text"] == "the store refuses an admission"]
    assert line["trace_id"] == TRACE
    assert line["span_id"] != PARENT
