"""Which packs come with Pilote, and where their files are: `<name>/<version>.yaml` beside this module."""

from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = Path(__file__).parent


class ShippedPack(NamedTuple):
    """One version of one pack."""

    name: str
    version: str
    file: Path

    @property
    def label(self) -> str:
        """How mistakes name its file."""
        return f"packs/{self.name}/{self.version}.yaml"


def shipped(folder: Path = FOLDER) -> tuple[ShippedPack, ...]:
    """All packs in a folder, by name, the newest version of each last."""
    files = folder.glob("*/*.yaml")
    found = (ShippedPack(file.parent.name, file.stem, file) for file in files)
    return tuple(sorted(found, key=lambda pack: (pack.name, _order(pack.version))))


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
