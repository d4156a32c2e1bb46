"""Makes a failing case small: fewest changes first, then the shortest values. Delta debugging (Zeller, 2002). Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from services.probes.places import key_of
from services.probes.suite import Changes

MOST_CALLS: Final = 600
"""Calls that one failing case is made small with."""
T = TypeVar("T")


class _Enough(Exception):
    """No more calls."""


def shrunk(
    changes: Changes,
    fails: Callable[[Changes], bool],
    *,
    choices: Mapping[str, Sequence[Any]] | None = None,
    most: int = MOST_CALLS,
) -> Changes:
    """The smallest changes found that still fail, from ones that do; after `most` calls what was found by then.

    No change can be taken away alone, and no part of a text or list, unless the calls were used up. `choices` are the
    values that a field may have; without any every value will do.
    """
    left = most
    best = changes

    def still(candidate: Changes) -> bool:
        nonlocal left, best
        if left <= 0:
            raise _Enough
        left -= 1
        if not fails(candidate):
            return False
        best = candidate
        return True

    try:
        _without(list(changes), lambda names: still({name: changes[name] for name in names}))
        for name in tuple(best):
            if choices is not None:
                _shortest(best[name], choices.get(name, ()), lambda value, name=name: still({**best, name: value}))  # type: ignore[misc]
                continue
            _shorter(best[name], lambda value, name=name: still({**best, name: value}))  # type: ignore[misc]
    except _Enough:
        pass
    return best


def _shortest(value: Any, choices: Sequence[Any], fails: Callable[[Any], bool]) -> None:
    longest = len(key_of(value))
    for each in sorted((each for each in choices if len(key_of(each)) < longest), key=lambda each: len(key_of(each))):
        if fails(each):
            return


def _shorter(value: Any, fails: Callable[[Any], bool]) -> None:
    if isinstance(value, str) and value:
        if not fails(""):
            _without(list(value), lambda some: fails("".join(some)))
    elif isinstance(value, list | tuple) and value:
        if not fails([]):
            _without(list(value), lambda some: fails(list(some)))
    elif isinstance(value, int) and not isinstance(value, bool):
        _nearer(value, fails)


def _nearer(value: int, fails: Callable[[int], bool]) -> None:
    """Towards 0, by halves: the least that fails where all larger ones do."""
    sign, good, bad = (1 if value >= 0 else -1), -1, abs(value)
    while bad - good > 1:
        middle = (good + bad) // 2
        if fails(sign * middle):
            bad = middle
        else:
            good = middle


def _without(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> None:
    """Try less and less of the items: halves, quarters, single ones; what fails is gone on with."""
    parts = 2
    while len(items) > 1:
        size = -(-len(items) // parts)
        for start in range(0, len(items), size):
            fewer = [*items[:start], *items[start + size :]]
            if fewer and fails(fewer):
                items, parts = fewer, max(2, parts - 1)
                break
        else:
            if size == 1:
                return
            parts = min(len(items), parts * 2)
