"""Keeps the keys that come beside records, but for those of customers who were erased since they were made."""

from collections.abc import Iterable
from typing import Final

from gateway.core.used import WrappedKey
from services.audit.entries import Admitted
from services.audit.personal import SKEW_MS, until_ms
from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import many
from services.audit.postgres.texts import kept

_KEEP: Final = """INSERT INTO subject_key (id, tenant, subject_ref, made_ms, wrapped, until_ms)
 SELECT k.* FROM (VALUES (%s::text, %s::text, %s::text, %s::bigint, %s::bytea, %s::bigint))
  AS k(id, tenant, subject, made_ms, key, until_ms)
 WHERE NOT EXISTS (SELECT 1 FROM erased AS e
  WHERE e.tenant = k.tenant AND e.subject_ref = k.subject AND e.at_ms + %s >= k.made_ms)
 ON CONFLICT (id) DO UPDATE SET until_ms = greatest(subject_key.until_ms, excluded.until_ms)"""


def keep(connection: Connection, admitted: Iterable[Admitted]) -> None:
    """Store the keys that came beside records. Values are bound to the tenant that the record names."""
    found: dict[str, tuple[str, WrappedKey, int]] = {}
    for entry in admitted:
        if entry.key is not None:
            _, _, later = found.get(entry.key.id, ("", entry.key, 0))
            found[entry.key.id] = kept(entry.record.tenant), entry.key, max(later, until_ms(entry.record))
    rows = [
        (kept(key.id), tenant, kept(key.subject_ref), key.made_ms, key.wrapped, until, SKEW_MS)
        for tenant, key, until in found.values()
    ]
    many(connection, _KEEP, rows)


def expire(connection: Connection, *, now_ms: int) -> None:
    """Delete the keys whose records are over."""
    connection.execute("DELETE FROM subject_key WHERE until_ms <= %s", (now_ms,))
