"""What the commands about stops do."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.adapters.cells import CellsMoving
from gateway.adapters.revisions import RevisionStore
from gateway.adapters.stops import StopStore
from gateway.core.stops import Stop, is_stop
from gateway.redis_clients import Client
from services.texts import say


async def run(redis: Client, do: str, *, what: str, tenant: str, reason: str, language: str) -> tuple[str, ...]:
    """Stop, resume or list for a tenant, or for all tenants of the active policy; returns what to tell.

    Raises:
        ValueError: `what` names nothing that can be stopped, or there is no tenant to stop anything for, or a tenant
            that was halted to move it is not there yet.
    """
    if do != "list" and not is_stop(what):
        raise ValueError(say("stop-unknown", language=language, what=what))
    tenants = (tenant,) if tenant else await tenants_of(RevisionStore(redis))
    if not tenants:
        raise ValueError(say("stop-no-tenant", language=language))
    store = StopStore(redis)
    if do == "stop":
        made = Stop(what=what, reason=reason, since_ms=int(time.time() * 1000))
        for name in tenants:
            await store.stop(name, made)
        return (say("stopped-now", language=language, what=what, tenants=", ".join(tenants)),)
    if do == "resume":
        try:
            were = [name for name in tenants if await store.resume(name, what)]
        except CellsMoving as error:
            raise ValueError(say("cells-moving", language=language)) from error
        key = "resumed" if were else "not-stopped"
        return (say(key, language=language, what=what, tenants=", ".join(were or tenants)),)
    lines = [line for name in tenants for line in _lines(name, await store.list(name))]
    return tuple(lines) or (say("nothing-stopped", language=language),)


async def tenants_of(revisions: RevisionStore) -> tuple[str, ...]:
    """Tenants of the active policy, sorted; none without a policy."""
    published = await revisions.read(await revisions.active())
    if published is None:
        return ()
    document: dict[str, Any] = msgspec.json.decode(published.document)
    return tuple(sorted({agent["tenant"] for agent in document["agents"]}))


def _lines(tenant: str, stops: Sequence[Stop]) -> list[str]:
    stamps = [time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(stop.since_ms / 1000)) for stop in stops]
    return [f"{tenant}  {stop.what}  {at}  {stop.reason}" for stop, at in zip(stops, stamps, strict=True)]
