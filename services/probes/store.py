"""Suites of each tenant and what they came to, in Redis, for whoever makes policies active."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from gateway.redis_clients import Client
from services.probes.reading import read
from services.probes.running import Report

MOST: Final = 200
"""Suites of all tenants together."""
KEPT_MS: Final = 180 * 86_400_000
"""How long what a suite came to is known."""
SUITES: Final = "pilote:{control}:probes"
"""Hash: "tenant/name" -> suite, as JSON."""
_WRITE: Final = """
local there = redis.call('HGET', KEYS[1], ARGV[1])
local version = there and cjson.decode(there).version or 0
if version ~= tonumber(ARGV[2]) then return 'changed' end
if version == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 'done'
"""


class KeptSuite(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A suite as it is kept. Times are milliseconds since the epoch."""

    tenant: str
    suite: str
    version: int
    """Grows with each write."""
    sha256: str
    text: str
    updated_ms: int
    updated_by: str

    @property
    def name(self) -> str:
        """How a policy names it: "acme/contacts"."""
        return f"{self.tenant}/{self.suite}"


class Outcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a suite has come to for exactly one policy or version."""

    passed: bool
    ran_ms: int
    by: str
    cases: int
    failed: tuple[str, ...] = ()
    """Names of the probes that do not hold."""


class SuiteChanged(Exception):
    """Somebody else has written the suite since; nothing was written."""


class SuitesFull(Exception):
    """There are `MOST` suites already."""


class SuiteStore:
    """Suites and outcomes. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def all(self) -> tuple[KeptSuite, ...]:
        """All suites, by name."""
        found: Any = await self._redis.hgetall(SUITES)
        return tuple(sorted((_suite(body) for body in found.values()), key=lambda each: each.name))

    async def get(self, name: str) -> KeptSuite | None:
        """The suite of that name, "acme/contacts"; `None`: there is none."""
        body: Any = await self._redis.hget(SUITES, name)
        return None if body is None else _suite(body)

    async def save(self, tenant: str, text: str, *, by: str, now_ms: int, version: int | None = None) -> KeptSuite:
        """Keep a suite under the name that it gives itself; `version` is what it takes the place of, 0 for none.

        Without a version it takes the place of whatever is there.

        Raises:
            PolicyInvalid: the text is no suite.
            SuiteChanged: another version is there.
            SuitesFull: there are too many.
        """
        suite = read(text)
        there = await self.get(f"{tenant}/{suite.name}")
        known = 0 if there is None else there.version
        kept = KeptSuite(
            tenant=tenant,
            suite=suite.name,
            version=known + 1,
            sha256=suite.sha256,
            text=text,
            updated_ms=now_ms,
            updated_by=by,
        )
        expected = known if version is None else version
        said: Any = await self._redis.eval(_WRITE, 1, SUITES, kept.name, expected, msgspec.json.encode(kept), MOST)
        if said == b"full":
            raise SuitesFull
        if said != b"done" or expected != known:
            raise SuiteChanged
        return kept

    async def delete(self, name: str) -> bool:
        """Delete a suite; says whether it was there."""
        return bool(await self._redis.hdel(SUITES, name))

    async def note(self, name: str, report: Report, *, by: str, now_ms: int) -> Outcome:
        """Keep what the suite of that name came to, for exactly its text and what was probed."""
        failed = tuple(each.probe for each in report.results if each.state != "passed")
        outcome = Outcome(passed=report.passed, ran_ms=now_ms, by=by, cases=report.cases, failed=failed)
        key = _outcome(name, report.suite_sha256, report.digest)
        await self._redis.set(key, msgspec.json.encode(outcome), px=KEPT_MS)
        return outcome

    async def outcome(self, name: str, sha256: str, digest: str) -> Outcome | None:
        """What a suite of that name and text came to for what has that digest; `None`: it was not probed."""
        body: Any = await self._redis.get(_outcome(name, sha256, digest))
        return None if body is None else msgspec.json.decode(body, type=Outcome)

    async def of(self, names: Iterable[str]) -> dict[str, KeptSuite]:
        """Those of these suites that are there, by name."""
        found = {name: await self.get(name) for name in names}
        return {name: suite for name, suite in found.items() if suite is not None}


def _suite(body: bytes) -> KeptSuite:
    return msgspec.json.decode(body, type=KeptSuite)


def _outcome(name: str, sha256: str, digest: str) -> str:
    return f"{SUITES}:outcome:{name}:{sha256}:{digest}"
