"""Where the parts of a policy's text stand, to the character: what edits cut at."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import yaml

from gateway.adapters.policy_files import FAST, see_depth

KEYS: Final = ("name", "id", "version", "method")
"""What tells the elements of a list from each other, where they have one of these."""
_DASH: Final = re.compile(r"[ ]*-(?=\s|$)")
_COMMENT: Final = re.compile(r"([ ]*)#")
Pair = tuple[yaml.Node, yaml.Node]


class Unfitting(Exception):
    """The text is laid out in a way that no edit can be made in without harm. Whoever edits must do it in the text."""


def composed(text: str) -> yaml.Node | None:
    """The text as nodes; `None` where it holds nothing.

    Raises:
        PolicyInvalid: it is nested too deeply.
        yaml.YAMLError: it is no YAML.
    """
    see_depth(text)
    return yaml.compose(text, Loader=FAST)


def plain(node: yaml.Node) -> Any:
    """The plain data of a node. Changes nodes that use merge keys."""
    return yaml.SafeLoader("").construct_document(node)


def pair_of(mapping: yaml.Node, key: str) -> Pair | None:
    """Key and value of a mapping; `None` where it has no such key."""
    pairs = mapping.value if isinstance(mapping, yaml.MappingNode) else ()
    return next((pair for pair in pairs if pair[0].value == key), None)


def index_of(sequence: yaml.Node, name: str) -> int | None:
    """The place in a list of what has that name, id, version or method."""
    for index, item in enumerate(sequence.value if isinstance(sequence, yaml.SequenceNode) else ()):
        for key in KEYS:
            pair = pair_of(item, key)
            if pair is not None:
                if pair[1].value == name:
                    return index
                break
    return None


def end_of(node: yaml.Node, text: str) -> int:
    """Where the last character of a node ends: without comments and lines behind it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        parts = last if isinstance(last, tuple) else (last,)
        return max(end_of(part, text) for part in parts)
    end = int(node.end_mark.index)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        start = int(node.start_mark.index)
        header = text[start : text.find("\n", start) + 1]
        return end if "+" in header else start + len(text[start:end].rstrip())
    return end


def line_start(text: str, at: int) -> int:
    """Where the line begins that a character stands in."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Where the next line begins, or the text ends; `at` itself where it is the beginning of a line already."""
    if at and text[at - 1] == "\n":
        return at
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def dash_of(item: yaml.Node, text: str, *, from_: int) -> tuple[int, int]:
    """Where the line begins that an item's dash stands in, and the dash's column; no line before `from_` is looked at.

    Raises:
        Unfitting: something else stands before it on its line.
    """
    at = line_start(text, int(item.start_mark.index))
    while at >= from_:
        dash = _DASH.match(text, at)
        if dash:
            return at, len(dash[0]) - 1
        if at == 0:
            break
        at = line_start(text, at - 1)
    raise Unfitting


def regions(sequence: yaml.SequenceNode, text: str, *, after: int) -> list[tuple[int, int]]:
    """The lines of each item of a list over several lines: with the comments right above its dash, and those within.

    `after` is where the list's own key ends.
    """
    found: list[tuple[int, int]] = []
    floor = line_end(text, after)
    for item in sequence.value:
        start, column = dash_of(item, text, from_=floor)
        while start > floor and _commented(text, line_start(text, start - 1)) == column:
            start = line_start(text, start - 1)
        end = line_end(text, end_of(item, text))
        while end < len(text) and _commented(text, end) > column:
            end = line_end(text, end + 1)
        found.append((start, end))
        floor = end
    return found


def _commented(text: str, at: int) -> int:
    """The column of the comment that is all of a line; -1 where there is none."""
    comment = _COMMENT.match(text, at)
    return len(comment[1]) if comment else -1


def shared(root: yaml.Node) -> frozenset[int]:
    """The ids of all nodes that stand in several places, by aliases."""
    seen: set[int] = set()
    twice: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting += node
        elif id(node) in seen:
            twice.add(id(node))
        else:
            seen.add(id(node))
            if isinstance(node, yaml.CollectionNode):
                waiting += node.value
    return frozenset(twice)


def nested(path: Sequence[str], value: object) -> object:
    """The value below mappings of one key each."""
    for step in reversed(path):
        value = {step: value}
    return value


def same(one: object, two: object) -> bool:
    """Whether both are the same plain data; what is no plain data is like nothing."""
    try:
        return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(two, order="sorted")
    except (TypeError, ValueError):
        return False
