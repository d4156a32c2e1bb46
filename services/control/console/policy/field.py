"""What a form's control is: which value of a part it shows, and how."""

from typing import Final, Literal, NamedTuple

Kind = Literal[
    "text", "number", "decimal", "words", "checks", "choice", "expression", "long", "hours", "lines"
]  # fmt: skip
OPERATIONS: Final = ("READ", "WRITE", "CONTACT", "DELETE", "INFER")


class Field(NamedTuple):
    """One control."""

    path: str
    """Where its value stands in the part: "calendar.unit"."""
    kind: Kind = "text"
    options: tuple[str, ...] = ()
    """Of checks and choices; of lines the keys of what stands in one, "weight" the second of them."""
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
