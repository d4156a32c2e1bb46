"""Suites of each tenant and what they came to, in Redis, for whoever makes policies active."""

import secrets
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from gateway.redis_clients import Client
from services.probes.reading import read
from services.probes.running import Report
from services.probes.suite import Suite

MOST: Final = 200
"""Suites of all tenants together."""
MOST_RUNS: Final = 20
"""Runs of a suite that are kept whole."""
MOST_RUN_BYTES: Final = 200_000
"""A larger run is kept without its examples."""
KEPT_MS: Final = 180 * 86_400_000
"""How long what a suite came to is known."""
SUITES: Final = "pilote:{control}:probes"
"""Hash: "tenant/name" -> suite, as JSON."""
_SEEN: Final = """
local there = redis.call('HGET', KEYS[1], ARGV[1])
local known = ''
if there then
  local read = cjson.decode(there)
  known = read.version .. ' ' .. read.sha256
end
if known ~= ARGV[2] then return 'changed' end
"""
_WRITE: Final = f"""{_SEEN}
if known == '' and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 'done'
"""
_DELETE: Final = f"""{_SEEN}
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
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
    probes: int | None = None
    """How many it has; `None`: an earlier version of Pilote has kept it."""
    made_of: str = ""
    """What it was made of first, such as `findings/acme/0123`; empty: nothing but its text."""

    @property
    def name(self) -> str:
        """How a policy names it: "acme/contacts"."""
        return f"{self.tenant}/{self.suite}"

    @property
    def etag(self) -> str:
        """What tells it from others, also from one that was deleted."""
        return f"{self.version}-{self.sha256[:16]}"


class Outcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a suite has come to for exactly one policy or version."""

    passed: bool
    ran_ms: int
    """When it had come to that."""
    by: str
    cases: int
    failed: tuple[str, ...] = ()
    """Names of the probes that do not hold."""


class Run(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of running a suite once."""

    id: str
    ran_ms: int
    by: str
    report: Report


class SuiteChanged(Exception):
    """Somebody else has written the suite since; nothing was written."""


class SuitesFull(Exception):
    """There are `MOST` suites already."""


class SuiteStore:
    """Suites and outcomes. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def all(self) -> tuple[KeptSuite, ...]:
        """All suites, by name."""
        found = await self._redis.hgetall(SUITES)
        return tuple(sorted((_suite(body) for body in found.values()), key=lambda each: each.name))

    async def get(self, name: str) -> KeptSuite | None:
        """The suite of that name, "acme/contacts"; `None`: there is none."""
        body = await self._redis.hget(SUITES, name)
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
        if version is not None and version != (0 if there is None else there.version):
            raise SuiteChanged
        return await self.put(tenant, suite, text, over=there, by=by, now_ms=now_ms)

    async def put(
        self,
        tenant: str,
        suite: Suite,
        text: str,
        *,
        over: KeptSuite | None,
        by: str,
        now_ms: int,
        made_of: str = "",
    ) -> KeptSuite:
        """Keep a suite that was read from that text in the place of exactly `over`; `None`: where there is none.

        Raises:
            SuiteChanged, SuitesFull: like `save`.
        """
        kept = KeptSuite(
            tenant=tenant,
            suite=suite.name,
            version=1 if over is None else over.version + 1,
            sha256=suite.sha256,
            text=text,
            updated_ms=now_ms,
            updated_by=by,
            probes=len(suite.probes),
            made_of=made_of or (over.made_of if over else ""),
        )
        said = await self._redis.eval(_WRITE, 1, SUITES, kept.name, _seen(over), msgspec.json.encode(kept), MOST)
        if said == b"full":
            raise SuitesFull
        if said != b"done":
            raise SuiteChanged
        return kept

    async def delete(self, suite: KeptSuite) -> None:
        """Delete exactly that suite, and its runs.

        Raises:
            SuiteChanged: another version is there, or none any more.
        """
        said = await self._redis.eval(_DELETE, 2, SUITES, _runs(suite.name), suite.name, _seen(suite))
        if said != b"done":
            raise SuiteChanged

    async def note(self, name: str, report: Report, *, by: str, now_ms: int) -> Outcome:
        """Keep what the suite of that name came to, for exactly its text and what was probed."""
        return (await self.ran(name, report, by=by, now_ms=now_ms))[0]

    async def ran(self, name: str, report: Report, *, by: str, now_ms: int) -> tuple[Outcome, Run]:
        """The same, with the run as it is kept."""
        failed = tuple(each.probe for each in report.results if each.state != "passed")
        outcome = Outcome(passed=report.passed, ran_ms=now_ms, by=by, cases=report.cases, failed=failed)
        run = _kept(Run(id=secrets.token_hex(8), ran_ms=now_ms, by=by, report=report))
        key = _outcome(name, report.suite_sha256, report.digest)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, msgspec.json.encode(outcome), px=KEPT_MS)
            pipe.lpush(_runs(name), msgspec.json.encode(run))
            pipe.ltrim(_runs(name), 0, MOST_RUNS - 1)
            pipe.pexpire(_runs(name), KEPT_MS)
            await pipe.execute()
        return outcome, run

    async def runs(self, name: str) -> tuple[Run, ...]:
        """The last runs of the suite of that name, the newest first; at most `MOST_RUNS`."""
        found = await self._redis.lrange(_runs(name), 0, -1)
        return tuple(msgspec.json.decode(body, type=Run) for body in found)

    async def outcome(self, name: str, sha256: str, digest: str) -> Outcome | None:
        """What a suite of that name and text came to for what has that digest; `None`: it was not probed."""
        body = await self._redis.get(_outcome(name, sha256, digest))
        return None if body is None else msgspec.json.decode(body, type=Outcome)

    async def of(self, names: Iterable[str]) -> dict[str, KeptSuite]:
        """Those of these suites that are there, by name."""
        found = {name: await self.get(name) for name in names}
        return {name: suite for name, suite in found.items() if suite is not None}


def _suite(body: bytes) -> KeptSuite:
    return msgspec.json.decode(body, type=KeptSuite)


def _seen(suite: KeptSuite | None) -> str:
    return "" if suite is None else f"{suite.version} {suite.sha256}"


def _kept(run: Run) -> Run:
    """It as it is kept."""
    if len(msgspec.json.encode(run)) <= MOST_RUN_BYTES:
        return run
    results = tuple(msgspec.structs.replace(each, example=None) for each in run.report.results)
    return msgspec.structs.replace(run, report=msgspec.structs.replace(run.report, results=results))


def _runs(name: str) -> str:
    return f"{SUITES}:runs:{name}"


def _outcome(name: str, sha256: str, digest: str) -> str:
    return f"{SUITES}:outcome:{name}:{sha256}:{digest}"
