"""Where a field's values stand in what is stored of a decision, written shortly. Pure.

`record.agent` is a member, `record.lineage.model` one of a part that may be absent, `record.topics[]` every element of
a list, `record.rules[].effect` a member of each, `record.rules[effect=holdout].rule` of those that match,
`settlement.costs{}` every value of a map, `settlement.attempts#` how many elements there are; `rules` are the names of
all rules that decided or applied, `copies[].arm` a member of what came of each copy. What the settlement has is absent
until there is one; `settlement.total_us|took_us` is a member of the record instead, where the call was not let through.
"""

import re
import types
import typing
from typing import Any, Final

import msgspec

from gateway.core.record import Record, Settlement
from gateway.core.shadows import ShadowResult
from gateway.records.conclusion import Conclusion

Value = str | int
_TEXT: Final = re.compile(r"(\w+)\.(\w+)(?:\.(\w+)|(\[(?:(\w+)=(\w+))?\])(?:\.(\w+))?|(\{\})|(#))?")
_COPIES: Final = "copies[]."
_SOURCES: Final[dict[str, type[msgspec.Struct]]] = {
    "record": Record,
    "settlement": Settlement,
    "conclusion": Conclusion,
}


class Path(msgspec.Struct, frozen=True):
    """A place, taken apart."""

    source: str
    """"record", "settlement" or "conclusion"; "rules" for the names of rules, "copies" for what came of copies."""
    name: str = ""
    inner: str = ""
    """Member of that member, or of each of its elements."""
    shape: str = ""
    """"" for one value, "[]" for each element of a list, "{}" for each value of a map, "#" for how many there are."""
    where: tuple[str, str] | None = None
    """Of elements: the member and the value that those have that are meant."""
    default: Value | None = None
    """What stands for an absent member; `None` where absent is a value of its own."""
    refused: str = ""
    """Member of the record that stands for one of the settlement of a call that was not let through; 0 is none."""

    @property
    def single(self) -> bool:
        """Whether there is one value at most."""
        return self.shape in {"", "#"} and self.source != "rules"


def path(text: str) -> Path:
    """The place that the text names.

    Raises:
        ValueError: there is no such place.
    """
    text, _, refused = text.partition("|")
    if refused:
        return msgspec.structs.replace(path(text), refused=refused)
    if text == "rules":
        return Path("rules", default="")
    if text.startswith(_COPIES):
        member = text.removeprefix(_COPIES)
        default = None if member == "agrees" else _default(ShadowResult, member)
        return Path("copies", "copies", member, "[]", default=default)
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no path.")
    source, name, part, elements, key, value, member, mapped, count = found.groups()
    owner = _SOURCES[source]
    if part or member:
        owner = _element(typing.get_type_hints(owner)[name])
    default = 0 if mapped or count else _default(owner, part or member or (name if elements is None else ""))
    return Path(
        source=source,
        name=name,
        inner=part or member or "",
        shape="[]" if elements else mapped or count or "",
        where=(key, value) if key else None,
        default=default,
    )


def _element(hint: Any) -> type[msgspec.Struct]:
    """The struct in `Struct | None` or `tuple[Struct, ...]`."""
    assert isinstance(hint, types.UnionType | types.GenericAlias)  # noqa: S101
    found: type[msgspec.Struct] = typing.get_args(hint)[0]
    return found


def _default(owner: type[msgspec.Struct], name: str) -> Value | None:
    """What an absent member counts as: its own default, else nothing."""
    if not name:
        return ""
    (field,) = (field for field in msgspec.structs.fields(owner) if field.name == name)
    return field.default if isinstance(field.default, str | int) else "" if field.type is str else None
