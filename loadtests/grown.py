"""One gateway of one size, under calls of all its callers and about all its customers."""

import json
from pathlib import Path
from typing import Final

from loadtests import echo, varying
from loadtests.governed import Governed
from loadtests.growing import Size
from loadtests.h2load import framed
from loadtests.measuring import CONNECTIONS, OTHER_CORE, Round, missing
from loadtests.processes import Process, python

_FEW: Final = 8
"""So few customers are others in each round, so that no sliding log of one of them grows for a whole run."""
_CACHED: Final = 20_000
"""More customers than a gateway keeps in memory need not have been there before: it will have forgotten them."""


class Load:
    """Puts load on a server, from a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def round(self, server: Process, plan: varying.Plan, gateway: Governed | None = None) -> Round:
        """A round of the plan; of a gateway all entries must be in the stream, which is then emptied.

        Raises:
            ProcessFailed: the server or the load generator has ended.
        """
        file = self._folder / "plan.json"
        file.write_text(json.dumps(plan._asdict()))
        before = server.cpu_seconds()
        with Process(python("loadtests.varying", str(file)), core=OTHER_CORE, log=self._folder / "load.log") as load:
            sent = varying.Sent(**json.loads(load.line()))
        lost = 0
        if gateway is not None:
            gateway.until_settled(sent.calls)
            lost = missing(gateway.written(), sent.calls)
            gateway.forget()
        cpu = server.cpu_seconds() - before
        server.check()
        answered = sent.data_bytes // len(framed(echo.ANSWER))
        return Round(
            calls=sent.calls,
            cpu_us=cpu / sent.calls * 1e6,
            calls_per_s=sent.calls / sent.seconds,
            busy=cpu / sent.seconds,
            errors=max(sent.failed, sent.calls - answered) + lost,
        )


class Grown:
    """A gateway of one size."""

    def __init__(self, gateway: Governed, size: Size, load: Load, *, in_flight: int) -> None:
        self._gateway = gateway
        self._size = size
        self._load = load
        self._in_flight = in_flight
        subjects = [each["tokens"][0]["subject"] for each in size.policy["agents"][: size.callers]]
        self._credentials = [("authorization", f"Bearer {gateway.credentials.token(each)}") for each in subjects]

    def ready(self, *, rounds: int) -> None:
        """Let every caller and every customer have been there, as far as a gateway would remember them."""
        size = self._size
        few = size.customers <= _FEW
        self._gateway.know_all(size.customers * (rounds + 1) if few else size.customers)
        seen = 0 if size.customers > _CACHED else size.customers
        first = self._plan(0, max(1_000, 2 * seen, size.callers), once=True)
        self._load.round(self._gateway.process, first, self._gateway)

    def round(self, number: int, calls: int) -> Round:
        """So many calls, by callers and about customers that are drawn; `number` counts from 1."""
        return self._load.round(self._gateway.process, self._plan(number, calls), self._gateway)

    def _plan(self, number: int, calls: int, *, once: bool = False) -> varying.Plan:
        size = self._size
        return varying.Plan(
            port=self._gateway.port,
            credentials=tuple(self._credentials),
            first=number * size.customers if size.customers <= _FEW else 0,
            customers=size.customers,
            calls=calls,
            connections=CONNECTIONS,
            in_flight=self._in_flight,
            seed=number,
            once=once,
        )
