"""What this process trusts of the store: it runs a revision only where people whom it trusts already have agreed.

The last revision that was found right is pinned, in memory and in a file, so that neither a changed store nor a restart
makes the process forget who must agree. Without a pin trust begins with the people of `PILOTE_TRUSTED_PEOPLE_FILE`, and
without those with the first revision in the store: on first use.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
from pathlib import Path
from typing import Final

import msgspec
import yaml

from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.authority import Authority, Entry, authority, authority_in, digest_of
from gateway.core.policy.people import Approvals, Person
from gateway.core.trust import Distrusted, Trusted, judge, matches
from gateway.signing import verify

PIN_FILE: Final = "trust.json"
"""Name of the file with the pin, in `PILOTE_HOME`."""

_log = logging.getLogger(__name__)

BATCH: Final = 500
"""Entries that are read at a time."""


class _Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept in the file. `root` says whose trust it rests on: with other people it is void."""

    root: str
    trusted: Trusted


class _People(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    people: tuple[Person, ...]
    approvals: Approvals = Approvals()


class Trust:
    """Judges revisions before they are used."""

    def __init__(self, store: RevisionStore, *, root: Authority | None = None, pin_file: Path | None = None) -> None:
        """`pin_file` is read, and written with every revision that names people.

        Raises:
            ValueError: the file holds something else.
            OSError: it cannot be read.
        """
        self._store = store
        self._root = root
        self._root_sha256 = "" if root is None else digest_of(root)
        self._pin_file = pin_file
        self._entries: dict[int, Entry] = {}
        self._read_to = 0
        self.pinned: Trusted | None = self._read_pin()

    async def judge(self, number: int, published: Published) -> None:
        """Pin the revision as the one to run.

        Raises:
            Distrusted: it must not run.
            RedisError: the store does not answer.
        """
        try:
            await self._read(number)
            trusted = await asyncio.to_thread(self._judged, number, published)
        except Distrusted:
            self._entries, self._read_to = {}, 0  # what somebody has put there may be mended, under the same number
            raise
        before, self.pinned = self.pinned, trusted
        if trusted != before and (trusted.authority.people or (before and before.authority.people)):
            try:
                await asyncio.to_thread(self._write_pin, trusted)
            except OSError:  # in memory it is pinned all the same
                _log.exception("the people whom this process trusts cannot be kept for its next start")

    def _judged(self, number: int, published: Published) -> Trusted:
        document = bytes(published.document)
        entry = self._entries.get(number)
        pinned, asked = self.pinned, self._root is not None
        if entry is None:  # published by a version that signed nothing, or by somebody who does not know how
            if asked or authority_in(document).people or (pinned is not None and pinned.authority.people):
                raise Distrusted("unsigned")
            return Trusted(number=number)
        trusted = judge(number, self._entries, pinned=pinned, root=self._root, verify=verify)
        if not matches(document, entry):
            raise Distrusted("rollout" if entry.statement.how == "rollout" else "altered")
        if (asked or _asked(trusted, pinned)) and not _is_stated(published, entry):
            raise Distrusted("altered")
        return trusted

    async def _read(self, number: int) -> None:
        """Read what is not known yet of all revisions up to that one; what was read once is never read again."""
        for first in range(self._read_to + 1, number + 1, BATCH):
            batch = range(first, min(first + BATCH, number + 1))
            try:
                self._entries |= await self._store.entries(batch)
            except msgspec.DecodeError as error:
                raise Distrusted("damaged") from error
            self._read_to = batch[-1]
        if number not in self._entries:
            self._entries |= await self._store.entries((number,))

    def _read_pin(self) -> Trusted | None:
        pin = None if self._pin_file is None else read_pin(self._pin_file)
        return None if pin is None or pin.root != self._root_sha256 else pin.trusted

    def _write_pin(self, trusted: Trusted) -> None:
        if self._pin_file is None:
            return
        self._pin_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = self._pin_file.with_name(f".{self._pin_file.name}.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            made.unlink()
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(_Pin(self._root_sha256, trusted)))
            file.flush()
            os.fsync(file.fileno())
        made.rename(self._pin_file)


def read_pin(path: Path) -> _Pin | None:
    """What a process has pinned in a file; `None` where there is none yet.

    Raises:
        ValueError: the file holds something else.
        OSError: it cannot be read.
    """
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Pin)
    except msgspec.DecodeError as error:
        text = f"{path} is damaged: it says which people this process trusts. Restore it, or delete it to trust anew."
        raise ValueError(text) from error


def trusted_people(path: Path) -> Authority:
    """The people in a file: `people` and `approvals` as a policy has them, in YAML or JSON.

    Raises:
        ValueError: it holds something else, or nobody.
        OSError: it cannot be read.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = msgspec.convert(data, _People)
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError) as error:
        text = f"{path} must hold `people` and `approvals` as a policy has them, and nothing else"
        raise ValueError(f"{text}: {error}" if isinstance(error, msgspec.ValidationError) else f"{text}.") from error
    if not found.people:
        raise ValueError(f"{path} names nobody: list `people`, as a policy does.")
    return authority(found.people, found.approvals)


def _asked(trusted: Trusted, pinned: Trusted | None) -> bool:
    return bool(trusted.authority.people or (pinned is not None and pinned.authority.people))


def _is_stated(published: Published, entry: Entry) -> bool:
    """Whether what is stored beside the document is what was signed."""
    statement = entry.statement
    said = (published.author, published.reason, published.created_ms)
    return (
        said == (statement.author, statement.reason, statement.created_ms)
        and published.sha256 == hashlib.sha256(bytes(published.document)).hexdigest()
    )
