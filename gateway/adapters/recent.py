"""What the store was told in the last moments, to be told again where it may have lost it.

A server whose append-only file is synced every second answers before its answers are written, and may lose up to two
seconds of them when it is killed: with a busy disk it postpones even the write. A replica that takes over lacks what
had not reached it. Both would let a cap be exceeded, and calls go without a record.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from gateway.adapters.reservation import NOTHING
from gateway.adapters.spool import Command

KEPT_SECONDS: Final = 2.5
"""Longer than a server postpones its writes. At 4,000 calls a second some 25 MB."""
_ARGUMENTS: Final = 8
"""Arguments of an admission that `again` takes too; the last of them are the buckets."""


class _Told:
    """One command, when it was sent and where to."""

    __slots__ = ("at_s", "command", "outcome", "place", "took")

    def __init__(self, at_s: float, place: object, command: Command, outcome: bytes, *, took: bool) -> None:
        self.at_s, self.place, self.command, self.outcome, self.took = at_s, place, command, outcome, took


class Recent:
    """Admissions and settlements in their order. `place_of` says over which connection a command goes.

    Times are seconds by any one clock.
    """

    def __init__(self, place_of: Callable[[Command], object]) -> None:
        self._place_of = place_of
        self._kept: deque[_Told] = deque()

    def admitted(self, command: Command, outcome: bytes, *, took: bool, at_s: float) -> None:
        """Remember an admission that was answered so; `took`: it took buckets."""
        self._keep(_Told(at_s, self._place_of(command), command, outcome, took=took))

    def sent(self, commands: Sequence[Command], *, at_s: float) -> None:
        """Remember commands that do no harm when they are repeated."""
        for command in commands:
            self._keep(_Told(at_s, self._place_of(command), command, b"", took=False))

    def _keep(self, told: _Told) -> None:
        kept = self._kept
        kept.append(told)
        while kept[0].at_s < told.at_s - KEPT_SECONDS:
            kept.popleft()

    def again(self, function: str) -> Iterator[Command]:
        """Commands whose place has changed since, in order; `function` is the one that takes admissions again."""
        for told in tuple(self._kept):
            place = self._place_of(told.command)
            if place is None or place == told.place:
                continue
            told.place = place
            yield _admission(told, function) if told.outcome else told.command


def _admission(told: _Told, function: str) -> Command:
    count = told.command[2]
    assert isinstance(count, int)  # noqa: S101 - an FCALL says how many keys it has
    names, arguments = told.command[3 : 3 + count], told.command[3 + count : 3 + count + _ARGUMENTS]
    if not told.took:  # a refusal, or a repeat: only its record
        arguments = (*arguments[:3], "", *arguments[4:7], NOTHING)
    return ("FCALL", function, count, *names, *arguments, told.outcome)
