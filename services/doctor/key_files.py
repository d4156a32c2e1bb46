"""Looks at files of secrets: whether they are there, whole, and for nobody else to read. Makes none and prints none."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from gateway.settings import Settings
from gateway.signing import private_key
from services.audit.proofs.log_key import KEY_FILE
from services.doctor.observing import Observation, Part, bad, good, warning

_SEALING: Final[Mapping[str, str]] = {
    "hold_key_file": "holds.key",
    "replay_key_file": "replays.key",
    "record_key_file": "records.key",
    "control_key_file": "control.key",
    "vault_key_file": "vault.key",
}
"""Settings of files with sealing keys, and what they are called below `secrets` in a home where they are unset."""
_KEY_BYTES: Final = 32

Whole = Callable[[Path], bool]
"""Whether a file holds what it should. Raises `OSError` where it cannot be read."""


def files(settings: Settings) -> Mapping[str, tuple[Path, Whole]]:
    """Every file of secrets, by its setting, with what tells whether it is whole."""
    secrets = settings.home / "secrets"
    found: dict[str, tuple[Path, Whole]] = {
        "PILOTE_PSEUDONYM_KEY_FILE": (settings.pseudonym_key_file or secrets / "pseudonym.key", _is_long),
        "PILOTE_AUDIT_KEY_FILE": (settings.audit_key_file or settings.home / KEY_FILE, _signs),
    }
    for name, default in _SEALING.items():
        found[f"PILOTE_{name.upper()}"] = getattr(settings, name) or secrets / default, _seals
    if settings.envoy_key_file is not None:
        found["PILOTE_ENVOY_KEY_FILE"] = settings.envoy_key_file, _are_long
    return found


def look_at_keys(settings: Settings) -> list[Observation]:
    """What was seen of the home's own protection and of each file."""
    seen = _home(settings.home)
    for setting, (file, whole) in files(settings).items():
        is_set = getattr(settings, setting.removeprefix("PILOTE_").lower()) is not None
        seen += _look(setting, file, whole, is_set=is_set)
    return seen


def permissions(part: Part, setting: str, file: Path) -> list[Observation]:
    """What is wrong with who may read or change a file of secrets; nothing where only its owner may."""
    try:
        state = file.stat()
    except OSError:
        return []
    mode, named = stat.S_IMODE(state.st_mode), {"setting": setting, "file": str(file)}
    if mode & 0o007 or mode & 0o020:
        return [bad(part, "key-open", **named, mode=f"{mode:04o}")]
    if state.st_uid not in (os.getuid(), 0):
        return [bad(part, "key-owner", **named)]
    if mode & 0o070:  # as Kubernetes makes them for a pod with an fsGroup
        return [warning(part, "key-group", **named, mode=f"{mode:04o}")]
    return []


def _home(home: Path) -> list[Observation]:
    try:
        mode = stat.S_IMODE(home.stat().st_mode)
    except FileNotFoundError:
        return []
    if mode & 0o077:
        return [warning("keys", "home-open", file=str(home), mode=f"{mode:04o}")]
    return [good("keys", "home-closed", file=str(home))]


def _look(setting: str, file: Path, whole: Whole, *, is_set: bool) -> list[Observation]:
    named = {"setting": setting, "file": str(file)}
    try:
        is_whole = whole(file)
    except FileNotFoundError:
        return [bad("keys", "key-missing", **named)] if is_set else [good("keys", "key-not-made", **named)]
    except OSError:
        return [bad("keys", "key-unreadable", **named)]
    if not is_whole:
        return [bad("keys", "key-damaged", **named)]
    return permissions("keys", setting, file) or [good("keys", "key-kept", **named)]


def _is_long(file: Path) -> bool:
    return len(file.read_bytes()) >= _KEY_BYTES


def _are_long(file: Path) -> bool:
    lines = file.read_bytes().split()
    return bool(lines) and all(len(line) >= _KEY_BYTES for line in lines)


def _seals(file: Path) -> bool:
    try:
        lines = [bytes.fromhex(line) for line in file.read_text(encoding="ascii").split()]
    except ValueError:  # no hexadecimal digits, or no ASCII
        return False
    return bool(lines) and all(len(line) == _KEY_BYTES for line in lines)


def _signs(file: Path) -> bool:
    file.stat()
    try:
        private_key(file)
    except ValueError:
        # Others may read it, or it is none; of the first `permissions` tells.
        return bool(stat.S_IMODE(file.stat().st_mode) & 0o077)
    return True
