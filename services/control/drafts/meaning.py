"""What an edit means, on plain data: the one that the text must say once it is made."""

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from services.control.drafts.layout import KEYS

if TYPE_CHECKING:
    from services.control.drafts.edits import Edit


class NotThere(Exception):
    """An edit is about something that is not there, or adds what is there already. `code` is that of a text."""

    def __init__(self, code: str, name: str) -> None:
        super().__init__(code)
        self.code = code
        self.name = name


def meant(data: Any, edit: "Edit") -> Any:
    """The data with that edit made.

    Raises:
        NotThere: what it is about is not there, or is there already.
    """
    found = copy.deepcopy(data)
    if edit.kind == "set":
        _set(found, edit)
        return found
    parts = found.get(edit.section)
    if parts is None:
        parts = found[edit.section] = []
    if not isinstance(parts, list):
        raise NotThere("edit-list", edit.name)
    if edit.kind == "add":
        _add(parts, edit)
        return found
    index = _index(parts, edit.name)
    if edit.kind == "remove":
        del parts[index]
    elif edit.kind == "replace":
        parts[index] = edit.value
    else:
        after = None if edit.after is None else edit.after and parts[_index(parts, edit.after, code="edit-after")]
        if after is not parts[index]:
            part = parts.pop(index)
            parts.insert(_behind(parts, after), part)
    return found


def name_of(part: object) -> str | None:
    """What tells a part from others of its list; `None` where nothing does."""
    if not isinstance(part, Mapping):
        return None
    return next((part[key] for key in KEYS if isinstance(part.get(key), str)), None)


def _add(parts: list[Any], edit: "Edit") -> None:
    name = name_of(edit.value)
    if name is None:
        raise NotThere("edit-unnamed", edit.name)
    if any(name_of(part) == name for part in parts):
        raise NotThere("edit-taken", name)
    after = None if edit.after is None else edit.after and parts[_index(parts, edit.after, code="edit-after")]
    parts.insert(_behind(parts, after), edit.value)


def _behind(parts: Sequence[Any], after: Any) -> int:
    """Where something is put in: behind `after`; "" first, `None` last."""
    if after is None:
        return len(parts)
    return 0 if after == "" else next(index for index, part in enumerate(parts) if part is after) + 1


def _set(data: Any, edit: "Edit") -> None:
    holder: Any = data
    steps = (edit.section, *((edit.name,) if edit.name else ()), *edit.path)
    for step in steps[:-1]:
        holder = _below(holder, step)
    last = steps[-1]
    if isinstance(holder, list):
        holder[_index(holder, last)] = edit.value
    elif edit.value is msgspec.UNSET:
        holder.pop(last, None)
    else:
        holder[last] = edit.value


def _below(holder: Any, step: str) -> Any:
    if isinstance(holder, list):
        return holder[_index(holder, step)]
    if not isinstance(holder, dict):
        raise NotThere("edit-name", step)
    if holder.get(step) is None:
        holder[step] = {}
    return holder[step]


def _index(parts: Sequence[Any], name: str, *, code: str = "edit-name") -> int:
    found = next((index for index, part in enumerate(parts) if name_of(part) == name), None)
    if found is None:
        raise NotThere(code, name)
    return found
