"""The PostgreSQL that tests run on: a server of the test session's own, on a Unix socket in a temporary folder.

Debian keeps the server's programs off PATH, in /usr/lib/postgresql/VERSION/bin. Where there is none, the tests that
want one are not collected; the head of pytest's output says so.
"""

import contextlib
import functools
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

OLDEST: Final = 15
"""Oldest version that is tried: Debian 12's."""
_DEBIAN: Final = Path("/usr/lib/postgresql")


@functools.cache
def programs() -> Path | None:
    """The folder of the newest server that is here; `None` where there is none."""
    folders = sorted(_DEBIAN.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    found = [*folders, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((each for each in found if (each / "initdb").exists() and _version(each) >= OLDEST), None)


def _version(folder: Path) -> int:
    """The version of the server in a folder; 0 where there is none."""
    if not (folder / "postgres").exists():
        return 0
    told = subprocess.run((folder / "postgres", "--version"), capture_output=True, text=True, check=True).stdout
    return int(told.split()[2].split(".")[0])


def said() -> str:
    """What there is to test on, in a line."""
    folder = programs()
    if folder is None:
        return "no PostgreSQL here (Debian: apt install postgresql), so the audit service is tested on SQLite alone"
    told = subprocess.run((folder / "postgres", "--version"), capture_output=True, text=True, check=True).stdout
    return f"{told.strip()}, beside SQLite, for the audit service"


class PostgresProcess:
    """A server that a test may stop, freeze or kill. `initdb` refuses root, so root runs it as somebody else."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._numbers = itertools.count()
        self.process: subprocess.Popen[bytes] | None = None
        folder = programs()
        assert folder is not None, "tests for PostgreSQL are collected where there is one"
        self._folder = folder
        self._as: tuple[str, ...] = ()
        if os.geteuid() == 0:
            user = pwd.getpwnam(_somebody())
            os.chown(home, user.pw_uid, user.pw_gid)
            # Not by Popen's `user`: for that Python forks, and what gRPC does in the child may crash it.
            self._as = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")
        self._log = (home / "log").open("ab")
        self.run(folder / "initdb", "--pgdata", home / "data", *_INITDB)

    def start(self) -> None:
        """Start it and wait until it answers. What is left of a killed one may hold its memory for a moment."""
        for _ in range(200):
            options = [word for name, value in self._options().items() for word in ("-c", f"{name}={value}")]
            command = [*self._as, *_LEASH, str(self._folder / "postgres"), "-D", str(self.home / "data"), *options]
            self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log, cwd=self.home)
            if self._answers():
                return
        raise AssertionError(f"PostgreSQL does not start: see {self.home / 'log'}")

    def url(self, database: str = "postgres") -> str:
        """Where a database of it is."""
        return f"postgresql://pilote@/{database}?host={self.home}"

    def execute(self, *texts: str) -> None:
        """Run statements outside any transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            for text in texts:
                connection.execute(text.encode())

    def new_database(self, *, template: str = "template1") -> str:
        """The name of a new database, made from another one."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop(self, database: str) -> None:
        """Delete a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE {database} WITH (FORCE)")

    def kill(self) -> None:
        """End it and all that it has started at once, as a power cut would."""
        if self.process is not None:
            children = _children(self.process.pid)
            self.process.kill()
            for child in children:
                _signal(child, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Let it and all that it has started answer nothing, and keep its connections."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, which: signal.Signals) -> None:
        assert self.process is not None
        for each in (self.process.pid, *_children(self.process.pid)):
            _signal(each, which)

    def stop(self) -> None:
        """End it, and everybody's connections."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)  # what PostgreSQL calls a fast shutdown
            self.process.wait()
            self.process = None
        self._log.close()

    def _answers(self) -> bool:
        """Whether it came up; `False` when it ended instead."""
        assert self.process is not None
        while self.process.poll() is None:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                threading.Event().wait(0.01)  # what we wait for is in another process
                continue
            return True
        return False

    def run(self, *command: str | Path) -> None:
        """Run a command as whom the server runs as."""
        subprocess.run((*self._as, *command), stdout=self._log, stderr=self._log, check=True, cwd=self.home)

    def _options(self) -> dict[str, str | Path]:
        return {
            "listen_addresses": "",
            "unix_socket_directories": self.home,
            "unix_socket_permissions": "0777",  # whom the server runs as is not whom the tests run as
            "max_connections": "100",
            "shared_buffers": "32MB",
            # A killed process loses nothing that the kernel has; only a power cut would, and none comes here.
            "fsync": "off",
            "full_page_writes": "off",
            "autovacuum": "off",
            "log_min_messages": "log",
            "timezone": "Asia/Kathmandu",  # far from UTC by an odd number of minutes: nobody may rely on it
        }


@contextlib.contextmanager
def running(kind: type[PostgresProcess] = PostgresProcess) -> Iterator[PostgresProcess]:
    """A server in a folder of its own, started, and ended with everything it has kept."""
    # Not in pytest's own folder: a socket's path has 107 bytes at most.
    home = Path(tempfile.mkdtemp(prefix="pilote-"))
    server = kind(home)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)


_LEASH: Final = ("setpriv", "--pdeathsig", "INT") if shutil.which("setpriv") else ()
"""Ends the server with the tests, however they end."""
_INITDB: Final = (
    *("--username", "pilote", "--auth", "trust", "--encoding", "UTF8", "--no-sync", "--wal-segsize", "1"),
    # A collation that sorts "a" before "B", which our texts must not be sorted by.
    *("--locale-provider", "icu", "--icu-locale", "en", "--locale", "C"),
)


def _somebody() -> str:
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _signal(pid: int, which: signal.Signals) -> None:
    try:
        os.kill(pid, which)
    except ProcessLookupError:
        return
