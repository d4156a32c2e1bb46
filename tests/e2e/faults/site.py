"""What a fault is made in: a store, gateways in processes of their own, a CRM that writes down what it really did."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.redis_clients import connected
from tests.e2e.faults.load import UPSTREAM_S, Intent, Load, directly
from tests.e2e.policy import cap, policy
from tests.e2e.processes import Process, environment
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, World
from tests.fakes.link import Link, link_to
from tests.services.ports import free
from tests.stores import RedisProcess, Store

MOST: Final = 3
"""Contacts with a customer that the cap lets through."""


class Arrived(NamedTuple):
    """A call that the CRM has really received."""

    decision: str
    customer: str
    key: str
    said: str
    """The subject of the message: which intent it was."""

    @property
    def intended(self) -> bool:
        """Whether it is part of the load, and not a question whether a gateway serves."""
        return "--" not in self.said


@dataclass
class Site:
    """One store, gateway workers, one CRM behind a link, and the load on them."""

    world: World
    store: Store
    workers: list[Process]
    ports: list[int]
    """Of the workers."""
    crm: Process
    crm_link: Link
    store_link: Link | None
    received_file: Path
    load: Load
    homes: list[Path]
    """Of the workers."""
    environments: list[dict[str, str]]
    """Of the workers."""
    stack: contextlib.AsyncExitStack

    def another(self) -> Process:
        """One more worker like the first, not started yet; on its port, too."""
        home = self.world.home / f"worker-{len(self.homes)}"
        home.mkdir()
        self.homes.append(home)
        made = _worker(self.environments[0] | {"PILOTE_HOME": str(home)}, home)
        self.stack.callback(made.kill)
        return made

    def arrived(self) -> list[Arrived]:
        """What the CRM has received so far; a line that is being written right now is not."""
        lines = self.received_file.read_text().splitlines() if self.received_file.exists() else []
        return [Arrived(*parts) for parts in (line.split(" ") for line in lines) if len(parts) == 4]

    async def serving(self, *ports: int) -> None:
        """Wait until the gateways at these ports answer by a policy; what they are asked is part of no account."""
        async with directly(ports or self.ports) as call:

            async def serves() -> bool | None:
                asked = [Intent(-1 - 4 * n) for n in range(len(ports or self.ports))]
                answers = await asyncio.gather(*(call(each) for each in asked))
                return all(each.reason in ("", "CAP_EXCEEDED") and each.trailers for each in answers) or None

            await eventually(serves, what="an answer of each worker", within=90)


@contextlib.asynccontextmanager
async def site(
    store: Store,
    home: Path,
    *,
    workers: int = 2,
    linked: bool = False,
    per_second: float = 20.0,
    one_port: bool = False,
    extra: Callable[[Path], dict[str, str]] | None = None,
    **sections: Any,
) -> AsyncIterator[Site]:
    """A site that serves, under a policy with these sections; `linked`: a link lies before the store, too.

    `one_port`: all workers share one. `extra` gives settings and other variables of a worker's environment, by home.
    """
    *ports, crm_port = free(workers + 1)
    if one_port:
        ports = ports[:1] * workers
    received = home / "received"
    crm = Process("tests.fakes.upstream_process", str(crm_port), str(received))
    async with contextlib.AsyncExitStack() as stack:
        redis = await connected(store.url)
        stack.push_async_callback(redis.aclose)
        world = World(redis, store.url, home, stack, killed=True)
        crm_link = await stack.enter_async_context(link_to(crm_port))
        store_link: Link | None = None
        if linked:
            assert isinstance(store, RedisProcess)
            target = Path(store.url.removeprefix("unix://"))
            store_link = await stack.enter_async_context(link_to(target, at=store.home / "link.sock"))
        (home / "pseudonym.key").write_bytes(KEY)
        homes = [home / f"worker-{n}" for n in range(workers)]
        for its in homes:
            its.mkdir()
        environments = [
            environment(
                PILOTE_HOME=str(its),
                PILOTE_REDIS_URL=store.url if store_link is None else store_link.url,
                PILOTE_PSEUDONYM_KEY_FILE=str(home / "pseudonym.key"),
                PILOTE_STORE_TIMEOUT_MS="200",
                PILOTE_METRICS_LISTEN="off",
                PILOTE_GATEWAY_LISTEN=f"127.0.0.1:{port}",
            )
            | (extra(its) if extra is not None else {})
            for port, its in zip(ports, homes, strict=True)
        ]
        processes = [_worker(variables, its) for variables, its in zip(environments, homes, strict=True)]
        upstream = {"name": "crm", "address": crm_link.address, "timeout": f"{round(UPSTREAM_S * 1000)}ms"}
        await world.publish(policy("", **({"caps": [cap(MOST)], "upstreams": [upstream]} | sections)))
        for process in (crm, *processes):
            process.start()
            stack.callback(process.kill)
        call = await stack.enter_async_context(directly(ports))
        load = Load(call, per_second=per_second)
        made = Site(
            *(world, store, processes, ports, crm, crm_link, store_link, received, load, homes, environments, stack)
        )
        await made.serving()
        await world.keep_records()
        yield made


def _worker(variables: dict[str, str], home: Path) -> Process:
    return Process("services.cli", "gateway", environment=variables, log=home / "gateway.log")
