"""What the reference of a proof may hold: where the proof is found, and nothing of a person."""

import re
from typing import Final

_PERSONAL: Final = re.compile(r"\S@\S|\+\d[\d\s().-]{7,}\d|\b0\d([\s.-]?\d\d){4}\b")
"""An e-mail address, an international telephone number, or a French one."""


def is_personal(proof: str) -> bool:
    """Whether a proof's reference plainly holds an e-mail address or a telephone number."""
    return _PERSONAL.search(proof) is not None
