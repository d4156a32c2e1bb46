"""Server-sent events come apart the same, however the network cuts them."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.openai.server_events import EventTooLong, ServerEvents

TEXTS = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


def read(raw: bytes, *cuts: int, longest: int = 10_000) -> list[bytes]:
    """The events of a stream that came in pieces."""
    events = ServerEvents(longest=longest)
    places = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    return [data for a, b in itertools.pairwise(places) for data in events.feed(raw[a:b])]


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=3), max_size=6), ENDS, st.lists(st.integers(0, 10_000)))
def test_what_was_written_is_read_however_it_is_cut(events: list[list[str]], end: bytes, cuts: list[int]) -> None:
    raw = b"".join(b"".join(b"data: " + line.encode() + end for line in event) + end for event in events)
    assert read(raw + b":", *cuts) == ["\n".join(event).encode() for event in events]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_any_bytes_come_apart_the_same_in_one_piece_or_in_many(raw: bytes, cuts: list[int]) -> None:
    assert read(raw, *cuts) == read(raw)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b": comment\n\ndata: a\n\n", [b"a"]),
        (b"event: x\nid: 7\nretry: 3\ndata: a\n\n", [b"a"]),
        (b"data\n\n", []),
        (b"data:\n\n", [b""]),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"datax: a\n\n", []),
        (b"data: a\r\rdata: b\r\n\r\n", [b"a", b"b"]),
    ],
)
def test_lines_mean_what_the_standard_says(raw: bytes, wanted: list[bytes]) -> None:
    wanted = [b""] if raw == b"data\n\n" else wanted  # a field without a colon has an empty value
    assert read(raw) == wanted


@given(st.integers(0, 300))
def test_an_event_that_is_too_long_is_not_kept(cut: int) -> None:
    for raw in (b"data: " + b"x" * 200, b"data: x\n" * 200, b"x" * 200):
        with pytest.raises(EventTooLong):
            read(raw, cut, longest=100)
    assert len(read(b"data: x\n\n" * 200, cut, longest=100)) == 200


def test_a_long_event_may_come_in_small_pieces() -> None:
    events = ServerEvents(longest=1_000_000)
    payload = b"data: " + json.dumps({"content": "x" * 50_000}).encode() + b"\n\n"
    found = [data for n in range(0, len(payload), 16) for data in events.feed(payload[n : n + 16])]
    assert len(found) == 1
