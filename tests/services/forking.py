"""A process that has imported the command line, and runs each command in a fork of its own.

To import it is most of what a command takes. `tests.services.command_line` sends JSON over a connection (`argv`,
`environment`, `folder`) and with it two open files, for standard output and standard error; it is told the exit code.
Who hangs up ends the command, and all ends with standard input.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import selectors
import signal
import socket
import sys
import time
from typing import Any, NoReturn

import services.commands
from services import cli

LATER = ("grpc.aio", "redis.asyncio", "services.audit.server")
"""What commands import once they need it, beside the modules of `services.commands`."""


def imported() -> None:
    """Import whatever commands may import, for all of them at once."""
    found = [each.name for each in pkgutil.walk_packages(services.commands.__path__, "services.commands.")]
    for name in (*LATER, *found):
        importlib.import_module(name)
    gc.freeze()  # what forks share stays shared


def told(listening: socket.socket) -> dict[str, Any]:
    """Serve until standard input ends, which ends the process; in each fork, what that is to run."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for commands
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while all(key.fileobj is listening for key, _ in selector.select()):
            connection, _ = listening.accept()
            with connection:
                wanted = _forked(connection) if os.fork() == 0 else None
            if wanted is not None:
                return wanted
    os._exit(0)


def _forked(connection: socket.socket) -> dict[str, Any]:
    """In another fork, with its output where it is wanted, what that is to run; this one waits for it, and ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sent, files, _, _ = socket.recv_fds(connection, 65_536, 2)
    while more := connection.recv(65_536):
        sent += more
    pid = os.fork()
    if pid:
        _waited(pid, connection)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (files[0], 1), (files[1], 2)):
        os.dup2(source, target)
        os.close(source)
    wanted: dict[str, Any] = json.loads(sent)
    return wanted


def _waited(pid: int, connection: socket.socket) -> NoReturn:
    """Tell how it ends; where nobody waits for that any more, end it."""
    watching = select.poll()
    ended = os.pidfd_open(pid)
    watching.register(ended, select.POLLIN)
    watching.register(connection, 0)  # tells that the other side has gone, without being asked to
    if ended not in dict(watching.poll()):
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def main() -> None:
    """Serve; in forks, run what is wanted as if nothing had been before."""
    imported()
    wanted = told(socket.socket(fileno=int(sys.argv[1])))
    os.environ.clear()  # noqa: TID251 - a process begins with the environment that it is given
    os.environ.update(wanted["environment"])  # noqa: TID251
    os.chdir(wanted["folder"])
    time.tzset()
    sys.argv = [cli.__file__, *wanted["argv"]]
    sys.modules["__main__"] = cli  # what says how it was called looks there
    try:
        cli.main()
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(ended.code or 0)  # Python would take all apart first that is imported, a third of a command's time


if __name__ == "__main__":
    main()
