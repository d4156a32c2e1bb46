"""A stream of messages becomes one JSON document, and one that is cut off becomes none."""

import asyncio
import json
from collections.abc import Sequence

import grpc
import pytest
from google.protobuf.json_format import Parse
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from pilote.audit.v1 import persons_pb2
from services.control.api.streaming import document

Report = persons_pb2.ReportPersonResponse


class Told:
    """A call that answers these messages and then ends, well or not."""

    def __init__(self, messages: Sequence[Message], *, breaks: bool = False) -> None:
        self._messages = list(messages)
        self._breaks = breaks
        self.cancelled = False

    async def read(self) -> object:
        if self._messages:
            return self._messages.pop(0)
        if self._breaks:
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())
        return grpc.aio.EOF

    def cancel(self) -> None:
        self.cancelled = True


async def _whole(call: Told, first: Message) -> bytes:
    return b"".join([part async for part in document(call, first, listed="entries")])


_parts = st.lists(st.lists(st.text(max_size=4), max_size=3), max_size=4)


@given(parts=_parts, decisions=st.integers(0, 3), unreadable=st.lists(st.text(max_size=4), max_size=2))
def test_a_stream_is_one_message_of_its_kind(parts: list[list[str]], decisions: int, unreadable: list[str]) -> None:
    first = Report(summary=persons_pb2.PersonSummary(decisions=decisions))
    later = [Report(entries=[persons_pb2.PersonEntry(agent=name) for name in names]) for names in parts]
    call = Told([*later, Report(unreadable_segments=unreadable)])
    found = Parse(asyncio.run(_whole(call, first)), Report())

    wanted = Report(summary=first.summary, unreadable_segments=unreadable)
    for each in later:
        wanted.entries.extend(each.entries)
    assert found == wanted
    assert call.cancelled


@given(parts=_parts)
def test_a_stream_that_is_cut_off_is_no_json(parts: list[list[str]]) -> None:
    later = [Report(entries=[persons_pb2.PersonEntry(agent=name) for name in names]) for names in parts]
    came = bytearray()

    async def cut_off() -> None:
        nonlocal came
        async for part in document(Told(later, breaks=True), Report(), listed="entries"):
            came += part

    with pytest.raises(grpc.aio.AioRpcError):
        asyncio.run(cut_off())
    with pytest.raises(json.JSONDecodeError):
        json.loads(came)
