"""Reads and changes single values of a call or an answer, by where they stand. Pure: nothing is changed in place."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from services.probes.suite import Base, Changes

NOTHING: Final = object()
"""What stands at a place that is not there."""


class NoPlace(Exception):
    """There is no such place: it leads through a text or a number, or past the end of a list."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


def call_of(base: Base, *changes: Changes) -> Mapping[str, Any]:
    """The base as a call, with changes made in their order: agent, method, request, facts, contacts, at, metadata.

    Raises:
        NoPlace: a change has none.
    """
    call: Any = {
        "agent": base.agent,
        "method": base.method,
        "request": base.request,
        "facts": base.facts,
        "contacts": list(base.contacts),
        "at": base.at,
        "metadata": base.metadata,
    }
    for each in changes:
        for place, value in each.items():
            call = _put(call, _steps(place), value, place)
    return call  # type: ignore[no-any-return]


def value_at(data: Any, place: str) -> Any:
    """What stands there; `NOTHING` where there is no such place."""
    for step in place.split("."):
        if isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, list | tuple) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            return NOTHING
    return data


def key_of(value: Any) -> bytes:
    """What two values have in common that are the same."""
    return msgspec.json.encode(value, order="deterministic")


def leaves(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value, with its place."""
    if isinstance(data, Mapping):
        for name, each in data.items():
            yield from leaves(each, f"{path}.{name}" if path else str(name))
    elif isinstance(data, list | tuple):
        for index, each in enumerate(data):
            yield from leaves(each, f"{path}.{index}" if path else str(index))
    else:
        yield path, data


def _steps(place: str) -> tuple[str, ...]:
    root, _, rest = place.partition(".")
    return (root, rest) if root == "metadata" else tuple(place.split("."))


def _put(data: Any, steps: tuple[str, ...], value: Any, place: str) -> Any:
    """A copy of `data` with the value there; `None` takes away what is there."""
    step, rest = steps[0], steps[1:]
    if isinstance(data, list | tuple):
        if not step.isdecimal() or int(step) > len(data):
            raise NoPlace(place)
        items = list(data)
        index = int(step)
        there = items[index] if index < len(items) else None
        items[index : index + 1] = [_put(there, rest, value, place) if rest else value]
        return items
    if data is not None and not isinstance(data, Mapping):
        raise NoPlace(place)
    known = {} if data is None else dict(data)
    if rest:
        known[step] = _put(known.get(step), rest, value, place)
    elif value is None:
        known.pop(step, None)
    else:
        known[step] = value
    return known
