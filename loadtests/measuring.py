"""Puts load on a bare hop and on the whole gateway in turn, and counts what each call costs."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console

from loadtests import echo, h2load, swap
from loadtests.governed import Governed, Written
from loadtests.message import METHOD, request
from loadtests.processes import Process

CONNECTIONS: Final = 8
"""Each of its own h2load, with a customer of its own."""
IN_FLIGHT: Final = 4
"""Calls running on each connection. From 8 x 1 to 8 x 8 the server's core was busy to 96-98 %, and the CPU per call the
same within the noise (hop 257-267 us, governed 566-592 us)."""
SERVER_CORE: Final = 0
OTHER_CORE: Final = 1
_FIRST_CALLS: Final = 2_000
"""Calls of a warm-up; from how long they take follows how many calls a round makes."""


class Round(NamedTuple):
    """One server under load for some seconds."""

    calls: int
    cpu_us: float
    """CPU of the measured process, microseconds a call."""
    calls_per_s: float
    """What the load generator reached."""
    busy: float
    """CPU time over wall time; near 1 the server is what limits."""
    errors: int
    """Calls that were not answered with the upstream's message, and entries that are missing in the stream."""


class Measured(NamedTuple):
    """All rounds."""

    hop: list[Round]
    governed: list[Round]
    on_envoy: list[Round]
    """The same gateway with the Envoy engine: Envoy, decision worker and gateway together."""
    rss_before_mb: float
    rss_mb: float
    swaps: tuple[swap.Swap, ...]
    spans: int


class Plan(NamedTuple):
    """How long to measure."""

    rounds: int
    seconds: float
    warm_ups: int
    swaps: int


class Bench:
    """The two servers, and how to put load on them."""

    def __init__(
        self,
        folder: Path,
        *,
        hop: Process,
        hop_port: int,
        gateway: Governed,
        in_flight: int = IN_FLIGHT,
        console: Console,
    ) -> None:
        """`in_flight` is how many calls run on each connection."""
        self._in_flight = in_flight
        self._folder = folder
        self._hop = hop
        self._hop_port = hop_port
        self._gateway = gateway
        self._console = console
        self._customers = 0

    @property
    def gateway(self) -> Process:
        """The gateway's process."""
        return self._gateway.process

    def measure(self, plan: Plan, *, on_envoy: "Bench") -> Measured:
        """Warm all three up, then measure them in turn."""
        calls_of_hop = calls_of_governed = calls_of_envoy = _FIRST_CALLS
        for _ in range(plan.warm_ups):
            calls_of_hop = int(plan.seconds * self.hop(calls_of_hop).calls_per_s)
            calls_of_governed = int(plan.seconds * self.governed(calls_of_governed).calls_per_s)
            calls_of_envoy = int(plan.seconds * on_envoy.governed(calls_of_envoy).calls_per_s)
        rss_before_mb = self._gateway.process.rss_mb()
        hop, gateway, envoy = [], [], []
        for number in range(1, plan.rounds + 1):
            hop.append(self.hop(calls_of_hop))
            gateway.append(self.governed(calls_of_governed))
            envoy.append(on_envoy.governed(calls_of_envoy))
            self._console.print(
                f"round {number} of {plan.rounds}: hop {hop[-1].cpu_us:.0f} us, governed {gateway[-1].cpu_us:.0f} us, "
                f"{gateway[-1].cpu_us / hop[-1].cpu_us:.2f}x, on Envoy {envoy[-1].cpu_us:.0f} us, "
                f"{envoy[-1].cpu_us / hop[-1].cpu_us:.2f}x"
            )
        rss_mb = self._gateway.process.rss_mb()
        swaps = swap.measure(self._gateway, self._folder, times=plan.swaps, core=OTHER_CORE)
        self._gateway.process.stop()  # sends the spans that are left
        return Measured(hop, gateway, envoy, rss_before_mb, rss_mb, swaps, int(self._gateway.sink.stop()))

    def hop(self, calls: int) -> Round:
        """A round through the bare hop."""
        return self._round(self._hop, self._hop_port, calls, reply=echo.ANSWER)

    def governed(self, calls: int) -> Round:
        """A round through the gateway, with its entries in the stream counted and then removed."""
        settled = self._gateway.until_settled
        gateway = self._gateway
        found = self._round(gateway.process, gateway.port, calls, reply=gateway.reply, finish=settled)
        lost = missing(self._gateway.written(), found.calls)
        self._gateway.forget()
        return found._replace(errors=found.errors + lost)

    def _round(
        self, server: Process, port: int, calls: int, *, reply: bytes, finish: Callable[[int], None] | None = None
    ) -> Round:
        """Load for `calls` calls. `finish` waits for the work that the server does after it has answered."""
        bodies = [self._body() for _ in range(CONNECTIONS)]
        before = server.cpu_seconds()
        result = h2load.run(
            f"http://127.0.0.1:{port}{METHOD}",
            bodies=bodies,
            calls=calls,
            in_flight=self._in_flight,
            headers=(": ".join(self._gateway.credential),),
            core=OTHER_CORE,
        )
        if finish is not None:
            finish(result.calls)
        cpu = server.cpu_seconds() - before
        server.check()
        answered = result.data_bytes // len(h2load.framed(reply))
        return Round(
            calls=result.calls,
            cpu_us=cpu / result.calls * 1e6,
            calls_per_s=result.calls / result.seconds,
            busy=cpu / result.seconds,
            errors=max(result.failed, result.calls - answered),
        )

    def _body(self) -> Path:
        """A request for a customer who was never written to, so that no sliding log outgrows its round."""
        self._customers += 1
        customer = f"contacts/{self._customers}"
        self._gateway.know(customer)
        path = self._folder / f"{self._customers}.body"
        path.write_bytes(h2load.framed(request(customer)))
        return path


def missing(written: Written, calls: int) -> int:
    """How many calls lack their record or their settlement, or were refused."""
    return max(written.refused, abs(calls - written.admitted), abs(calls - written.settled))
