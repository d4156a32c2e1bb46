"""Looks at the disks that a home lies on: whether they can be written, and what is left of them."""

import os
from pathlib import Path
from typing import Final

from services.doctor.observing import Observation, bad, good, warning

WARN_SHARE: Final = 0.15
"""Share of a disk that is free below which it is a warning. The store rewrites its append-only file beside the old one,
and an hour of decisions is sealed beside the file that it came from."""
WORST_SHARE: Final = 0.05
PARTS: Final = (".", "redis", "audit", "logs")
"""Folders of a home that may lie on disks of their own: everything, the embedded store, decisions, logs."""


def look_at_disks(home: Path) -> list[Observation]:
    """What was seen of every disk that a part of the home lies on, each told once."""
    if not home.exists():
        return [warning("disk", "home-missing", file=str(home))]
    seen: dict[int, Observation] = {}
    for part in PARTS:
        folder = (home / part).resolve()
        try:
            device = folder.stat().st_dev
        except OSError:
            continue
        if device not in seen:
            seen[device] = _look(folder)
    return list(seen.values())


def _look(folder: Path) -> Observation:
    disk = os.statvfs(folder)
    named: dict[str, str | float] = {"file": str(folder)}
    if disk.f_flag & os.ST_RDONLY or not os.access(folder, os.W_OK):
        return bad("disk", "disk-read-only", **named)
    total, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
    share = free / total if total else 1.0
    files = disk.f_favail / disk.f_files if disk.f_files else 1.0  # btrfs and others count none
    values: dict[str, str | float] = {"free_gb": round(free / 1e9, 1), "percent": round(share * 100), **named}
    if files < WORST_SHARE:
        return bad("disk", "disk-files", **named, percent=round(files * 100))
    if share < WARN_SHARE:
        return (bad if share < WORST_SHARE else warning)("disk", "disk-full", **values)
    return good("disk", "disk-room", **values)
