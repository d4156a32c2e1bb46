"""Calls by verdict: counted where they are made, sent by workers in parts, and summed up by the master. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from loadtests.locusts.spread import Spread
from loadtests.locusts.verdicts import Answer


class Key(NamedTuple):
    """What calls are told apart by."""

    phase: str
    door: str
    """gRPC, REST or MCP."""
    method: str
    """Last part of the name, such as "SendMessage"."""
    agent: str
    verdict: str
    reason: str


class Row(msgspec.Struct, frozen=True):
    """One sum, as it is sent."""

    key: Key
    times: Spread
    """From the intended start to the answer."""
    late: Spread
    """From the intended start to the real one: what the generator itself has added."""


class Part(msgspec.Struct, frozen=True):
    """What a worker sends: all since it last did."""

    rows: tuple[Row, ...] = ()
    revisions: Mapping[str, int] = {}
    """Calls by the revision that they were decided by."""
    decided: int = 0
    """Calls whose decision has a name, and hence a record."""


class Tally:
    """Sums of calls."""

    def __init__(self) -> None:
        self._forget()

    def add(self, answer: Answer, *, phase: str, door: str, method: str, agent: str, ms: float, late_ms: float) -> None:
        """Count a call; `ms` is from its intended start to its answer, `late_ms` to when it was really made."""
        key = Key(phase, door, method, agent, answer.verdict, answer.why)
        self.times.setdefault(key, Spread()).add(ms)
        self.late.setdefault(key, Spread()).add(late_ms)
        if answer.decision:
            self.decided += 1
        if answer.revision:
            self.revisions[answer.revision] = self.revisions.get(answer.revision, 0) + 1

    def taken(self) -> bytes:
        """All sums as JSON, which this one then has no more: each call is sent once."""
        rows = tuple(Row(key, times, self.late[key]) for key, times in self.times.items())
        part = Part(rows, dict(self.revisions), self.decided)
        self._forget()
        return msgspec.json.encode(part)

    def merge(self, sent: bytes) -> None:
        """Add what another one has sent.

        Raises:
            msgspec.DecodeError: it is no such part.
        """
        part = msgspec.json.decode(sent, type=Part)
        for row in part.rows:
            self.times.setdefault(row.key, Spread()).merge(row.times)
            self.late.setdefault(row.key, Spread()).merge(row.late)
        for revision, count in part.revisions.items():
            self.revisions[revision] = self.revisions.get(revision, 0) + count
        self.decided += part.decided

    @property
    def calls(self) -> int:
        """All of them."""
        return sum(spread.count for spread in self.times.values())

    def _forget(self) -> None:
        self.times: dict[Key, Spread] = {}
        self.late: dict[Key, Spread] = {}
        self.revisions: dict[str, int] = {}
        self.decided = 0
