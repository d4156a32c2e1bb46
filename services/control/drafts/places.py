"""From places in a policy, and in its expressions, to places in its text."""

import re
from typing import Final

import yaml

_STEP: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def node_at(root: yaml.Node | None, path: str) -> yaml.Node | None:
    """The node at a path such as "rules[3].when"; `None` where there is none."""
    node = root
    for step in _STEP.finditer(path):
        if step[1] and isinstance(node, yaml.SequenceNode) and int(step[1]) < len(node.value):
            node = node.value[int(step[1])]
        elif step[2] and isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step[2]), None)
        else:
            return None
    return node


def in_expression(text: str, node: yaml.ScalarNode, *, line: int, column: int) -> tuple[int, int]:
    """Line and column, in the text, of a place in the expression that a node says; all count from 1."""
    first, start = node.start_mark.line + 1, node.start_mark.column + 1
    if node.style == "|":
        return first + line, _indent(text, node) + column
    if node.style == ">" or node.start_mark.line != node.end_mark.line or line > 1:
        return first, start  # folded: nobody can say on which line it stands without folding it again
    raw = text[int(node.start_mark.index) : int(node.end_mark.index)]
    return first, start + _raw_offset(raw, column - 1)


def _indent(text: str, node: yaml.ScalarNode) -> int:
    """The columns before the lines of a literal text."""
    at = text.find("\n", int(node.start_mark.index)) + 1
    content = text[at : int(node.end_mark.index)]
    lines = [each for each in content.split("\n") if each.strip()]
    return min((len(each) - len(each.lstrip(" ")) for each in lines), default=0)


def _raw_offset(raw: str, offset: int) -> int:
    """Where a character of a text stands in how it is written, quotes and escapes included."""
    quote = raw[:1] if raw[:1] in ("'", '"') else ""
    at = len(quote)
    for _ in range(offset):
        if quote == '"' and raw[at : at + 1] == "\\":
            at += {"x": 4, "u": 6, "U": 10}.get(raw[at + 1 : at + 2], 2)
        elif quote == "'" and raw[at : at + 2] == "''":
            at += 2
        else:
            at += 1
    return min(at, max(0, len(raw) - 1))
