"""Keeps the keys that come beside records, but for those of customers who were erased since they were made."""

from collections.abc import Iterable
from typing import Final

from services.audit.entries import Admitted
from services.audit.personal import SKEW_MS
from services.audit.postgres.lanes import Connection
from services.audit.postgres.staging import many
from services.audit.postgres.texts import kept

_KEEP: Final = """INSERT INTO subject_key (id, tenant, subject_ref, made_ms, wrapped)
 SELECT k.* FROM (VALUES (%s::text, %s::text, %s::text, %s::bigint, %s::bytea)) AS k(id, tenant, subject, made_ms, key)
 WHERE NOT EXISTS (SELECT 1 FROM erased AS e
  WHERE e.tenant = k.tenant AND e.subject_ref = k.subject AND e.at_ms + %s >= k.made_ms)
 ON CONFLICT DO NOTHING"""


def keep(connection: Connection, admitted: Iterable[Admitted]) -> None:
    """Store the keys that came beside records. Values are bound to the tenant that the record names."""
    found = {entry.key.id: (kept(entry.record.tenant), entry.key) for entry in admitted if entry.key is not None}
    many(
        connection,
        _KEEP,
        [
            (kept(key.id), tenant, kept(key.subject_ref), key.made_ms, key.wrapped, SKEW_MS)
            for tenant, key in found.values()
        ],
    )
