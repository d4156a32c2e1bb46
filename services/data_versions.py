"""The version of each kind of data that an installation keeps, as this version of Pilote writes it.

A kind's version rises where an earlier Pilote would misread what this one writes. Whoever finds a newer one than it
knows refuses it in words, and touches nothing.
"""

from collections.abc import Mapping

from gateway.core import keys
from services.audit.postgres import schema as postgres_schema
from services.audit.sqlite import schema as sqlite_schema
from services.audit.sqlite.segments.files import STEPS
from services.crm import store as crm
from services.vault.store import VERSION as VAULT_VERSION


def known() -> Mapping[str, int]:
    """By kind: keys of the store, files and database of decisions, the embedded CRM and connectors, the vault."""
    return {
        "store": keys.LAYOUT_VERSION,
        "audit-main": len(sqlite_schema.steps()),
        "audit-segments": len(sqlite_schema.steps(STEPS)),
        "audit-postgres": len(postgres_schema.steps()),
        "crm": crm.VERSION,
        "vault": VAULT_VERSION,
    }
