"""What the page of one decision says."""

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {}
