"""The ways within the pages about the policy."""

from typing import Literal

Side = Literal["overview", "proposals", "history"]


def tabs(here: Side) -> tuple[tuple[str, str, bool], ...]:
    """(key of the text, path, whether it is this one)."""
    sides = (("overview", "/policy"), ("proposals", "/policy/proposals"), ("history", "/policy/history"))
    return tuple((f"policy-{side}", path, side == here) for side, path in sides)
