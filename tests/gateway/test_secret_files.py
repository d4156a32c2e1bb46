"""Secrets are made once, whole, and for nobody else to read."""

import os
import stat
from multiprocessing import get_context
from pathlib import Path

from gateway import secret_files

PROCESSES = 4


def make_and_read(path: Path) -> bytes:
    secret_files.make(path, os.urandom(32))
    return path.read_bytes()


def test_of_processes_that_start_at_once_all_read_what_one_has_made(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"
    with get_context("spawn").Pool(PROCESSES) as pool:
        found = pool.map(make_and_read, [path] * (4 * PROCESSES), chunksize=1)
    assert {len(each) for each in found} == {32}
    assert len(set(found)) == 1
    assert [each.name for each in path.parent.iterdir()] == ["key"]


def test_nobody_else_may_read_it_or_look_into_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"
    secret_files.make(path, b"secret")
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]


def test_what_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"first")
    secret_files.make(path, b"second")
    assert path.read_bytes() == b"first"
