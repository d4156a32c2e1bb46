"""What the store was told in the last moments, to be told again where it may have lost it.

A server whose append-only file is synced every second answers before its answers are written, and may lose up to two
seconds of them when it is killed: with a busy disk it postpones even the write. A replica that takes over lacks what
had not reached it. Both would let a cap be exceeded, and calls go without a record.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from gateway.adapters.reservation import NOTHING
from gateway.adapters.spool import Command

KEPT_SECONDS: Final = 2.5
"""Longer than a server postpones its writes. At 4,000 calls a second some 25 MB."""
_ARGUMENTS: Final = 8
"""Arguments of an admission that `again` takes too; the last of them are the buckets."""


class Said(msgspec.Struct):
    """One command that the store was told."""

    at_s: float
    command: Command
    outcome: bytes = b""
    """What an admission came to; empty for any other command."""
    took: bool = False
    """Whether it took buckets."""

    def again(self, function: str) -> Command:
        """The command that tells it again; `function` is the one that takes admissions."""
        if not self.outcome:
            return self.command
        count = self.command[2]
        assert isinstance(count, int)  # noqa: S101 - an FCALL says how many keys it has
        names, arguments = self.command[3 : 3 + count], self.command[3 + count : 3 + count + _ARGUMENTS]
        if not self.took:  # a refusal, or a repeat: only its record
            arguments = (*arguments[:3], "", *arguments[4:7], NOTHING)
        return ("FCALL", function, count, *names, *arguments, self.outcome)


class Recent:
    """Admissions and settlements by where they were told, and there in their order. Times are seconds by any one clock.

    `place_of` says over which connection a command goes; `None` where there is none. `takes` says whether it would be
    taken. What was told to a part of the store that is away stays here until it is back, however long that takes.
    """

    def __init__(self, place_of: Callable[[Command], object], *, takes: Callable[[Command], bool]) -> None:
        self._place: Final = place_of
        self._takes: Final = takes
        self._kept: dict[object, deque[Said]] = {}

    def admitted(self, command: Command, outcome: bytes, *, took: bool, at_s: float) -> None:
        """Remember an admission that was answered so; `took`: it took buckets."""
        self._keep(Said(at_s, command, outcome, took), self._place(command))

    def sent(self, commands: Sequence[Command], *, at_s: float) -> None:
        """Remember commands that do no harm when they are repeated; not those that are not taken, and wait on disk."""
        for command in commands:
            if self._takes(command):
                self._keep(Said(at_s, command), self._place(command))

    def elsewhere(self, *, at_s: float) -> Sequence[Said]:
        """What goes to another place by now than where it was told, in order; from now on it counts as told there."""
        moved: list[tuple[Said, object]] = []
        for place, kept in tuple(self._kept.items()):
            places = [self._place(said.command) for said in kept]
            if all(now in (None, place) for now in places):
                continue
            moved += [(said, now) for said, now in zip(kept, places, strict=True) if now not in (None, place)]
            stay = [said for said, now in zip(kept, places, strict=True) if now in (None, place)]
            self._kept[place] = deque(stay)
            if not stay:
                del self._kept[place]
        moved.sort(key=lambda pair: pair[0].at_s)
        for said, place in moved:
            said.at_s = at_s
            self._keep(said, place)
        return [said for said, _ in moved]

    def _keep(self, said: Said, place: object) -> None:
        kept = self._kept.setdefault(place, deque())
        kept.append(said)
        while place is not None and kept[0].at_s < said.at_s - KEPT_SECONDS:
            kept.popleft()
