"""The version of each kind of data that an installation keeps, as this version of Pilote writes it.

A kind's version rises where an earlier Pilote would misread what this one writes. Whoever finds a newer one than it
knows refuses it in words, and touches nothing.
"""

from collections.abc import Mapping

from gateway.core import keys
from services.audit.postgres import schema as postgres_schema
from services.audit.sqlite import schema as sqlite_schema
from services.audit.sqlite.segments.files import STEPS


def known() -> Mapping[str, int]:
    """By kind: keys of the store; the files and the database of decisions."""
    return {
        "store": keys.LAYOUT_VERSION,
        "audit-main": len(sqlite_schema.steps()),
        "audit-segments": len(sqlite_schema.steps(STEPS)),
        "audit-postgres": len(postgres_schema.steps()),
    }
