"""One process's part in a run: which phase it is, the calls that are made, and what is counted of them."""

import time
from collections.abc import Mapping
from random import Random
from typing import Protocol

from loadtests.locusts.grpc_door import GrpcDoor
from loadtests.locusts.http_doors import McpDoor, RestDoor
from loadtests.locusts.mix import Call, Mix, people
from loadtests.locusts.options import Options
from loadtests.locusts.scenarios import Phase
from loadtests.locusts.tally import Tally
from loadtests.locusts.verdicts import Answer


class Door(Protocol):
    """A way to call."""

    def call(self, call: Call, *, traceparent: str, timeout_s: float) -> Answer:
        """Make the call, and say how it ended."""

    def close(self) -> None:
        """End all connections."""


class Course:
    """What users share."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.index = -1
        self.tally = Tally()
        """Of a worker: what it has not sent yet."""
        self.figures: dict[str, float] = {}
        self.problems: list[str] = []
        """Why the run is nothing worth, whatever it has measured."""
        self.begun_at = time.time()
        self._people = people(options.people, part=options.part)
        self._doors: dict[str, Door] = {}
        self._drawn = 0
        self.worker = 0
        """Its number, so that no two processes make the same calls."""

    @property
    def phase(self) -> Phase | None:
        """The phase that it is; `None` before the first."""
        return self.options.scenario.phases[self.index] if self.index >= 0 else None

    def draw(self) -> Random:
        """A source of chance for one more user, the same in every run of that seed."""
        self._drawn += 1
        return Random(f"{self.options.seed}/{self.worker}/{self._drawn}")  # noqa: S311

    def mix(self, draw: Random) -> Mix:
        """The calls of one more user."""
        return Mix(self._people, draw=draw)

    def door(self, name: str) -> Door:
        """One way to call for all users of this process."""
        if name not in self._doors:
            self._doors[name] = self._made(name)
        return self._doors[name]

    def made(self, call: Call, *, door: str, phase: str, due: float, draw: Random) -> tuple[Answer, float]:
        """Make a call that was due at that time of `perf_counter`, count it, and say how it ended and took, in ms."""
        started = time.perf_counter()
        traceparent = f"00-{draw.getrandbits(128) | 1:032x}-{draw.getrandbits(64) | 1:016x}-01"
        answer = self.door(door).call(call, traceparent=traceparent, timeout_s=self.options.timeout_s)
        ms = (time.perf_counter() - due) * 1e3
        self.tally.add(
            answer,
            phase=phase,
            door=door,
            method=call.short,
            agent=call.agent,
            ms=ms,
            late_ms=(started - due) * 1e3,
        )
        return answer, ms

    def close(self) -> None:
        """End all connections."""
        for door in self._doors.values():
            door.close()

    def _made(self, name: str) -> Door:
        options, keys = self.options, self.options.keys
        if name == "gRPC":
            return _Spread(options, keys)
        front: type[RestDoor | McpDoor] = RestDoor if name == "REST" else McpDoor
        # As many as there are calls under way: a call that waited for a connection would be late by our own doing.
        return front(options.front, keys=keys, connections=1_000, timeout_s=options.timeout_s)


class _Spread:
    """Gateways in turn."""

    def __init__(self, options: Options, keys: Mapping[str, str]) -> None:
        self._doors = [
            GrpcDoor(address, keys=keys, connections=options.connections, tls_ca=options.tls_ca)
            for address in options.gateways
        ]
        self._turn = 0

    def call(self, call: Call, *, traceparent: str, timeout_s: float) -> Answer:
        self._turn = (self._turn + 1) % len(self._doors)
        return self._doors[self._turn].call(call, traceparent=traceparent, timeout_s=timeout_s)

    def close(self) -> None:
        for door in self._doors:
            door.close()
