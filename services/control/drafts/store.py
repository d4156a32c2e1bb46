"""Drafts in Redis, where all control planes see them. A write names the version that it was made from."""

import secrets
import zlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.redis_clients import Client
from services.control.drafts.texts import say
from services.not_done import NotDone

MOST_BYTES: Final = 4 * 1024 * 1024
"""Longest text of a draft, in UTF-8."""
MOST_DRAFTS: Final = 500
DRAFTS: Final = "pilote:control:{control}:drafts"
"""Hash from id to draft, less its text."""
TEXTS: Final = "pilote:control:{control}:drafts:texts"
"""Hash from id to the text, compressed."""
_WRITE: Final = """
local there = redis.call('HGET', KEYS[1], ARGV[1])
local version = there and cjson.decode(there).version or 0
if version ~= tonumber(ARGV[2]) then return {there or '', redis.call('HGET', KEYS[2], ARGV[1]) or ''} end
if version == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then return {'full', ''} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], ARGV[1], ARGV[4]) end
return {}
"""
_DELETE: Final = """
local there = redis.call('HGET', KEYS[1], ARGV[1])
local version = there and cjson.decode(there).version or 0
if version ~= tonumber(ARGV[2]) then return {there or '', redis.call('HGET', KEYS[2], ARGV[1]) or ''} end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return {}
"""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a draft beside its text. Times are milliseconds since the epoch."""

    id: str
    title: str
    owner: str
    """Who made it; whoever may write policies may edit it."""
    base: int
    """The revision that it was made from; 0: from none."""
    version: int = 1
    """Grows with each write."""
    created_ms: int
    updated_ms: int
    updated_by: str
    proposal: int = 0
    """The last proposal that was made of it; 0: none."""

    @property
    def etag(self) -> str:
        """Its version as HTTP says it."""
        return f'"{self.version}"'


class DraftProblem(NotDone):
    """It cannot be done; the code is that of a text in `services.control.drafts.texts`."""

    say = staticmethod(say)


class DraftChanged(NotDone):
    """Somebody else has changed the draft since. Nothing was written; here is how it stands."""

    say = staticmethod(say)

    def __init__(self, draft: Draft, text: str, difference: tuple[str, ...] = ()) -> None:
        super().__init__("draft-changed", etag=draft.etag, by=draft.updated_by)
        self.draft = draft
        self.text = text
        self.difference = difference
        """Lines of a unified difference from what is there to what was sent."""

    @property
    def more(self) -> Mapping[str, Any]:
        """The difference."""
        return {"difference": self.difference}

    def with_difference(self, lines: tuple[str, ...]) -> "DraftChanged":
        """The same with a difference."""
        return DraftChanged(self.draft, self.text, lines)


def new_id() -> str:
    """An id that no draft has."""
    return secrets.token_hex(6)


class DraftStore:
    """Drafts. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def create(self, text: str, *, title: str, by: str, base: int, now_ms: int, named: str = "") -> Draft:
        """A new draft; `named` is an id that `new_id` gave.

        Raises:
            DraftProblem: the text is too long, or there are too many drafts.
        """
        draft = Draft(
            id=named or new_id(),
            title=title,
            owner=by,
            base=base,
            created_ms=now_ms,
            updated_ms=now_ms,
            updated_by=by,
        )
        await self._write(draft, text, expected=0)
        return draft

    async def all(self) -> tuple[Draft, ...]:
        """All drafts, those that were changed last first."""
        found: Any = await self._redis.hgetall(DRAFTS)
        drafts = [msgspec.json.decode(body, type=Draft) for body in found.values()]
        return tuple(sorted(drafts, key=lambda draft: (-draft.updated_ms, draft.id)))

    async def read(self, draft: str) -> tuple[Draft, str]:
        """A draft and its text.

        Raises:
            DraftProblem: there is none of that id.
        """
        body: Any = await self._redis.hget(DRAFTS, draft)
        text: Any = await self._redis.hget(TEXTS, draft)
        if body is None or text is None:
            raise DraftProblem("draft-unknown", draft=draft)
        return msgspec.json.decode(body, type=Draft), zlib.decompress(text).decode()

    async def write(
        self,
        draft: Draft,
        text: str | None,
        *,
        by: str,
        now_ms: int,
        title: str | None = None,
        base: int | None = None,
        proposal: int | None = None,
    ) -> Draft:
        """Write over exactly that version of a draft; what is `None` stays as it is.

        Raises:
            DraftChanged: another version is there.
            DraftProblem: the text is too long, or the draft was deleted.
        """
        written = msgspec.structs.replace(
            draft,
            title=draft.title if title is None else title,
            base=draft.base if base is None else base,
            proposal=draft.proposal if proposal is None else proposal,
            version=draft.version + 1,
            updated_ms=now_ms,
            updated_by=by,
        )
        await self._write(written, text, expected=draft.version)
        return written

    async def delete(self, draft: Draft) -> None:
        """Delete exactly that version of a draft.

        Raises:
            DraftChanged: another version is there.
            DraftProblem: it is gone already.
        """
        found: Any = await self._redis.eval(_DELETE, 2, DRAFTS, TEXTS, draft.id, draft.version)
        _see(found, draft.id)

    async def _write(self, draft: Draft, text: str | None, *, expected: int) -> None:
        content = b"" if text is None else text.encode()
        if len(content) > MOST_BYTES:
            raise DraftProblem("draft-long", most=MOST_BYTES // 1024 // 1024)
        packed = b"" if text is None else zlib.compress(content, 1)
        body = msgspec.json.encode(draft)
        arguments = (draft.id, expected, body, packed, MOST_DRAFTS)
        found: Any = await self._redis.eval(_WRITE, 2, DRAFTS, TEXTS, *arguments)
        _see(found, draft.id)


def _see(found: list[bytes], draft: str) -> None:
    """Raise what a script says that it found in place of the version that was expected."""
    if not found:
        return
    body, text = found
    if body == b"full":
        raise DraftProblem("drafts-many", most=MOST_DRAFTS)
    if not body:
        raise DraftProblem("draft-unknown", draft=draft)
    raise DraftChanged(msgspec.json.decode(body, type=Draft), zlib.decompress(text).decode())
