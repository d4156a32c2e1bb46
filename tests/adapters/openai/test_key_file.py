"""The key of an upstream is what its file holds now."""

from pathlib import Path

import pytest

from gateway.adapters.openai.key_file import LARGEST_BYTES, KeyFile, KeyUnusable


@pytest.mark.parametrize(("raw", "key"), [(b"sk-1", "sk-1"), (b"  sk-1\r\n\n", "sk-1"), (b"~!", "~!")])
def test_the_key_is_the_files_only_line(tmp_path: Path, raw: bytes, key: str) -> None:
    (tmp_path / "key").write_bytes(raw)
    assert KeyFile(str(tmp_path / "key")).read() == key


@pytest.mark.parametrize(
    "raw",
    [b"", b"\n", b"sk 1", b"sk-1\nsk-2", b"sk-1\r\nX-Evil: 1", "clé".encode(), b"\x00", b"k" * (LARGEST_BYTES + 1)],
)
def test_what_is_no_key_is_never_sent_and_never_shown(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "key").write_bytes(raw)
    with pytest.raises(KeyUnusable) as caught:
        KeyFile(str(tmp_path / "key")).read()
    assert "sk" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_file_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(KeyUnusable):
            KeyFile(str(path)).read()


def test_a_file_that_is_replaced_gives_the_new_key_though_it_is_as_old_and_as_long(tmp_path: Path) -> None:
    file, other = tmp_path / "key", tmp_path / "other"
    file.write_text("sk-1")
    key = KeyFile(str(file))
    assert key.read() == "sk-1"
    other.write_text("sk-2")
    other.replace(file)
    assert key.read() == "sk-2"
