"""README and its chapters, which stand beside the code that they are about."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
README: Final = ROOT / "README.md"
CHAPTERS: Final = sorted(
    file
    for folder in ("gateway", "services", "protos", "k8s", "loadtests", "tests")
    for file in (ROOT / folder).rglob("README.md")
)


def everything() -> str:
    """README and all chapters as one text."""
    return "\n".join(file.read_text("utf-8") for file in [README, *CHAPTERS])


def chapter(folder: str) -> str:
    """The chapter in a folder, named from the root."""
    return (ROOT / folder / "README.md").read_text("utf-8")
