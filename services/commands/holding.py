"""What the commands about holds do, for the people who decide on kept calls."""

import contextlib
import json
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import msgspec
from google.protobuf import json_format

from gateway.activation.loading import load
from gateway.adapters.cells import CellBook
from gateway.adapters.holds import HoldStore, over_redis
from gateway.adapters.revisions import RevisionStore
from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from gateway.clock import clock_ms
from gateway.core import holds
from gateway.core.holds import Hold, HoldState
from gateway.core.keys import Cell
from gateway.core.record import decision_id
from gateway.core.texts import span
from gateway.redis_clients import Client
from services.texts import say

LONGEST_TEXT: Final = 1000
_COLUMNS: Final = ("hold", "state", "agent", "method", "rule", "made", "until")


class HoldProblem(Exception):
    """The command cannot do what it was asked to; the text says why, in the reader's language."""


class Holds:
    """The holds as a person sees them: those of one tenant, or of all tenants of the active policy."""

    def __init__(self, redis: Client, keys: Sequence[bytes], *, tenant: str, language: str) -> None:
        self._revisions = RevisionStore(redis)
        self._cells = CellBook(redis)
        self._store = HoldStore(over_redis(redis), Sealer(keys))
        self._tenant = tenant
        self._language = language

    async def list(self) -> tuple[tuple[str, ...], ...]:
        """A row for each hold that is not over, the oldest first, below the names of the columns."""
        found = [hold for cell in await self._all_cells() for hold in await self._store.open(cell)]
        found.sort(key=lambda hold: hold.created_ms)
        return (_COLUMNS, *(self._row(hold) for hold in found))

    async def show(self, name: str) -> tuple[str, ...]:
        """One hold: what is known of it, and the request as JSON.

        Raises:
            HoldProblem: there is none of that name, or its request cannot be opened.
        """
        hold = await self._find(name)
        kept = await self._request(hold)
        lines = [f"{field}: {value}" for field, value in self._facts(hold) if value]
        return (*lines, await self._as_json(hold, kept))

    async def decide(self, name: str, *, approve: bool, by: str, comment: str) -> str:
        """Approve or refuse; returns what to tell.

        Raises:
            HoldProblem: there is none of that name, somebody else was faster, or what was kept of it is damaged.
        """
        if not by.strip() or not comment.strip() or max(len(by), len(comment)) > LONGEST_TEXT:
            self._end("hold-who-and-why", most=LONGEST_TEXT)
        hold = await self._find(name)
        if approve:  # a call that cannot be made, or was changed by somebody, can only be refused
            await self._request(hold)
        now_ms = clock_ms()
        after = holds.decide(hold, approve=approve, by=by.strip(), comment=comment.strip(), now_ms=now_ms)
        if after is None:
            self._too_late(hold, approve=approve)
        record = None
        if after.state in holds.OVER:
            decision = decision_id(now_ms=now_ms, random=secrets.token_bytes(10))
            record = holds.ended_record(after, decision=decision, now_ms=now_ms)
        if not await self._store.move(hold, after, record=record):
            self._too_late(await self._find(name), approve=approve)
        return self._say(f"hold-{after.state.lower()}", hold=holds.name(hold.id), agent=hold.agent)

    async def _find(self, name: str) -> Hold:
        hold_id = name.removeprefix("holds/")
        try:
            hold = await self._store.find(await self._all_cells(), hold_id)
        except Damaged:
            self._end("hold-damaged", hold=name)
        return hold or self._end("hold-unknown", hold=name)

    async def _all_cells(self) -> tuple[Cell, ...]:
        return tuple([cell for tenant in await self._tenants() for cell in await self._cells.all_of(tenant)])

    async def _request(self, hold: Hold) -> bytes:
        try:
            return (await self._store.request(hold)).request
        except Damaged:
            self._end("hold-damaged", hold=holds.name(hold.id))
        except KeyMissing:
            self._end("hold-key", hold=holds.name(hold.id))

    async def _as_json(self, hold: Hold, request: bytes) -> str:
        """The request by the contract of the active policy; its bytes in hexadecimal where that has none any more."""
        with contextlib.suppress(ValueError):
            published = await self._revisions.read(await self._revisions.active())
            methods = {} if published is None else load(msgspec.json.decode(published.document)).methods
            policy = methods.get(hold.method)
            if policy is not None:
                message: Any = policy.contract.decode(request)
                return json.dumps(json_format.MessageToDict(message), indent=2, ensure_ascii=False)
        return request.hex()

    async def _tenants(self) -> tuple[str, ...]:
        if self._tenant:
            return (self._tenant,)
        published = await self._revisions.read(await self._revisions.active())
        if published is None:
            self._end("stop-no-tenant")
        document: dict[str, Any] = msgspec.json.decode(published.document)
        return tuple(sorted({agent["tenant"] for agent in document["agents"]}))

    def _row(self, hold: Hold) -> tuple[str, ...]:
        until_ms = hold.release_ms if hold.state is HoldState.SCHEDULED else hold.expires_ms
        left = span(max(0, until_ms - clock_ms()), language=self._language)
        what = hold.state.value if hold.level != "suggest" else f"{hold.state.value} ({hold.level})"
        return (
            holds.name(hold.id),
            what,
            hold.agent,
            hold.method.rpartition("/")[2],
            hold.rule or hold.why,
            _stamp(hold.created_ms),
            left,
        )

    def _facts(self, hold: Hold) -> tuple[tuple[str, str], ...]:
        return (
            ("hold", holds.name(hold.id)),
            ("state", hold.state.value),
            ("tenant", hold.tenant),
            ("agent", hold.agent),
            ("method", hold.method),
            ("operation", hold.operation),
            ("subject", hold.subject_ref),
            ("rule", hold.rule),
            ("why", hold.why),
            ("level", hold.level),
            ("made", _stamp(hold.created_ms)),
            ("expires", _stamp(hold.expires_ms)),
            ("release", _stamp(hold.release_ms) if hold.state is HoldState.SCHEDULED else ""),
            ("decider", hold.decider),
            ("decided", _stamp(hold.decided_ms)),
            ("comment", hold.comment),
            ("status", hold.status),
            ("reason", hold.reason),
            ("result", f"decisions/{hold.result}" if hold.result else ""),
            ("sha256", hold.sha256),
        )

    def _too_late(self, hold: Hold, *, approve: bool) -> NoReturn:
        if hold.state is HoldState.SCHEDULED and approve and not hold.decider:
            self._end("hold-needs-nobody", hold=holds.name(hold.id), at=_stamp(hold.release_ms))
        key = "hold-decided" if hold.decider else "hold-too-late"
        self._end(key, hold=holds.name(hold.id), state=hold.state.value, decider=hold.decider, comment=hold.comment)

    def _end(self, key: str, **values: object) -> NoReturn:
        raise HoldProblem(self._say(key, **values))

    def _say(self, key: str, **values: object) -> str:
        return say(key, language=self._language, **values)


def _stamp(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at_ms / 1000)) if at_ms else ""
