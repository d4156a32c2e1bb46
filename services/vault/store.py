"""The vault itself: one file of SQLite, whose values are sealed (AES-256-GCM) under keys that only its process has.

A row is known by tenant and the pseudonym that the log has of a customer. Deleted rows are overwritten at once
(`secure_delete`), and without a journal beside the file that would keep them.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from services.file_versions import agree

FILE: Final = "vault.sqlite"
VERSION: Final = 1
"""Of its tables; it rises where an earlier Pilote would misread what this one writes."""
DAY_MS: Final = 86_400_000
_WIDTH: Final = 32
"""Bytes that every value is filled up to, so that its length tells nothing."""
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS attributes (
  tenant TEXT NOT NULL, attribute TEXT NOT NULL, purpose TEXT NOT NULL, legal_basis TEXT NOT NULL,
  loaded_ms INTEGER NOT NULL, PRIMARY KEY (tenant, attribute)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS people (
  tenant TEXT NOT NULL, attribute TEXT NOT NULL, subject_ref TEXT NOT NULL, sealed BLOB NOT NULL,
  keep_until_ms INTEGER NOT NULL, PRIMARY KEY (tenant, attribute, subject_ref)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erasures (read_to INTEGER NOT NULL);
"""
_LISTED: Final = """SELECT a.tenant, a.attribute, purpose, legal_basis, loaded_ms, count(p.subject_ref),
 coalesce(min(keep_until_ms), 0), coalesce(max(keep_until_ms), 0)
 FROM attributes a LEFT JOIN people p ON p.tenant = a.tenant AND p.attribute = a.attribute
 GROUP BY a.tenant, a.attribute ORDER BY a.tenant, a.attribute"""


_FORGOTTEN: Final = """DELETE FROM people WHERE tenant = ?1 AND subject_ref = ?3
 AND attribute IN (SELECT attribute FROM attributes WHERE tenant = ?1 AND ?2 IN ('', attribute))"""
"""By the attributes that there are, so that the primary key finds the row."""


_SEALED_ANEW: Final = "UPDATE people SET sealed = ? WHERE tenant = ? AND attribute = ? AND subject_ref = ?"


class VaultUnusable(Exception):
    """The file or its keys cannot be used; the text says what to do."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of one attribute of a tenant: never of whom, nor what. Times are milliseconds since the epoch."""

    tenant: str
    attribute: str
    purpose: str
    legal_basis: str
    people: int
    loaded_ms: int
    """When it was loaded last."""
    first_over_ms: int
    """When the first of the values is deleted, and the last; 0 where there is none."""
    last_over_ms: int


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Values of one attribute of a tenant's customers, and what for."""

    tenant: str
    attribute: str
    purpose: str
    legal_basis: str
    keep_until_ms: int
    values: Mapping[str, str]
    """By pseudonym."""


