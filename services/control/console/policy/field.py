"""What a form's control is: which value of a part it shows, and how."""

import re
from typing import Final, Literal, NamedTuple

Kind = Literal[
    "text", "number", "decimal", "words", "checks", "choice", "expression", "long", "hours", "lines", "shares"
]  # fmt: skip
OPERATIONS: Final = ("READ", "WRITE", "CONTACT", "DELETE", "INFER")


class Field(NamedTuple):
    """One control."""

    path: str
    """Where its value stands in the part: "calendar.unit"."""
    kind: Kind = "text"
    options: tuple[str, ...] = ()
    """Of checks and choices; of shares the measures; of lines the keys of what stands in one, "weight" the second."""
    default: str = ""
    """What counts where nothing is said; a choice of it is left out of the text."""
    empty_null: bool = False
    """Whether an empty control says `null`, which means something, and not that nothing is said."""
    rare: bool = False
    """Whether it stands among those that few parts need."""

    @property
    def key(self) -> str:
        """Of its texts."""
        return self.path.replace(".", "-").replace("_", "-")


_DECIMAL: Final = re.compile(r"[0-9]{1,9}([.,][0-9]{1,9})?")


def decimal(text: str) -> float | str:
    """The number that is meant, with a point or a comma; what is none stays the text, which the check refuses."""
    return float(text.replace(",", ".")) if _DECIMAL.fullmatch(text) else text
