"""gRPC's frames by hand: whatever comes is read as it was sent, or refused with the status that gRPC gives it."""

import itertools
import urllib.parse

import pytest
from google.rpc import code_pb2
from hypothesis import given
from hypothesis import strategies as st

from gateway.rpc.framing import (
    PREFIX_BYTES,
    Frames,
    Metadata,
    Misframed,
    framed,
    is_grpc,
    metadata_of,
    only_message,
    seconds_of,
    trailers_of,
)

MOST = 40
"""Bytes of the largest message that is taken in these tests."""
messages = st.lists(st.binary(max_size=MOST), max_size=5)
encodings = st.sampled_from([b"", b"identity", b"gzip"])
nearly = st.builds(
    lambda flag, length, rest: bytes([flag]) + length.to_bytes(4, "big") + rest,
    st.sampled_from([0, 0, 0, 1, 2, 255]),
    st.integers(0, MOST + 3) | st.integers(0, 2**32 - 1),
    st.binary(max_size=MOST + 10),
)
"""What looks like frames, and is that at times."""


def in_pieces(body: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return [body[start:end] for start, end in itertools.pairwise(places)]


def read(pieces: list[bytes], encoding: bytes = b"") -> list[bytes] | int:
    """The messages, or the code of what is wrong with them."""
    frames = Frames(max_bytes=MOST, encoding=encoding)
    try:
        found = [message for piece in pieces for message in frames.feed(piece)]
        frames.end()
    except Misframed as error:
        return error.code
    return found


def only(body: bytes, encoding: bytes) -> bytes | int:
    """The one message of a whole body, or the code of what is wrong with it."""
    try:
        return only_message(body, Frames(max_bytes=MOST, encoding=encoding))
    except Misframed as error:
        return error.code


@given(messages, st.lists(st.integers(0, 1000)))
def test_messages_come_as_they_were_sent_however_the_bytes_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    assert read(in_pieces(b"".join(map(framed, sent)), cuts)) == sent


@given(st.binary(max_size=80) | nearly, st.lists(st.integers(0, 1000)), encodings)
def test_whatever_comes_is_read_the_same_however_it_is_cut(body: bytes, cuts: list[int], encoding: bytes) -> None:
    assert read(in_pieces(body, cuts), encoding) == read([body], encoding)


@given(st.binary(max_size=80) | nearly | messages.map(lambda sent: b"".join(map(framed, sent))), encodings)
def test_a_whole_body_is_read_as_its_pieces_are(body: bytes, encoding: bytes) -> None:
    found = read([body], encoding)
    if isinstance(found, list) and len(found) != 1:
        found = code_pb2.UNIMPLEMENTED
    assert only(body, encoding) == (found if isinstance(found, int) else found[0])


@given(st.integers(MOST + 1, 2**32 - 1), st.integers(0, 20))
def test_a_message_that_is_too_large_is_refused_before_it_comes(length: int, sent: int) -> None:
    body = b"\0" + length.to_bytes(4, "big") + b"x" * sent
    assert read([body[:PREFIX_BYTES]]) == read([body]) == code_pb2.RESOURCE_EXHAUSTED


@given(st.binary(min_size=1, max_size=MOST), st.data())
def test_a_message_that_breaks_off_is_refused(message: bytes, data: st.DataObject) -> None:
    body = framed(message)
    assert read([body[: data.draw(st.integers(1, len(body) - 1))]]) == code_pb2.INTERNAL


@given(st.integers(1, 255), st.binary(max_size=MOST))
def test_what_is_compressed_is_refused(flag: int, message: bytes) -> None:
    body = bytes([flag]) + framed(message)[1:]
    assert read([body], b"gzip") == (code_pb2.UNIMPLEMENTED if flag == 1 else code_pb2.INTERNAL)
    assert read([body], b"identity") == read([body]) == code_pb2.INTERNAL


@given(st.integers(0, 99_999_999), st.sampled_from("HMSmun"))
def test_timeouts_are_read_in_their_units(count: int, unit: str) -> None:
    seconds = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}[unit]
    assert seconds_of(f"{count}{unit}".encode()) == pytest.approx(count * seconds)


@pytest.mark.parametrize("timeout", [b"", b"S", b"1", b"1s", b"-1S", b"1.5S", b"123456789S", b"1S ", b"\xd9\xa1S"])
def test_what_is_no_timeout_is_refused(timeout: bytes) -> None:
    with pytest.raises(Misframed) as refused:
        seconds_of(timeout)
    assert refused.value.code == code_pb2.INTERNAL


values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)


@given(st.integers(0, 16), st.text(max_size=30), values, st.binary(max_size=20))
def test_trailers_are_read_back_as_they_were_meant(code: int, text: str, value: str, packed: bytes) -> None:
    trailers = trailers_of(code, text, (("a-key", value), ("b-bin", packed)))
    told = dict(trailers)
    assert told[b"grpc-status"] == b"%d" % code
    said = told.get(b"grpc-message", b"")
    assert said.isascii()
    assert said.decode().isprintable()
    assert urllib.parse.unquote(said.decode()) == text
    assert dict(metadata_of(trailers)) == {"a-key": value, "b-bin": packed}


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=6))
def test_metadata_is_read_or_refused_whatever_comes(pairs: list[tuple[bytes, bytes]]) -> None:
    for name, value in _metadata(pairs):
        assert isinstance(value, bytes) == name.endswith("-bin")
        assert not name.startswith("grpc-")


def _metadata(pairs: list[tuple[bytes, bytes]]) -> Metadata:
    """What is read; nothing where it is refused."""
    try:
        return metadata_of(pairs)
    except Misframed:
        return ()


def test_values_that_were_joined_are_parted_and_need_no_padding() -> None:
    assert metadata_of([(b"x-bin", b"YQ, YmI=")]) == (("x-bin", b"a"), ("x-bin", b"bb"))
    with pytest.raises(Misframed):
        metadata_of([(b"x-bin", b"Y")])


@pytest.mark.parametrize(
    ("content_type", "grpc"),
    [
        (b"application/grpc", True),
        (b"application/grpc+proto", True),
        (b"Application/GRPC ; charset=utf-8", True),
        (b"application/grpc+json", False),
        (b"application/grpc-web", False),
        (b"application/json", False),
        (b"", False),
    ],
)
def test_only_calls_in_protobuf_are_taken(content_type: bytes, *, grpc: bool) -> None:
    assert is_grpc(content_type) is grpc
