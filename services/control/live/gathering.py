"""Gathers what happens now: each part by itself, so that one that fails takes no other with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import grpc
import msgspec
from redis.exceptions import RedisError

from gateway.adapters import workers as reports
from gateway.core.keys import NOBODY
from gateway.redis_clients import Client
from pilote.audit.v1 import activity_pb2, objectives_pb2
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.live.fresh import Fresh
from services.control.live.near import rules_by_name
from services.control.live.now import Now, Objective, Traffic, Unknown, Workers
from services.control.live.scope import Scope
from services.control.live.standing import objectives, workers
from services.control.live.traffic import traffic
from services.control.live.waiting import Waiting
from services.control.policy import ActivePolicy
from services.control.times import at

SECOND: Final = 1.0
OBJECTIVES_SECONDS: Final = 5.0
"""Their shortest window is five minutes."""
PATIENCE_SECONDS: Final = 2.0
"""How long a part may take; then it is not known."""
MOST_ASKED: Final = 50
"""Values of each list that the audit service is asked for; shares of versions are of those."""
PARTS: Final = ("traffic", "objectives", "holds", "workers", "stream", "stops")

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Gathering:
    """What happens now, for all who ask. `clock_ms` is milliseconds since the epoch.

    An answer is at most a second old, and however many ask for the same tenants, it is gathered once.
    """

    def __init__(
        self,
        redis: Client,
        audit: AuditServiceStub,
        policy: ActivePolicy,
        *,
        clock_ms: Callable[[], int],
        patience_seconds: float = PATIENCE_SECONDS,
        kept_seconds: float = 0.9 * SECOND,
    ) -> None:
        self._audit: Any = audit
        self._policy = policy
        self._clock_ms = clock_ms
        self._patience_seconds = patience_seconds
        self._waiting = Waiting(redis)
        self._reports = reports.Workers(redis)
        self._rules = rules_by_name(None)
        self._rules_of = 0
        self._now: Fresh[Scope, Now] = Fresh(self._gathered, seconds=kept_seconds)
        self._objectives: Fresh[int, tuple[Objective, ...]] = Fresh(self._promised, seconds=OBJECTIVES_SECONDS)

    async def now(self, scope: Scope) -> Now:
        """What happens now in these tenants; the texts of what is not known are keys, see `said`."""
        return await self._now.get(scope)

    async def close(self) -> None:
        """Give up what is being gathered."""
        await self._now.close()
        await self._objectives.close()

    async def _gathered(self, scope: Scope) -> Now:
        names = scope.among(self._policy.tenants)
        revision = self._policy.revision
        asked: dict[str, Awaitable[Any]] = {
            "traffic": self._traffic(scope),
            "objectives": self._objectives.get(revision.number if revision else 0),
            "holds": self._waiting.holds(names),
            "workers": self._workers(),
            "stream": self._waiting.stream(scope),
            "stops": self._waiting.stops(names),
        }
        found = await asyncio.gather(*(self._part(name, each) for name, each in asked.items()))
        known = {name: part for name, part in zip(asked, found, strict=True) if not isinstance(part, Unknown)}
        unknown = tuple(part for part in found if isinstance(part, Unknown))
        return Now(time=at(self._clock_ms()), tenants=scope.tenants, unknown=unknown, **known)

    async def _part(self, name: str, asked: Awaitable[T]) -> T | Unknown:
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await asked
        except grpc.aio.AioRpcError as error:
            slow = error.code().name == "DEADLINE_EXCEEDED"
            return _unknown(name, "DEADLINE_EXCEEDED" if slow else "STORE_UNAVAILABLE", "now-audit")
        except TimeoutError:
            return _unknown(name, "DEADLINE_EXCEEDED", "now-slow")
        except (RedisError, OSError):
            return _unknown(name, "STORE_UNAVAILABLE", "now-store")
        except Exception:
            _log.exception("a part of what happens now cannot be shown", extra={"part": name})
            return _unknown(name, "INTERNAL", "now-internal")

    async def _traffic(self, scope: Scope) -> Traffic:
        request = activity_pb2.GetActivityRequest(tenants=scope.tenants or (), top_size=MOST_ASKED)
        if scope.tenants == ():  # to name none would mean all
            request.tenants.append(NOBODY)
        answer = await self._audit.GetActivity(request, timeout=self._patience_seconds)
        revision = self._policy.revision
        if revision is not None and revision.number != self._rules_of:
            self._rules, self._rules_of = rules_by_name(revision), revision.number
        return traffic(answer, self._rules, now_ms=self._clock_ms())

    async def _promised(self, _: int) -> tuple[Objective, ...]:
        request = objectives_pb2.GetObjectivesRequest()
        return objectives(await self._audit.GetObjectives(request, timeout=self._patience_seconds))

    async def _workers(self) -> Workers:
        revision = self._policy.revision
        return workers(await self._reports.all(), active=revision.number if revision else 0)


def said(now: Now, say: Callable[[str], str]) -> Now:
    """The same with texts in place of their keys."""
    told = tuple(msgspec.structs.replace(each, message=say(each.message)) for each in now.unknown)
    return msgspec.structs.replace(now, unknown=told)


def _unknown(part: str, reason: str, text: str) -> Unknown:
    return Unknown(part=part, reason=reason, message=text)
