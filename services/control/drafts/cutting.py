"""The cuts that make an edit in a policy's text: what goes out where, and what comes in."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import yaml

from gateway.core.policy.document import Document
from services.control.drafts.layout import (
    Pair,
    Unfitting,
    end_of,
    index_of,
    line_end,
    nested,
    pair_of,
    plain,
    regions,
    same,
)
from services.control.drafts.meaning import NotThere, name_of
from services.control.drafts.rendering import block, inline, keyed, quoted, shifted, under

_ORDER: Final = Document.__struct_encode_fields__


class Cut(NamedTuple):
    """What stands from `start` to before `end` goes, `into` comes."""

    start: int
    end: int
    into: str = ""


Cuts = list[Cut]


def flowing(node: yaml.Node) -> bool:
    """Whether a node stands within brackets of its own."""
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def made(text: str, cuts: Sequence[Cut]) -> str:
    """The text with all cuts made, none of which touches another."""
    for cut in sorted(cuts, reverse=True):
        text = text[: cut.start] + cut.into + text[cut.end :]
    return text


def section_added(text: str, root: yaml.MappingNode | None, *, section: str, value: object) -> Cuts:
    """A section that was not there yet: behind those that come before it."""
    if root is None or not root.value:
        return [Cut(len(text), len(text), _fed(text, len(text)) + keyed(section, value))]
    if root.flow_style:
        return _key_added(text, root, section, value)
    place = _ORDER.index(section)
    before = [pair for pair in root.value if pair[0].value in _ORDER and _ORDER.index(pair[0].value) < place]
    if not before:
        return [
            Cut(int(root.value[0][0].start_mark.index), int(root.value[0][0].start_mark.index), keyed(section, value))
        ]
    at = max(line_end(text, max(end_of(key, text), end_of(part, text))) for key, part in before)
    return [Cut(at, at, _fed(text, at) + "\n" + keyed(section, value))]


def inserted(text: str, pair: Pair, *, value: object, after: int) -> Cuts:
    """An item put into a section's list, behind the one of that index; -1: before all."""
    key, items = pair
    if not items.value or not isinstance(items, yaml.SequenceNode):
        colon = _colon(text, key)
        return [Cut(colon, end_of(items, text), shifted(f"\n{block([value])}", 2).removesuffix("\n"))]
    if flowing(items) or not isinstance(items, yaml.SequenceNode):
        return [_into_flow(items, inline(value), after=after)]
    places = regions(items, text, after=_colon(text, key))
    at = places[after][1] if after >= 0 else places[0][0]
    column = _dash_column(text, items.value[0])
    return [Cut(at, at, _fed(text, at) + " " * column + shifted(block([value]), column))]


def dropped(text: str, pair: Pair, *, index: int) -> Cuts:
    """An item taken out of a section's list."""
    key, items = pair
    if flowing(items) or not isinstance(items, yaml.SequenceNode):
        return [_out_of_flow(items, text, index=index)]
    start, end = regions(items, text, after=_colon(text, key))[index]
    cuts = [Cut(start, end)]
    if len(items.value) == 1:
        colon = _colon(text, key)
        cuts.append(Cut(colon, colon, " []"))
    return cuts


def moved(text: str, pair: Pair, *, index: int, after: int) -> Cuts:
    """An item put to another place of its list, with the comments that stand right above it."""
    key, items = pair
    if after in (index, index - 1):
        return []
    if flowing(items) or not isinstance(items, yaml.SequenceNode):
        item = items.value[index]
        own = text[int(item.start_mark.index) : end_of(item, text)]
        return [_out_of_flow(items, text, index=index), _into_flow(items, own, after=after)]
    places = regions(items, text, after=_colon(text, key))
    start, end = places[index]
    own = text[start:end] if text[start:end].endswith("\n") else f"{text[start:end]}\n"
    at = places[after][1] if after >= 0 else places[0][0]
    return [Cut(start, end), Cut(at, at, _fed(text, at) + own)]


def put(
    text: str,
    node: yaml.Node,
    value: object,
    *,
    path: Sequence[str] = (),
    key: yaml.Node | None = None,
    flow: bool = False,
) -> Cuts:
    """Another value in place of a node, or of what lies below it at `path`; UNSET takes that out.

    `key` is the node's own, where it is the value of one; `flow`: it stands within brackets.
    """
    for place, step in enumerate(path):
        flow = flow or flowing(node)
        if isinstance(node, yaml.SequenceNode):
            index = index_of(node, step)
            if index is None:
                raise NotThere("edit-name", step)
            key, node = None, node.value[index]
            continue
        pair = pair_of(node, step)
        if pair is None:
            if value is msgspec.UNSET:
                return []
            return _key_added(text, node, step, nested(path[place + 1 :], value))
        if value is msgspec.UNSET and place == len(path) - 1:
            return _key_dropped(text, node, step)
        key, node = pair
    return _changed(text, node, value, key=key, flow=flow)


