"""Paths of what a vendor's reply says, such as "results.*.properties.email". Pure."""

import re
from typing import Final

EVERY: Final = "*"
LONGEST: Final = 1_000
"""Characters of a path."""
_STEP: Final = re.compile(r"[^\x00-\x1f.*\x7f]{1,200}|\*")


def is_path(path: str) -> bool:
    """Whether it is one: names of objects parted by dots, "*" for all of them or for every element of a list."""
    return len(path) <= LONGEST and all(_STEP.fullmatch(step) for step in path.split("."))
