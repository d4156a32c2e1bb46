"""Which request fields and facts a call was decided by: the names that conditions read, and their values. Pure.

Names are written as in a condition: `request.message.subject_line`, `facts.traits["tier"]`. What a record says in the
clear anyway is left out: who calls, the route, the channel.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from gateway.core.call import UNREADABLE_SUBJECT, Call, Facts
from gateway.core.fact_values import fact_reader

KEY_LIFE_MS: Final = 3_600_000
"""How long a data key is used: for so long after an erasure that its process was not told of, records say nothing."""
LONGEST_TEXT: Final = 256
"""Characters of a text that are recorded."""
MOST_ELEMENTS: Final = 16
"""Elements of a list that are recorded."""
MOST_NAMES: Final = 64
"""Names of one method; what conditions read beyond them is not recorded."""
LARGEST: Final = 4_096
"""Bytes of all values of one call; further ones are counted only."""

_STEP: Final = r"""(?:\s*\.\s*[A-Za-z_]\w*\b(?!\s*\()|\s*\[\s*(?:"[^"\\\n]*"|'[^'\\\n]*')\s*\])"""
_PATH: Final = re.compile(rf"(?<![\w.])(?:request|facts|call){_STEP}+")
_KEY_IN: Final = re.compile(rf"""("[^"\\\n]*"|'[^'\\\n]*')\s+in\s+((?:request|facts){_STEP}+)""")
_PART: Final = re.compile(r"""[A-Za-z_]\w*|"[^"]*"|'[^']*'""")
_SMALL: Final = frozenset({bool, int, float, type(None)})
"""Types whose values have no bounds."""
_ORIGINS: Final = ("request", "facts", "call")
_MAPS: Final = ("traits", "scores", "consents")
_RECORDED: Final = frozenset({"call.subject", "call.contact_point"})
"""Of what is known of a call the names that the record does not say in the clear."""


class Path(msgspec.Struct, frozen=True):
    """One name that a condition reads."""

    origin: str
    """"request", "facts" or "call"."""
    steps: tuple[str, ...]
    """Fields, and keys of maps."""
    name: str
    """As a condition writes it."""


class UsedValues(msgspec.Struct, frozen=True, array_like=True):
    """What a call was decided by, as it is sealed."""

    values: tuple[tuple[str, Any], ...] = ()
    """Names and values: JSON's kinds. Of a list of messages {"size": …}, of a message {"set": …}."""
    more: int = 0
    """How many further values there were."""


class SealedValues(msgspec.Struct, frozen=True):
    """The values of one record, sealed under the data key of its customer."""

    key: str
    """Id of the data key, 16 hexadecimal digits."""
    sealed: bytes


class WrappedKey(msgspec.Struct, frozen=True):
    """A data key as it leaves the gateway: sealed under the master key, in a field of its own beside the record."""

    id: str
    subject_ref: str
    """Whose values it opens; empty for the key of one record that is about no single customer."""
    made_ms: int
    wrapped: bytes


class Used(msgspec.Struct, frozen=True):
    """What the conditions of one method read: names, each with a function that reads its value."""

    request: tuple[tuple[str, Callable[[Any], Any]], ...] = ()
    facts: tuple[tuple[str, Callable[[Facts], Any]], ...] = ()
    call: tuple[tuple[str, Callable[[Call], Any]], ...] = ()

    def values(self, call: Call, facts: Facts) -> list[tuple[str, Any]]:
        """Names and values of one call; `None` for what is not there. Without facts that could not be read."""
        request, small = call.request, _SMALL  # in every call, so nothing is looked up or called without need
        found = [(name, v if type(v := read(request)) in small else bounded(v)) for name, read in self.request]
        found += [(name, read(call)) for name, read in self.call]
        if facts is not UNREADABLE_SUBJECT:
            found += [(name, v if type(v := read(facts)) in small else bounded(v)) for name, read in self.facts]
        return found


NOTHING: Final = Used()
_CALL: Final[dict[str, Callable[[Call], Any]]] = {
    "subject": lambda call: call.subject,
    "contact_point": lambda call: call.contact_point,
}


def used_by(paths: Iterable[Path], *, value_of: Callable[[tuple[str, ...]], Callable[[Any], Any] | None]) -> Used:
    """What can be read of these paths; `value_of` gives the readers of a request, where there are any."""
    request, facts, call = [], [], []
    for path in paths:
        if path.origin == "request" and (of_request := value_of(path.steps)) is not None:
            request.append((path.name, of_request))
        elif path.origin == "facts" and (of_facts := fact_reader(path.steps)) is not None:
            facts.append((path.name, of_facts))
        elif path.origin == "call":
            call.append((path.name, _CALL[path.steps[0]]))
    return Used(tuple(request), tuple(facts), tuple(call))


@lru_cache(maxsize=65_536)
def paths_in(expression: str) -> tuple[Path, ...]:
    """What an expression reads, in order, each once. A name within a text of the expression counts as well."""
    if not any(origin in expression for origin in _ORIGINS):
        return ()
    found = [_path(match[0]) for match in _PATH.finditer(expression)]
    for match in _KEY_IN.finditer(expression):
        group = _path(match[2])
        found.append(Path(group.origin, (*group.steps, match[1][1:-1]), f'{group.name}["{match[1][1:-1]}"]'))
    return tuple(dict.fromkeys(path for path in found if path.origin != "call" or path.name in _RECORDED))


def paths_of(expressions: Iterable[str], *, withheld: Sequence[str]) -> tuple[Path, ...]:
    """What several expressions read; of these names what is withheld is not among them, nor what lies within it."""
    found: dict[Path, None] = {}
    for expression in expressions:
        found.update(dict.fromkeys(paths_in(expression)))
    hidden = [path for name in withheld for path in (whole(name) or paths_in(name))]
    return tuple([path for path in found if not any(_within(path, each) for each in hidden)])[:MOST_NAMES]


def whole(name: str) -> tuple[Path, ...]:
    """All that there is of the request, the facts or the call, for just that name; else nothing."""
    return (Path(name, (), name),) if name in _ORIGINS else ()


def bounded(value: Any) -> Any:
    """A value as it is recorded: texts and lists not beyond their bounds."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}…"
    if isinstance(value, list | tuple):
        kept = [bounded(each) for each in value[:MOST_ELEMENTS]]
        return kept if len(value) <= MOST_ELEMENTS else [*kept, "…"]
    return value


def packed(found: Sequence[tuple[str, Any]]) -> bytes:
    """The values as bytes, to be sealed; as many of them as fit."""
    whole = _ENCODER.encode(UsedValues(tuple(found)))
    if len(whole) <= LARGEST:
        return whole
    kept, size = [], 16
    for pair in found:
        size += len(_ENCODER.encode(pair))
        if size > LARGEST:
            break
        kept.append(pair)
    return _ENCODER.encode(UsedValues(tuple(kept), len(found) - len(kept)))


def unpacked(clear: bytes) -> UsedValues:
    """The values again.

    Raises:
        msgspec.DecodeError: a version with other values has packed them.
    """
    return msgspec.msgpack.decode(clear, type=UsedValues)


def values_bound_to(tenant: str, decision: str) -> bytes:
    """What sealed values are bound to: they open as those of this decision only."""
    return f"values\x00{tenant}\x00{decision}".encode()


def key_bound_to(tenant: str, key: WrappedKey) -> bytes:
    """What a wrapped key is bound to: nobody can pass it for another customer's, or for a younger one."""
    return f"key\x00{tenant}\x00{key.subject_ref}\x00{key.id}\x00{key.made_ms}".encode()


_ENCODER: Final = msgspec.msgpack.Encoder()


def _path(text: str) -> Path:
    origin, *parts = _PART.findall(text)
    steps = tuple(part[1:-1] if part[0] in "\"'" else part for part in parts)
    if origin == "facts" and len(steps) == 2 and steps[0] in _MAPS:
        return Path(origin, steps, f'facts.{steps[0]}["{steps[1]}"]')
    name = origin + "".join(f'["{part[1:-1]}"]' if part[0] in "\"'" else f".{part}" for part in parts)
    return Path(origin, steps, name)


def _within(path: Path, withheld: Path) -> bool:
    """Compared by steps: of a map `facts.traits.income` is another spelling of `facts.traits["income"]`."""
    return path.origin == withheld.origin and path.steps[: len(withheld.steps)] == withheld.steps
