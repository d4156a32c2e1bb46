"""Policy packs: parts that many policies share, merged into a policy before it is decoded.

What is merged carries the pack's name before its own ("fr-telephone.hours"), so that no two parts ever clash by chance
and every refusal says where its rule comes from. The document keeps which packs it was made of, and their hash.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core.mistakes import near, told
from gateway.core.policy.document import PackHeader
from gateway.core.revision.decode import Lines, Mistakes, Path, part

SECTIONS: Final = ("rules", "limits", "caps", "quiet_hours", "consents")
"""What a pack may hold: nothing about who calls or where calls go."""


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A pack as it was read."""

    header: PackHeader
    sections: Mapping[str, Sequence[Any]]
    lines: Mapping[Path, int]
    file: str
    """How mistakes name its file."""
    sha256: str


def pack_of(data: object, lines: Mapping[Path, int], *, file: str, sha256: str) -> Pack:
    """The pack that a file describes; its parts are decoded with the policy they are merged into.

    Raises:
        PolicyInvalid: it is no pack. The mistakes name `file`.
    """
    mistakes = Mistakes(lines, file=file)
    given = data if isinstance(data, dict) else {}
    header = part(PackHeader, given.get("pack"), ("pack",), mistakes)
    for name, value in given.items():
        if name == "pack":
            continue
        if name not in SECTIONS:
            hint = near(str(name), SECTIONS, told("pack-sections", sections=SECTIONS))
            mistakes.add((str(name),), "pack-section", name=str(name), hint=hint)
        elif not isinstance(value, list):
            mistakes.add((name,), "pack-no-list")
    mistakes.raise_if_any()
    return Pack(
        header=header,
        sections={name: given[name] for name in SECTIONS if name in given},
        lines=lines,
        file=file,
        sha256=sha256,
    )


def merge(policy: dict[str, Any], lines: Lines, *, pack: Pack, at: Path) -> None:
    """Add a pack's parts to the policy's data; `at` is where the policy names the pack."""
    for section, parts in pack.sections.items():
        into = policy.setdefault(section, [])
        lines.setdefault((section,), lines.get(at, 0))
        if not isinstance(into, list):  # a mistake that decoding will tell
            continue
        for index, each in enumerate(parts):
            place: Path = (section, len(into))
            into.append(_prefixed(each, pack.header.name))
            lines.origins[place] = (pack.file, (section, index))
            for path, line in pack.lines.items():
                if path[:2] == (section, index):
                    lines[(*place, *path[2:])] = line


def _prefixed(each: Any, pack: str) -> Any:
    if not isinstance(each, dict) or not isinstance(each.get("name"), str):
        return each
    return {**each, "name": f"{pack}.{each['name']}"}
