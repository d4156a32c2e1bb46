"""Which attributes the vault knows, with which values; pure.

Few values each, so that groups are large enough for anything to be said. Those that French law lets nobody collect for
this, such as ethnic origin, are none of them.
"""

from collections.abc import Mapping
from typing import Final

ATTRIBUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "gender": ("female", "male", "other"),
    "age": ("under-25", "25-39", "40-54", "55-64", "65-and-over"),
    "disability": ("disabled", "not-disabled"),
    "residence": ("priority-district", "rural", "other"),
    "nationality": ("national", "eu", "other"),
}
"""Values by attribute."""
MOST_PURPOSE: Final = 300
"""Characters of a purpose, and of a legal basis."""
MOST_KEEP_DAYS: Final = 366
"""How long a value is kept at most, unless it is loaded anew."""
MOST_ROWS: Final = 20_000
"""Customers of one load."""
LONGEST_CUSTOMER: Final = 256
"""Characters of a customer's resource name."""
LARGEST_FILE: Final = 4 << 20
"""Bytes: as many customers take less."""


def resource_of(tenant: str, attribute: str = "") -> str:
    """What an attribute of a tenant is called in the log; without one, all of them."""
    return f"vault/{tenant}/{attribute or '*'}"
