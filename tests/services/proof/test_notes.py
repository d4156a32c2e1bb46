"""Notes, checkpoints and cosignatures, against the example of the specification and against whatever may be wrong."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from services.proof.notes import (
    WITNESS,
    Checkpoint,
    Key,
    Malformed,
    Signer,
    cosigned_at,
    read_checkpoint,
    read_key,
    read_note,
    signed_by,
)

EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"  # noqa: E501
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"  # noqa: E501
)
"""Of tlog-cosignature."""
LOG = Signer("log.example/one", Ed25519PrivateKey.from_private_bytes(b"1" * 32))
OTHER = Signer("log.example/one", Ed25519PrivateKey.from_private_bytes(b"2" * 32))
SEEN = Signer("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"3" * 32), kind=WITNESS)
CHECKPOINT = Checkpoint("log.example/one", 42, bytes(range(32)))
NOTE = SEEN.cosign(LOG.note(CHECKPOINT.text), at_s=1_795_514_400)


def test_the_example_of_the_specification_is_read_and_written_as_it_is() -> None:
    note = read_note(EXAMPLE)

    assert note.whole == EXAMPLE
    assert read_checkpoint(note.text).size == 20_852_163
    assert [(each.name, each.key.hex()) for each in note.signatures] == [
        ("example.com/behind-the-sofa", "033de0ae"),
        ("witness.example.com/w1", "8d66cf3f"),
    ]
    assert int.from_bytes(note.signatures[1].value[:8]) == 1_679_315_147


def test_a_note_is_signed_by_its_key_and_by_no_other() -> None:
    assert read_note(NOTE.whole) == NOTE
    assert read_checkpoint(NOTE.text) == CHECKPOINT
    assert signed_by(NOTE, LOG.key)
    assert not signed_by(NOTE, OTHER.key)
    assert not signed_by(NOTE, Key("log.example/two", LOG.key.public))


def test_a_witness_says_when_it_has_seen_a_checkpoint() -> None:
    assert cosigned_at(NOTE, SEEN.key) == 1_795_514_400
    assert cosigned_at(LOG.note(CHECKPOINT.text), SEEN.key) is None
    assert cosigned_at(NOTE, LOG.key) is None
    assert cosigned_at(SEEN.cosign(NOTE, at_s=1_795_514_500), SEEN.key) == 1_795_514_500


def test_a_wrong_signature_in_the_name_of_the_key_spoils_the_note() -> None:
    forged = OTHER.note(CHECKPOINT.text).signatures[0]
    doubled = read_note(NOTE.whole + LOG.note("x\n").signatures[0].line)

    assert not signed_by(doubled, LOG.key)
    assert signed_by(read_note(NOTE.whole + forged.line), LOG.key)  # another key's, whatever it calls itself


@settings(max_examples=300)
@given(st.data())
def test_a_note_with_any_byte_changed_is_signed_by_nobody(data: st.DataObject) -> None:
    whole = bytearray(LOG.note(CHECKPOINT.text).whole.encode())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        signed = signed_by(read_note(whole.decode()), LOG.key)
    except (Malformed, UnicodeDecodeError):
        signed = False

    assert not signed


@settings(max_examples=300)
@given(st.data())
def test_a_key_with_any_byte_changed_is_no_key_of_that_log(data: st.DataObject) -> None:
    text = bytearray(LOG.key.text.encode())
    text[data.draw(st.integers(0, len(text) - 1))] ^= data.draw(st.integers(1, 127))
    try:
        key = read_key(text.decode(errors="replace"))
    except Malformed:
        return
    assert not signed_by(LOG.note(CHECKPOINT.text), key)


@pytest.mark.parametrize("signer", [LOG, SEEN])
def test_a_key_is_read_from_its_text(signer: Signer) -> None:
    assert read_key(f"{signer.key.text}\n") == signer.key


@pytest.mark.parametrize("text", ["", "a", "a+b+c", "a b+00000000+AQ==", "log+1+" + "A" * 44])
def test_other_texts_are_no_keys(text: str) -> None:
    with pytest.raises(Malformed):
        read_key(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "\n",
            "a\n1\n",
            "a\n01\nAAAA\n",
            f"a\n-1\n{'A' * 43}=\n",
            f"a\n1\n{'A' * 43}=",
            f"a\n1\n{'A' * 43}=\nb\n",
        ),
        *(f"\n1\n{'A' * 43}=\n", f"a\n1\n{'A' * 42}B=\n", f"a\n\u0661\n{'A' * 43}=\n", f"a\n{'9' * 19}\n{'A' * 43}=\n"),
    ],
)
def test_other_texts_are_no_checkpoints(text: str) -> None:
    with pytest.raises(Malformed):
        read_checkpoint(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "x" * 201])
def test_nobody_is_called_so(name: str) -> None:
    with pytest.raises(Malformed):
        Signer(name, Ed25519PrivateKey.generate())


@given(st.text(max_size=200))
def test_whatever_is_read_as_a_note_is_written_so(text: str) -> None:
    try:
        note = read_note(text)
    except Malformed:
        return
    assert note.whole == text
