"""What Envoy shows of calls is read as gRPC would read it, or left to gRPC; whatever somebody sends, nothing breaks."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from gateway.envoy.engine.asking import MOST_HEADERS, Question, asked, heavy

NAMES = st.sampled_from(["x-a", "x-b", "x-raw-bin", "grpc-timeout", "grpc-encoding", "te", "host", "x-api-key"])


def framed(message: bytes, *, compressed: int = 0) -> bytes:
    return bytes([compressed]) + len(message).to_bytes(4) + message


def shown(body: bytes, *headers: tuple[str, bytes], path: bytes = b"/a.B/C") -> Question:
    return Question(path, [(name.encode(), value) for name, value in headers], body)


@given(st.binary(max_size=200), st.lists(st.tuples(st.sampled_from(["x-a", "x-b"]), st.text("ab,; ", max_size=9))))
def test_a_call_is_read_with_its_message_and_its_metadata_in_order(
    message: bytes, headers: list[tuple[str, str]]
) -> None:
    found = asked(shown(framed(message), *((name, value.encode()) for name, value in headers)))
    assert found is not None
    assert (found.method, found.message, list(found.metadata)) == ("/a.B/C", message, headers)
    assert found.time_remaining() is None


@given(st.binary(max_size=60))
def test_binary_metadata_is_read_with_and_without_padding(value: bytes) -> None:
    padded = base64.b64encode(value)
    for text in (padded, padded.rstrip(b"=")):
        found = asked(shown(framed(b""), ("x-raw-bin", text)))
        assert found is not None
        assert found.metadata == (("x-raw-bin", value),)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4))
def test_binary_metadata_of_one_key_stands_in_one_text_and_is_read_apart(values: list[bytes]) -> None:
    found = asked(shown(framed(b""), ("x-raw-bin", b",".join(map(base64.b64encode, values)))))
    assert found is not None
    assert found.metadata == tuple(("x-raw-bin", value) for value in values)


@given(st.binary(max_size=40), st.integers(0, 45), st.integers(1, 255))
def test_whatever_is_not_one_plain_message_is_left_to_grpc(message: bytes, cut: int, flag: int) -> None:
    whole = framed(message)
    broken = [framed(message, compressed=flag), whole + b"x", whole + whole, b""]
    broken += [whole[:cut]] if cut < len(whole) else []
    assert [asked(shown(body)) for body in broken] == [None] * len(broken)


@given(st.binary(max_size=40), st.lists(st.tuples(NAMES, st.binary(max_size=12)), max_size=6), st.binary(max_size=20))
def test_no_bytes_of_anybody_break_it(body: bytes, headers: list[tuple[str, bytes]], path: bytes) -> None:
    found = asked(shown(body, *headers, path=path))
    if found is not None:
        assert all(not name.startswith("grpc-") and name not in ("te", "host") for name, _ in found.metadata)


@given(st.integers(0, 99_999_999), st.sampled_from("HMSmun"))
def test_a_deadline_is_counted_from_when_it_came(amount: int, unit: str) -> None:
    now = [100.0]
    found = asked(shown(framed(b""), ("grpc-timeout", f"{amount}{unit}".encode())), clock=lambda: now[0])
    assert found is not None
    seconds = amount * {"H": 3600, "M": 60, "S": 1, "m": 1e-3, "u": 1e-6, "n": 1e-9}[unit]
    first = found.time_remaining()
    assert first is not None
    assert abs(first - seconds) <= 1e-6 * max(1, seconds)
    now[0] += 5
    later = found.time_remaining()
    assert later is not None
    assert abs(first - later - 5) <= 1e-6 * max(1, seconds)


@given(st.binary(min_size=1, max_size=12))
def test_a_deadline_that_is_none_is_left_to_grpc(text: bytes) -> None:
    valid = len(text) > 1 and text[:-1].isdigit() and len(text) < 10 and text[-1:] in b"HMSmun"
    assert (asked(shown(framed(b""), ("grpc-timeout", text))) is None) is not valid


@given(st.integers(0, 40), st.integers(-30, 30))
def test_a_call_is_heavy_by_the_bytes_of_its_metadata_alone(count: int, over: int) -> None:
    few = [("x-a", b"b" * 5)] * count
    rest = MOST_HEADERS + over - 8 * count
    envoys = (("x-envoy-internal", b"true"), ("x-pilote-envoy-key", b"k" * 64))
    assert heavy(shown(b"", *few, ("x", b"c" * (rest - 1)), *envoys)) is (over > 0)
