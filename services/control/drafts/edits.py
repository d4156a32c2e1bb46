"""Changes one part of a policy's text and leaves all the rest of it as it is, byte for byte.

What an edit means is said twice: on the text here, and on plain data in `services.control.drafts.meaning`. An edit is
only made where reading the new text gives just that; else it is refused, and whoever edits does it in the text.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
import yaml

from gateway.core.policy.document import Document
from gateway.core.revision.decode import PolicyInvalid
from services.control.drafts.cutting import Cut, dropped, flowing, inserted, made, moved, put, section_added
from services.control.drafts.layout import Pair, Unfitting, composed, index_of, nested, pair_of, plain, same, shared
from services.control.drafts.meaning import NotThere, meant
from services.control.drafts.texts import say
from services.not_done import NotDone

MOST_EDITS: Final = 50
SECTIONS: Final = frozenset(Document.__struct_encode_fields__)


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One change of a policy.

    "add": a part to a section that lists several. "replace": a part by another. "remove": a part. "move": a part to
    another place in its section. "set": one field of a part, or of a section that is one thing; no value: takes it out.
    """

    kind: Literal["add", "replace", "remove", "move", "set"]
    section: str
    name: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    """Of the part; empty in sections that are one thing."""
    value: Any = msgspec.UNSET
    """Plain data, as a policy has it."""
    after: str | None = None
    """"add" and "move": the part that it then stands behind; empty: it is the first; null: the last."""
    path: tuple[str, ...] = ()
    """"set": the field: names of fields, keys of maps, names of listed things: ("arms", "champion", "weight") say."""


class EditRefused(NotDone):
    """An edit cannot be made; nothing was. The code is that of a text in `services.control.drafts.texts`."""

    say = staticmethod(say)


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with these edits made, one after the other.

    Raises:
        EditRefused: one of them cannot be made.
    """
    if len(edits) > MOST_EDITS:
        raise EditRefused("edits-many", most=MOST_EDITS)
    for edit in edits:
        text = _edited(text, edit)
    return text


def _edited(text: str, edit: Edit) -> str:
    if edit.section not in SECTIONS:
        raise EditRefused("edit-section", section=edit.section)
    root = _read(text)
    try:
        # Merge keys change the nodes that they are read from.
        wanted = meant({} if root is None else plain(_read(text) if "<<" in text else root), edit)
        cuts = _cuts(text, root, edit)
    except NotThere as missing:
        raise EditRefused(missing.code, section=edit.section, name=missing.name) from missing
    except Unfitting as unfitting:
        raise EditRefused("edit-layout", section=edit.section, name=edit.name) from unfitting
    if "\r\n" in text:
        cuts = [cut._replace(into=cut.into.replace("\r\n", "\n").replace("\n", "\r\n")) for cut in cuts]
    found = made(text, cuts)
    try:
        node = composed(found)
        right = node is not None and same(plain(node), wanted)
    except (yaml.YAMLError, PolicyInvalid, ValueError):
        right = False
    if not right:
        raise EditRefused("edit-layout", section=edit.section, name=edit.name)
    return found


def _read(text: str) -> Any:
    try:
        root = composed(text)
    except (yaml.YAMLError, PolicyInvalid) as error:
        raise EditRefused("edit-yaml") from error
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise EditRefused("edit-yaml")
    return root


def _cuts(text: str, root: yaml.MappingNode | None, edit: Edit) -> list[Cut]:
    pair = None if root is None else pair_of(root, edit.section)
    if root is None or pair is None:
        if edit.value is msgspec.UNSET:
            return []
        return section_added(text, root, section=edit.section, value=_new(edit))
    aliased = shared(root)
    if aliased and any(id(each) in aliased for each in (pair[1], *(pair[1].value or ()))):
        raise Unfitting
    if edit.kind == "set":
        return _set(text, root, pair, edit)
    if edit.kind == "add":
        return inserted(text, pair, value=edit.value, after=_place(pair[1], edit))
    index = index_of(pair[1], edit.name)
    if index is None:
        raise NotThere("edit-name", edit.name)
    if edit.kind == "remove":
        return dropped(text, pair, index=index)
    if edit.kind == "replace":
        return put(text, pair[1].value[index], edit.value, flow=flowing(pair[1]))
    return moved(text, pair, index=index, after=_place(pair[1], edit))


def _set(text: str, root: yaml.MappingNode, pair: Pair, edit: Edit) -> list[Cut]:
    steps = (*((edit.name,) if edit.name else ()), *edit.path)
    if not steps and edit.value is msgspec.UNSET:
        return put(text, root, edit.value, path=(edit.section,))
    return put(text, pair[1], edit.value, path=steps, key=pair[0])


def _new(edit: Edit) -> object:
    """What a section holds that was not there before."""
    return [edit.value] if edit.kind == "add" else nested(edit.path, edit.value)


def _place(sequence: yaml.Node, edit: Edit) -> int:
    """The index of the item that another one is to stand behind; -1: of none."""
    if edit.after == "":
        return -1
    if edit.after is None:
        return len(sequence.value or ()) - 1
    found = index_of(sequence, edit.after)
    if found is None:
        raise NotThere("edit-after", edit.after)
    return found