class Vault:
    """The vault of one home. Its methods may be called in any thread."""

    def __init__(self, folder: Path, keys: Sequence[bytes]) -> None:
        """Open it, or make it. The first of the keys seals, any of them opens; each has 32 bytes.

        Raises:
            VaultUnusable: the file is broken.
            DataNewer: a newer version of Pilote wrote it.
        """
        self._sealer = Sealer(keys)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(folder / FILE, os.O_CREAT | os.O_RDWR, 0o600))
            self._engine = sqlite3.connect(folder / FILE, check_same_thread=False, isolation_level=None)
            agree(self._engine, VERSION, what="The vault")
            # Without a log beside it: what is deleted would stay in that for a while.
            self._engine.executescript(
                f"PRAGMA journal_mode=TRUNCATE; PRAGMA secure_delete=ON; PRAGMA synchronous=FULL;{_TABLES}"
            )
        except (OSError, sqlite3.Error) as error:
            text = f"The vault in {folder} cannot be opened: bring {FILE} back, or delete it and load attributes anew."
            raise VaultUnusable(text) from error
        self._lock = threading.Lock()
        self.loads = 0
        """How often something was loaded since it was opened."""

    def load(self, wanted: Load, *, now_ms: int) -> None:
        """Take in values, all or none; whoever is known already has the new one, kept as long as that."""
        tenant, attribute = wanted.tenant, wanted.attribute
        rows = [
            (tenant, attribute, ref, self._sealed(tenant, attribute, ref, value), wanted.keep_until_ms)
            for ref, value in wanted.values.items()
        ]
        about = (tenant, attribute, wanted.purpose, wanted.legal_basis, now_ms)
        with self._lock, self._engine:
            self._engine.execute("BEGIN IMMEDIATE")
            self._engine.execute("INSERT OR REPLACE INTO attributes VALUES (?, ?, ?, ?, ?)", about)
            self._engine.executemany("INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?)", rows)
            self.loads += 1

    def held(self) -> tuple[Held, ...]:
        """What is held, by tenant and attribute."""
        with self._lock:
            rows = self._engine.execute(_LISTED).fetchall()
        return tuple(
            Held(
                tenant=tenant,
                attribute=attribute,
                purpose=purpose,
                legal_basis=basis,
                loaded_ms=loaded,
                people=people,
                first_over_ms=first,
                last_over_ms=last,
            )
            for tenant, attribute, purpose, basis, loaded, people, first, last in rows
        )

    def read(self, tenant: str, attribute: str, *, now_ms: int) -> Mapping[str, str]:
        """The values of all customers, by pseudonym: for statistics within this process, and for nothing else.

        Raises:
            VaultUnusable: a value was changed, or sealed with a key that is not there.
        """
        with self._lock:
            rows = self._engine.execute(
                "SELECT subject_ref, sealed FROM people WHERE tenant = ? AND attribute = ? AND keep_until_ms > ?",
                (tenant, attribute, now_ms),
            ).fetchall()
        try:
            return {ref: self._opened(tenant, attribute, ref, sealed) for ref, sealed in rows}
        except (Damaged, KeyMissing) as error:
            text = f"Values of {attribute} do not open with the vault's keys: bring the key back, or load them anew."
            raise VaultUnusable(text) from error

    def seal_anew(self) -> int:
        """Seal with the first key what another one has sealed, so that this one can go; says how many values it was."""
        with self._lock, self._engine:
            self._engine.execute("BEGIN IMMEDIATE")
            rows = self._engine.execute("SELECT tenant, attribute, subject_ref, sealed FROM people").fetchall()
            anew = []
            for tenant, attribute, ref, sealed in rows:
                if self._sealer.is_current(sealed):
                    continue
                with contextlib.suppress(Damaged, KeyMissing):  # who reads it is told
                    value = self._opened(tenant, attribute, ref, sealed)
                    anew.append((self._sealed(tenant, attribute, ref, value), tenant, attribute, ref))
            self._engine.executemany(_SEALED_ANEW, anew)
        return len(anew)

    def forget(self, tenant: str, *, attribute: str = "", people: Sequence[str] | None = None) -> int:
        """Delete a tenant's values, of one attribute or of all, of these pseudonyms or of everybody; says how many."""
        which, values = "tenant = ?", [tenant]
        if attribute:
            which, values = f"{which} AND attribute = ?", [*values, attribute]
        with self._lock, self._engine:
            self._engine.execute("BEGIN IMMEDIATE")
            if people is None:
                count = self._engine.execute(f"DELETE FROM people WHERE {which}", values).rowcount  # noqa: S608
                self._engine.execute(f"DELETE FROM attributes WHERE {which}", values)  # noqa: S608
                return count
            return sum(self._engine.execute(_FORGOTTEN, (tenant, attribute, each)).rowcount for each in people)

    def expire(self, *, now_ms: int) -> Mapping[tuple[str, str], int]:
        """Delete what is over; says how many values of which tenant and attribute that were."""
        with self._lock, self._engine:
            self._engine.execute("BEGIN IMMEDIATE")
            found = self._engine.execute(
                "SELECT tenant, attribute, count(*) FROM people WHERE keep_until_ms <= ? GROUP BY 1, 2", (now_ms,)
            ).fetchall()
            if found:
                self._engine.execute("DELETE FROM people WHERE keep_until_ms <= ?", (now_ms,))
        return {(tenant, attribute): count for tenant, attribute, count in found}

    @property
    def erasures_read_to(self) -> int:
        """Up to which entry of the log erasures were carried out here; -1 for none."""
        with self._lock:
            found = self._engine.execute("SELECT max(read_to) FROM erasures").fetchone()
        return -1 if found[0] is None else int(found[0])

    def erased(self, people: Sequence[tuple[str, str]], *, read_to: int) -> int:
        """Delete all that is held of these customers, (tenant, pseudonym), whom the log says to be erased."""
        with self._lock, self._engine:
            self._engine.execute("BEGIN IMMEDIATE")
            forgotten = (self._engine.execute(_FORGOTTEN, (tenant, "", ref)) for tenant, ref in people)
            count = sum(each.rowcount for each in forgotten)
            self._engine.execute("DELETE FROM erasures")
            self._engine.execute("INSERT INTO erasures VALUES (?)", (read_to,))
        return count

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._engine.close()

    def _sealed(self, tenant: str, attribute: str, subject_ref: str, value: str) -> bytes:
        return self._sealer.seal(value.encode().ljust(_WIDTH, b"\0"), bound_to=_bound(tenant, attribute, subject_ref))

    def _opened(self, tenant: str, attribute: str, subject_ref: str, sealed: bytes) -> str:
        return self._sealer.open(sealed, bound_to=_bound(tenant, attribute, subject_ref)).rstrip(b"\0").decode()


def _bound(tenant: str, attribute: str, subject_ref: str) -> bytes:
    """What a sealed value belongs to: it opens nowhere else."""
    return "\0".join((tenant, attribute, subject_ref)).encode()
