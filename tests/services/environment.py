"""The environment of commands that tests run: none of Pilote's variables but those that a test sets."""

from typing import Final

from gateway.settings import Settings

UNSET: Final[dict[str, str | None]] = {f"PILOTE_{name.upper()}": None for name in Settings.__struct_fields__}