def _changed(text: str, node: yaml.Node, value: object, *, key: yaml.Node | None, flow: bool) -> Cuts:
    """Field by field, as deep as both are of one shape, so that what stays the same is not written anew."""
    if same(plain(node), value):
        return []
    if isinstance(node, yaml.MappingNode) and isinstance(value, Mapping) and node.value and value:
        cuts = _fields_changed(text, node, value, flow=flow or flowing(node))
        if cuts is not None:
            return cuts
    if isinstance(node, yaml.SequenceNode) and isinstance(value, list):
        names = [name_of(plain(item)) for item in node.value]
        if names and None not in names and names == [name_of(item) for item in value]:
            pairs = zip(node.value, value, strict=True)
            within = flow or flowing(node)
            return [cut for item, its in pairs for cut in _changed(text, item, its, key=None, flow=within)]
    return [_whole(text, node, value, key=key, flow=flow)]


def _fields_changed(text: str, node: yaml.MappingNode, value: Mapping[Any, Any], *, flow: bool) -> Cuts | None:
    """`None` where it is better written anew: what goes touches something else that goes or comes."""
    there = {key.value: (key, part) for key, part in node.value}
    going, coming = [name for name in there if name not in value], [name for name in value if name not in there]
    first = node.value[0][0].value
    if first in going or (node.flow_style and len(going) + len(coming) > 1):
        return None
    cuts = [cut for name in going for cut in _key_dropped(text, node, name)]
    for name, (key, part) in there.items():
        if name in value:
            cuts += _changed(text, part, value[name], key=key, flow=flow)
    if coming:
        added = [_key_added(text, node, name, value[name])[0] for name in coming]
        cuts.append(Cut(added[0].start, added[0].end, "".join(cut.into for cut in added)))
    return cuts


def _whole(text: str, node: yaml.Node, value: object, *, key: yaml.Node | None, flow: bool) -> Cut:
    start, end = int(node.start_mark.index), end_of(node, text)
    if flow:
        return Cut(start, end, inline(value))
    if isinstance(node, yaml.ScalarNode) and node.style in ("'", '"') and isinstance(value, str) and "\n" not in value:
        return Cut(start, end, quoted(value, node.style))
    if key is not None:
        colon = _colon(text, key)
        return Cut(colon, end, under("k", value, column=int(key.start_mark.column))[2:])
    return Cut(start, end, shifted(block(value), int(node.start_mark.column)).removesuffix("\n").removesuffix("\n..."))


def _key_added(text: str, node: yaml.Node, name: str, value: object) -> Cuts:
    if not isinstance(node, yaml.MappingNode):
        raise Unfitting
    if not node.value or flowing(node):
        at = end_of(node.value[-1][1], text) if node.value else int(node.start_mark.index) + 1
        into = inline({name: value})[1:-1]
        return [Cut(at, at, f", {into}" if node.value else into)]
    at = line_end(text, end_of(node, text))
    column = int(node.value[0][0].start_mark.column)
    return [Cut(at, at, _fed(text, at) + " " * column + under(name, value, column=column) + "\n")]


def _key_dropped(text: str, node: yaml.Node, name: str) -> Cuts:
    places = [(int(key.start_mark.index), max(end_of(key, text), end_of(part, text))) for key, part in node.value]
    index = next(index for index, pair in enumerate(node.value) if pair[0].value == name)
    if flowing(node):
        return [_out(places, index=index)]
    start, end = places[index]
    if index == 0:
        if len(places) == 1:
            raise Unfitting
        return [Cut(start, places[1][0])]
    return [Cut(start - int(node.value[index][0].start_mark.column), line_end(text, end))]


def _into_flow(items: yaml.Node, into: str, *, after: int) -> Cut:
    if after < 0:
        at = int(items.value[0].start_mark.index)
        return Cut(at, at, f"{into}, ")
    at = int(items.value[after].end_mark.index)
    return Cut(at, at, f", {into}")


def _out_of_flow(items: yaml.Node, text: str, *, index: int) -> Cut:
    return _out([(int(item.start_mark.index), end_of(item, text)) for item in items.value], index=index)


def _out(places: Sequence[tuple[int, int]], *, index: int) -> Cut:
    """One of several things with commas between them, with one comma."""
    start, end = places[index]
    if index + 1 < len(places):
        return Cut(start, places[index + 1][0])
    return Cut(places[index - 1][1] if index else start, end)


def _dash_column(text: str, item: yaml.Node) -> int:
    at = text.rfind("\n", 0, int(item.start_mark.index)) + 1
    line = text[at : int(item.start_mark.index)]
    while "-" not in line:
        at = text.rfind("\n", 0, at - 1) + 1
        line = text[at : text.find("\n", at)]
    return line.index("-")


def _colon(text: str, key: yaml.Node) -> int:
    return text.index(":", int(key.end_mark.index)) + 1


def _fed(text: str, at: int) -> str:
    """A line feed, where what comes would not stand on a line of its own."""
    return "" if at == 0 or text[at - 1] == "\n" else "\n"
