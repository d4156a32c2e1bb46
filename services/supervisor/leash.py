"""Becomes the command it is given, after asking the kernel to end it when its parent dies.

`python -I -S leash.py PARENT_PID COMMAND...` costs about 15 ms per start. It is a program of its own rather than a
`preexec_fn`, because that would run Python between fork and exec, where a lock held by one of gRPC's threads stays
locked for ever. The kernel remembers the request across exec.
"""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def main(parent: int, command: list[str]) -> None:
    """Run `command` in place of this process; SIGTERM comes when `parent` dies, however it dies.

    Raises:
        SystemExit: the parent is gone already, or the command cannot be run.
    """
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM)) != 0:
        sys.exit("cannot ask for a signal at the supervisor's death")
    # A parent that died before the line above sends nothing any more, but then we have another one.
    if os.getppid() != parent:
        sys.exit("the supervisor is gone")
    # What is ignored stays so across exec: SIGPIPE by Python, SIGINT by a shell's `&`, SIGHUP by nohup.
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
