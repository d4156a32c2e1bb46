"""What a draft's text lists, section by section, told from the text alone: it need not be a good policy."""

from typing import Any

import msgspec
import yaml

from gateway.adapters.policy_files import FAST, see_depth
from gateway.core.policy.document import Document
from gateway.core.revision.decode import PolicyInvalid
from services.control.drafts.layout import composed, index_of, pair_of, plain

_TOLD = ("description", "effect", "mode", "when", "max", "rate", "window", "version", "title")
"""Fields that a list of parts shows, where they are plain values."""


class Outlined(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a section."""

    name: str
    index: int
    line: int
    """From 1."""
    told: dict[str, str] = {}
    """Some of its fields, by name."""

    def holds(self, words: str) -> bool:
        """Whether each of these words is in its name or fields."""
        text = " ".join((self.name, *self.told.values())).lower()
        return all(word in text for word in words.lower().split())


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What a text lists."""

    sections: dict[str, tuple[Outlined, ...]] = {}
    readable: bool = True
    """Whether it is YAML; else nothing is known."""

    def count(self, section: str) -> int:
        """How many parts a section has."""
        return len(self.sections.get(section, ()))


def outlined(text: str) -> Outline:
    """The parts of all sections that list several, and sections that are one thing as one part without a name."""
    sections: dict[str, list[Outlined]] = {}
    try:
        see_depth(text)
        _Walk(sections).over(yaml.parse(text, Loader=FAST))
    except (yaml.YAMLError, PolicyInvalid):
        return Outline(readable=False)
    known = {name: tuple(parts) for name, parts in sections.items() if name in Document.__struct_encode_fields__}
    return Outline(sections=known)


class _Walk:
    """Reads events, which takes a third of the time that nodes take.

    By depth: 0 is the document's mapping, 1 a section's list, 2 a part's mapping.
    """

    def __init__(self, sections: dict[str, list[Outlined]]) -> None:
        self._sections = sections
        self._mappings: list[bool] = []
        self._keys: list[str | None] = []
        """In each mapping that is open: the key whose value comes; `None`: a key comes."""
        self._part: dict[str, str] = {}
        self._line = 0

    def over(self, events: Any) -> None:
        """Fill the sections."""
        for event in events:
            if isinstance(event, yaml.CollectionStartEvent):
                line = event.start_mark.line + 1 if event.start_mark else 0
                self._begins(mapping=isinstance(event, yaml.MappingStartEvent), line=line)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._ends()
            elif self._mappings and self._mappings[-1]:
                if isinstance(event, yaml.ScalarEvent):
                    self._says(event.value)
                elif isinstance(event, yaml.AliasEvent):
                    self._keys[-1] = None

    def _begins(self, *, mapping: bool, line: int) -> None:
        depth = len(self._mappings)
        if depth == 2 and mapping and self._lists:
            self._part, self._line = {}, line
        elif depth == 1 and mapping and self._keys[0] is not None:
            self._sections.setdefault(self._keys[0], []).append(Outlined(name="", index=0, line=line))
        self._mappings.append(mapping)
        self._keys.append(None)

    def _ends(self) -> None:
        mapping = self._mappings.pop()
        self._keys.pop()
        if len(self._mappings) == 2 and mapping and self._lists:
            parts = self._sections.setdefault(self._keys[0] or "", [])
            told = {name: self._part[name][:300] for name in _TOLD if name in self._part}
            parts.append(Outlined(name=self._part.get("name", ""), index=len(parts), line=self._line, told=told))
        if self._mappings and self._mappings[-1]:
            self._keys[-1] = None

    def _says(self, text: str) -> None:
        key = self._keys[-1]
        if key is None:
            self._keys[-1] = text
            return
        if len(self._mappings) == 3 and self._lists:
            self._part[key] = text
        self._keys[-1] = None

    @property
    def _lists(self) -> bool:
        """Whether what is open is within a section's list."""
        return self._mappings[0] and not self._mappings[1]


def part_of(text: str, section: str, name: str) -> Any:
    """The plain data of one part of a text, or of a section that is one thing; `None` where there is none."""
    try:
        root = composed(text)
        pair = None if root is None else pair_of(root, section)
        if pair is None:
            return None
        node: Any = pair[1]
        if name:
            index = index_of(node, name)
            if index is None:
                return None
            node = node.value[index]
        return plain(node)
    except (yaml.YAMLError, PolicyInvalid, ValueError):
        return None
