"""What the store was told in the last moments, to be told again where it may have lost it.

A server with an append-only file synced every second answers before its answers are on disk, and may lose up to two
seconds of them when it is killed (measured: with a slow disk it postpones even the write). A replica that takes over
lacks what had not reached it. Both would let a cap be exceeded, and calls go without a record.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from gateway.adapters.reservation import NOTHING
from gateway.adapters.spool import Command

KEPT_SECONDS: Final = 2.5
"""Twice a second and a little: longer than a server postpones its writes. At 4,000 calls a second some 25 MB."""
_ARGUMENTS: Final = 8
"""Arguments of an admission before those that `again` does not take; the last of them are the buckets."""


class Recent:
    """Admissions and settlements in their order. Times are seconds by any one clock."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, Command, bytes, bool]] = deque()

    def admitted(self, command: Command, outcome: bytes, *, took: bool, at_s: float) -> None:
        """Remember an admission that was answered so; `took`: it took buckets."""
        self._keep(command, outcome, took=took, at_s=at_s)

    def sent(self, commands: Sequence[Command], *, at_s: float) -> None:
        """Remember commands that do no harm when they are repeated."""
        for command in commands:
            self._keep(command, b"", took=False, at_s=at_s)

    def _keep(self, command: Command, outcome: bytes, *, took: bool, at_s: float) -> None:
        kept = self._kept
        kept.append((at_s, command, outcome, took))
        while kept[0][0] < at_s - KEPT_SECONDS:
            kept.popleft()

    def again(self, function: str) -> Iterator[Command]:
        """The commands that tell the store again, in order; `function` is the one that takes admissions."""
        for _, command, outcome, took in tuple(self._kept):
            if not outcome:
                yield command
                continue
            count = command[2]
            assert isinstance(count, int)  # noqa: S101 - an FCALL says how many keys it has
            names, arguments = command[3 : 3 + count], command[3 + count : 3 + count + _ARGUMENTS]
            if not took:  # a refusal, or a repeat: only its record
                arguments = (*arguments[:3], "", *arguments[4:7], NOTHING)
            yield ("FCALL", function, count, *names, *arguments, outcome)
