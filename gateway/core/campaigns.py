"""The one spelling of a campaign: what one system calls "Été 2026" and another one "ete_2026" is the same one. Pure.

Companies name campaigns in any words, and no call is worth refusing for that. So every name has a spelling, and calls,
objectives and records are compared in that only.
"""

import re
import unicodedata
from typing import Final

LONGEST: Final = 63
_READ: Final = 400
"""Characters of a name that are looked at, so that a long one costs no more than others."""
_OTHER: Final = re.compile(r"[\W_]+")


def spelt(name: str) -> str:
    """The words of the name in lower case and without accents, joined by "-", at most 63 characters.

    Empty where there is no letter or digit in it: the call is part of no campaign then.
    """
    plain = unicodedata.normalize("NFKD", name[:_READ]).casefold()
    bare = "".join([mark for mark in plain if not unicodedata.combining(mark)])
    return _OTHER.sub("-", bare).strip("-")[:LONGEST].rstrip("-")
