"""A sealed file opens for whom it was sealed, and only whole."""

import io
import os

import hypothesis.strategies as st
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings

from services.backups.sealed_files import CHUNK, Opener, SealedWriter, Unopened, opened

PHRASE = "correct horse battery staple"
QUICK = 10  # scrypt's cost is not what is tested
ME = X25519PrivateKey.generate()


def sealed(*parts: bytes, phrase: str = PHRASE, people: tuple[X25519PrivateKey, ...] = ()) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, passphrase=phrase, recipients=[each.public_key() for each in people], log_n=QUICK)
    for part in parts:
        writer.write(part)
    writer.close()
    return file.getvalue()


def whole(body: bytes, opener: Opener = PHRASE) -> bytes:
    return b"".join(opened(io.BytesIO(body), opener))


@settings(max_examples=30)
@given(st.lists(st.integers(0, 2 * CHUNK + 1), max_size=4))
def test_what_was_written_comes_back_however_it_was_written(sizes: list[int]) -> None:
    parts = [os.urandom(size) for size in sizes]
    assert whole(sealed(*parts)) == b"".join(parts)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_it_ends_where_it_ended(size: int) -> None:
    assert len(whole(sealed(bytes(size)))) == size


def test_each_recipient_opens_it_and_nobody_else_does() -> None:
    other, stranger = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    body = sealed(b"secret", people=(ME, other))
    assert whole(body, ME) == whole(body, other) == whole(body) == b"secret"
    for wrong in (stranger, "another phrase"):
        with pytest.raises(Unopened) as refused:
            whole(body, wrong)
        assert refused.value.why == "wrong-key"
    with pytest.raises(Unopened):
        whole(sealed(b"secret", phrase="", people=(ME,)))
    with pytest.raises(ValueError, match="nobody"):
        SealedWriter(io.BytesIO())


BODY = sealed(os.urandom(3 * CHUNK + 77))


@given(place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_one_bit_that_was_changed_anywhere_is_seen(place: int, bit: int) -> None:
    changed = bytearray(BODY)
    changed[place] ^= 1 << bit
    with pytest.raises(Unopened):
        whole(bytes(changed))


@given(st.integers(0, len(BODY) - 1))
def test_what_was_cut_off_is_seen(length: int) -> None:
    with pytest.raises(Unopened):
        whole(BODY[:length])


def test_chunks_that_change_places_are_seen() -> None:
    start = len(BODY) - (3 * (CHUNK + 16) + 77 + 16)
    first, second = BODY[start : start + CHUNK + 16], BODY[start + CHUNK + 16 : start + 2 * (CHUNK + 16)]
    with pytest.raises(Unopened):
        whole(BODY[:start] + second + first + BODY[start + 2 * (CHUNK + 16) :])
    with pytest.raises(Unopened):
        whole(BODY + bytes(16))


def test_a_file_that_asks_for_all_memory_is_refused() -> None:
    body = sealed(b"x").replace(b'"log_n":10', b'"log_n":60')
    with pytest.raises(Unopened):
        whole(body)
