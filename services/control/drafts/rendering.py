"""A policy, or a part of one, as text to read and edit: YAML in the order of its sections."""

import functools
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import yaml

from gateway.core.policy.document import Document

_SHORT: Final = 90
"""Longest mapping, in characters, that is written on one line."""
_WIDTH: Final = 1_000_000
"""No text is folded: what people search for stays on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes lists of plain values and short mappings on one line, and texts of several lines as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Lists stand two columns behind their key."""
        super().increase_indent(flow, False)  # noqa: FBT003

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """No aliases: the same value is written again."""
        return True


def _mapping(dumper: yaml.SafeDumper, data: Mapping[Any, Any]) -> yaml.Node:
    node = dumper.represent_mapping("tag:yaml.org,2002:map", data.items())
    node.flow_style = bool(data) and all(map(_plain, data.values())) and len(repr(dict(data))) <= _SHORT
    return node


def _sequence(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.Node:
    node = dumper.represent_sequence("tag:yaml.org,2002:seq", data)
    node.flow_style = all(map(_plain, data)) and len(repr(data)) <= 2 * _SHORT
    return node


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


def _plain(value: Any) -> bool:
    return not isinstance(value, dict | list) and not (isinstance(value, str) and "\n" in value)


class _Keyed(dict[str, object]):
    """A mapping that is written over several lines however short it is."""


_Dumper.add_representer(
    _Keyed, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=False)
)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(list, _sequence)
_Dumper.add_representer(str, _text)


class _Flow(yaml.SafeDumper):
    """Writes everything on one line."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """No aliases: the same value is written again."""
        return True


_Flow.add_representer(
    str,
    lambda dumper, data: dumper.represent_scalar("tag:yaml.org,2002:str", data, style='"' if "\n" in data else None),
)


def as_text(document: Document) -> str:
    """A whole policy, one section after the other with a line between them; sections that say nothing are left out.

    Reading it gives the document again.
    """
    sections = msgspec.json.decode(msgspec.json.encode(document), type=dict[str, msgspec.Raw])
    return "\n".join(_section(name, bytes(value)) for name, value in sections.items())


def _section(name: str, value: bytes) -> str:
    """A section, part by part: most parts of a policy are those of the one before it, and a part takes 1 ms."""
    if not value.startswith(b"[{"):
        return keyed(name, msgspec.json.decode(value))
    parts = msgspec.json.decode(value, type=tuple[msgspec.Raw, ...])
    return f"{name}:\n" + "".join(part_text(bytes(part)) for part in parts)


@functools.lru_cache(maxsize=20_000)
def part_text(part: bytes) -> str:
    """One part of a list, given as JSON, as it stands in its section."""
    return "  " + shifted(block([msgspec.json.decode(part)]), 2)


def keyed(key: str, value: object) -> str:
    """A key and its value over as many lines as it needs, ended by a line feed."""
    return block(_Keyed({key: value}))


def block(value: object) -> str:
    """A value over as many lines as it needs, ended by a line feed."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def inline(value: object) -> str:
    """A value on one line, as it may stand within brackets."""
    text = yaml.dump([value], Dumper=_Flow, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=True)
    return text.removesuffix("\n")[1:-1]


def quoted(value: str, quote: str) -> str:
    """A text in these quotes, on one line as long as it has no line feed."""
    return yaml.dump(value, Dumper=_Flow, default_style=quote, allow_unicode=True, width=_WIDTH).removesuffix("\n")


def under(key: str, value: object, *, column: int) -> str:
    """A key in that column with its value, as it follows on the line's indentation; without a line feed at the end."""
    return shifted(keyed(key, value), column).removesuffix("\n")


def shifted(text: str, column: int) -> str:
    """A text of several lines with all but the first one moved to the right."""
    return text.replace("\n", "\n" + " " * column).removesuffix(" " * column) if column else text
