"""`pilote up` in small, as a process of its own that a test may kill: `run_supervisor HOME asyncio|uvloop`.

Its children are a Redis and one that does not end when it is asked to. Prints a line when all are ready.
"""

import asyncio
import sys
from pathlib import Path

import uvloop

from services import redis_server
from services.supervisor.child import Child, Timing
from services.supervisor.probes import RedisAnswers
from services.supervisor.supervise import Supervisor

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)\nwhile 1: signal.pause()"
)


def children(home: Path) -> tuple[Child, ...]:
    """Both are ready when they can no longer be ended by surprise."""

    async def ignores_sigterm() -> bool:
        log = home / "logs" / "stubborn.log"
        return log.exists() and log.stat().st_size > 0

    store = redis_server.command(home / "redis")
    return (
        Child(name="store", command=tuple(store), ready=RedisAnswers(redis_server.url_of(home / "redis"))),
        Child(
            name="stubborn", command=(sys.executable, "-S", "-c", STUBBORN), ready=ignores_sigterm, drain_seconds=0.1
        ),
    )


async def main(home: Path) -> None:
    """Run until told to stop."""
    supervisor = Supervisor(home, children(home), environment={}, timing=Timing(poll_seconds=0.005))
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await supervisor.all_ready.wait()
        sys.stdout.write("ready\n")
        sys.stdout.flush()


if __name__ == "__main__":
    (uvloop if sys.argv[2] == "uvloop" else asyncio).run(main(Path(sys.argv[1])))
