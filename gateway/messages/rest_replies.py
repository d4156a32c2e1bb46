"""Taking fields out of the replies of plain HTTP: JSON in, the same JSON without them out.

What is not plainly JSON in UTF-8 is not looked into: whoever has it redacted gets nothing of it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NoReturn

import msgspec

from gateway.core.contract import Redaction, RedactionMistake, Take
from gateway.core.mistakes import told
from gateway.core.policy.rest import Sensitivity
from gateway.core.rest.reply_paths import EVERY, is_path
from gateway.messages.sensitivity import level_of

DEEPEST: Final = 200
"""Levels of a reply."""
_LONGEST_WHOLE: Final = 18
"""Digits of a number that fits 64 bits."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class PathTake(msgspec.Struct, frozen=True, array_like=True):
    """Takes what lies at one path out of a decoded reply: names of objects, "*" for all of one or of a list."""

    steps: tuple[str, ...]
    instead: str | None = None
    """What it is replaced by; `None`: it is left out."""

    def __call__(self, reply: Any) -> None:
        """Take it out, in place."""
        _take(reply, self.steps, self.instead)


class TakeAll(msgspec.Struct, frozen=True):
    """All that one rule takes out."""

    paths: tuple[PathTake, ...]

    def __call__(self, reply: Any) -> None:
        """Take it out, in place."""
        for path in self.paths:
            path(reply)


class RestReplies(msgspec.Struct, frozen=True):
    """Redacts the replies of one method. `sensitive` says which paths are how sensitive."""

    sensitive: Mapping[Sensitivity, tuple[str, ...]]
    max_bytes: int
    passes_others: bool
    """Whether a reply that is no JSON passes as it is; else it is withheld."""

    def plan(self, redaction: Redaction) -> Take:
        """See `gateway.core.contract.Redactor`."""
        for place, path in enumerate(redaction.fields):
            if not is_path(path):
                raise RedactionMistake(told("rest-reply-path", field=path), place=place)
        return TakeAll(tuple(PathTake(tuple(path.split(".")), redaction.text_instead) for path in self._of(redaction)))

    def touches(self, redaction: Redaction) -> bool:
        """See `gateway.core.contract.Redactor`."""
        return bool(self._of(redaction))

    def apply(self, message: bytes, takes: Sequence[Take]) -> bytes:
        """See `gateway.core.contract.Redactor`."""
        return redacted(message, takes)

    def _of(self, redaction: Redaction) -> tuple[str, ...]:
        if not redaction.sensitivity:
            return redaction.fields
        least = level_of(redaction.sensitivity)
        found = [path for level, paths in self.sensitive.items() if level_of(level) >= least for path in paths]
        return (*redaction.fields, *filter(is_path, found))


def redacted(body: bytes, takes: Iterable[Callable[[Any], None]]) -> bytes:
    """The reply with all of that taken out. Written anew in any case: two fields of one name become one.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        reply = json.loads(body.decode(), parse_float=Decimal, parse_int=_whole, parse_constant=_refused)
        if _deeper(reply, DEEPEST):
            raise ValueError("nested too deep")
        for take in takes:
            take(reply)
        return _ENCODER.encode(reply)
    except (RecursionError, ArithmeticError) as error:  # the second of a number with an exponent beyond all bounds
        raise ValueError("nested too deep, or a number too large") from error


def _take(value: Any, steps: Sequence[str], instead: str | None) -> None:
    """Take out what the steps lead to. A list stands for each of its elements, with or without a step of its own."""
    step, rest = steps[0], steps[1:]
    if isinstance(value, list):
        if step == EVERY and not rest:
            value[:] = [] if instead is None else [None if each is None else instead for each in value]
        for each in value if rest or step != EVERY else ():
            _take(each, rest if step == EVERY else steps, instead)
    elif isinstance(value, dict):
        for name in list(value) if step == EVERY else [step] * (step in value):
            if rest:
                _take(value[name], rest, instead)
            elif instead is None:
                del value[name]
            elif value[name] is not None:
                value[name] = instead


def _deeper(value: Any, levels: int) -> bool:
    waiting = [(value, 1)]
    while waiting:
        here, depth = waiting.pop()
        inner: Iterable[Any] = here.values() if isinstance(here, dict) else here if isinstance(here, list) else ()
        if depth > levels:
            return True
        waiting += [(each, depth + 1) for each in inner]
    return False


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _LONGEST_WHOLE else Decimal(digits)


def _refused(_name: str) -> NoReturn:
    raise ValueError("a number that is none")
