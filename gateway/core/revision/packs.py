"""Policy packs: parts that many policies share, merged into a policy before it is decoded.

What is merged carries the pack's name before its own ("fr-telephone.hours"), so that no two parts ever clash by chance
and every refusal says where its rule comes from. The document keeps which packs it was made of, and their hash.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

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
    told = data if isinstance(data, dict) else {}
    header = part(PackHeader, told.get("pack"), ("pack",), mistakes)
    for name, value in told.items():
        if name == "pack":
            continue
        if name not in SECTIONS:
            near = difflib.get_close_matches(str(name), SECTIONS, n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"a pack may hold: {', '.join(SECTIONS)}"
            mistakes.add((str(name),), f"a pack holds no {str(name)!r}", fix=fix)
        elif not isinstance(value, list):
            mistakes.add((name,), "expected a list", fix="write a list here: each part on lines of its own after '- '")
    mistakes.raise_if_any()
    return Pack(
        header=header,
        sections={name: told[name] for name in SECTIONS if name in told},
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
        for index, told in enumerate(parts):
            place: Path = (section, len(into))
            into.append(_prefixed(told, pack.header.name))
            lines.origins[place] = (pack.file, (section, index))
            for path, line in pack.lines.items():
                if path[:2] == (section, index):
                    lines[(*place, *path[2:])] = line


def _prefixed(told: Any, pack: str) -> Any:
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        return told
    return {**told, "name": f"{pack}.{told['name']}"}
