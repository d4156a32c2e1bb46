"""Paths of what requests and replies say: "results.*.properties.email" of a reply, "body.to" of a request. Pure."""

import re
from typing import Final

EVERY: Final = "*"
LONGEST: Final = 1_000
"""Characters of a path."""
_STEP: Final = re.compile(r"[^\x00-\x1f.*\x7f]{1,200}|\*")


def is_path(path: str) -> bool:
    """Whether it is one: names of objects parted by dots, "*" for all of them or for every element of a list."""
    return len(path) <= LONGEST and all(_STEP.fullmatch(step) for step in path.split("."))


def is_request_path(path: str) -> bool:
    """Whether it is a path of a request that something can be taken out of: "body.to.*.email", or "query.email"."""
    origin, _, rest = path.partition(".")
    return is_path(rest) and (origin == "body" or (origin == "query" and rest != EVERY and "." not in rest))
