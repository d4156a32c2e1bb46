"""Policy files: YAML with line numbers, the packs it is made of, and the files it takes other things from."""

import base64
import datetime as dt
import hashlib
import json
from pathlib import Path as FilePath
from typing import Any, Final

import msgspec
import yaml

from gateway.adapters.yaml_mistakes import yaml_mistake
from gateway.core.mistakes import near, one_of, told
from gateway.core.revision.decode import Lines, Mistake, Mistakes, Path, PolicyInvalid
from gateway.core.revision.packs import Pack, merge, pack_of
from gateway.packs.shipped import shipped

MAX_NODES: Final = 1_000_000
"""Most values in one file; ends what aliases of aliases would blow up."""

MAX_DEPTH: Final = 100
"""Deepest nesting of a text that is read fast; a policy has some ten levels."""

FAST: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Five times as fast where PyYAML was built with libyaml; what it says of mistakes is a little shorter."""

_WHOLE: Final = "(document)"
_MERGED: Final = {"name", "version", "sha256"}
"""How a policy names a pack whose parts stand in it already, as `pilote revisions show` prints it."""


def read(path: FilePath) -> tuple[object, Lines]:
    """The file's data, with referenced files embedded and packs merged in, and the line of each path.

    Raises:
        PolicyInvalid: when it is no YAML or no UTF-8, repeats a key, or refers to a file or pack that cannot be read.
        OSError: when the file itself cannot be read.
    """
    lines = Lines()
    mistakes = Mistakes(lines)
    data = _parsed(path.read_bytes(), lines, mistakes)
    _embed(data, path.parent, mistakes)
    mistakes.raise_if_any()
    if isinstance(data, dict) and isinstance(data.get("packs"), list):
        _include(data, lines, folder=path.parent)
    return data, lines


def read_text(text: str) -> tuple[object, Lines]:
    """The data of a policy that is no file, with packs merged in, and line and column of each path.

    It names no files: who may edit a policy may not read this machine's.

    Raises:
        PolicyInvalid: like `read`, and where it refers to a file.
    """
    lines = Lines()
    mistakes = Mistakes(lines)
    data = _parsed(text.encode(), lines, mistakes, loader=FAST, columns=lines.columns)
    _embed(data, None, mistakes)
    mistakes.raise_if_any()
    if isinstance(data, dict) and isinstance(data.get("packs"), list):
        _include(data, lines, folder=None)
    return data, lines


def read_pack(path: FilePath, *, label: str) -> Pack:
    """The pack in a file; mistakes name it by `label`.

    Raises:
        PolicyInvalid: it is no pack.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    lines: dict[Path, int] = {}
    mistakes = Mistakes(lines, file=label)
    try:
        data = _parsed(content, lines, mistakes)
        mistakes.raise_if_any()
    except PolicyInvalid as invalid:
        raise PolicyInvalid(tuple(msgspec.structs.replace(each, file=label) for each in invalid.mistakes)) from invalid
    return pack_of(data, lines, file=label, sha256=hashlib.sha256(content).hexdigest())


def _parsed(
    content: bytes,
    lines: dict[Path, int],
    mistakes: Mistakes,
    *,
    loader: Any = yaml.SafeLoader,
    columns: dict[Path, int] | None = None,
) -> Any:
    text = _text(content)
    try:
        if loader is not yaml.SafeLoader:
            see_depth(text)
        node = yaml.compose(text, Loader=loader)
        return _Reader(lines, mistakes, columns).value(node, ()) if node is not None else {}
    except yaml.YAMLError as error:
        what, line, column = yaml_mistake(error, text)
        raise PolicyInvalid((Mistake(_WHOLE, what, line, column=column),)) from error
    except RecursionError as error:
        raise PolicyInvalid((Mistake(_WHOLE, told("document-endless")),)) from error


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyInvalid((Mistake(_WHOLE, told("document-no-utf8"), line),)) from error


def see_depth(text: str) -> None:
    """See that a text is not nested so deeply that the fast reader, which has no bound of its own, ends the process.

    Raises:
        PolicyInvalid: it is.
        yaml.YAMLError: it is no YAML.
    """
    depth = 0
    for event in yaml.parse(text, Loader=FAST):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise PolicyInvalid((Mistake(_WHOLE, told("document-deep", most=MAX_DEPTH), line),))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Turns YAML nodes into plain data and notes where each value stands."""

    def __init__(self, lines: dict[Path, int], mistakes: Mistakes, columns: dict[Path, int] | None = None) -> None:
        self._lines = lines
        self._columns = columns
        self._mistakes = mistakes
        self._scalars = yaml.SafeLoader("")
        self._nodes = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The plain data of a node."""
        self._lines[path] = node.start_mark.line + 1
        if self._columns is not None:
            self._columns[path] = node.start_mark.column + 1
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise PolicyInvalid((Mistake(_WHOLE, told("document-large", most=MAX_NODES)),))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        try:
            value = self._scalars.construct_object(node)
            return str(node.value) if isinstance(value, dt.date) else value  # a policy has days as texts
        except (yaml.YAMLError, ValueError, LookupError, AttributeError):  # all of them, for "2026-13-01", "!x y", "="
            self._mistakes.add(path, "value-unreadable", value=str(node.value)[:40])
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(getattr(key_node, "value", ""))
            value = self.value(value_node, (*path, key))
            if key in found:
                self._mistakes.add((*path, key), "field-twice", name=key)
            found[key] = value
        return found


def _embed(data: object, folder: FilePath | None, mistakes: Mistakes) -> None:
    """Replace `descriptor_set_file` and `jwks_file` by what is in those files, which must not be without a folder."""
    if not isinstance(data, dict):
        return
    for section, field in (("contracts", "descriptor_set"), ("issuers", "jwks")):
        parts = data.get(section)
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, dict) and f"{field}_file" in part:
                path: Path = (section, index, f"{field}_file")
                name = str(part.pop(f"{field}_file"))
                if folder is None:
                    mistakes.add(path, "file-not-here", field=field)
                    continue
                try:
                    content = (folder / name).read_bytes()
                    part[field] = json.loads(content) if field == "jwks" else base64.b64encode(content).decode()
                except (OSError, ValueError, RecursionError):
                    mistakes.add(path, "file-unreadable", file=name)


def _include(data: dict[str, Any], lines: Lines, *, folder: FilePath | None) -> None:
    """Merge the packs that `packs` names, and leave there which they were."""
    mistakes = Mistakes(lines)
    found: list[Mistake] = []
    used: list[dict[str, Any]] = []
    for index, entry in enumerate(data["packs"]):
        at: Path = ("packs", index)
        if isinstance(entry, dict) and set(entry) == _MERGED:
            used.append(entry)
            continue
        try:
            pack = _pack(entry, at, folder=folder, mistakes=mistakes)
        except PolicyInvalid as invalid:
            found += invalid.mistakes
            continue
        if pack is None:
            continue
        name = pack.header.name
        if any(use["name"] == name for use in used):
            mistakes.add(at, "pack-twice", name=name)
            continue
        used.append({"name": name, "version": pack.header.version, "sha256": pack.sha256})
        merge(data, lines, pack=pack, at=at)
    data["packs"] = used
    try:
        mistakes.raise_if_any()
    except PolicyInvalid as invalid:
        found += invalid.mistakes
    if found:
        raise PolicyInvalid(tuple(sorted(found, key=lambda mistake: (mistake.file, mistake.line))))


def _pack(entry: object, at: Path, *, folder: FilePath | None, mistakes: Mistakes) -> Pack | None:
    """The pack that an entry names; `None` where that is a mistake, which is reported."""
    named = entry if isinstance(entry, dict) else {}
    if folder is None and "file" in named:
        mistakes.add((*at, "file"), "pack-not-here")
        return None
    if folder is not None and set(named) == {"file"} and isinstance(named["file"], str):
        label = str(folder / named["file"])
        try:
            return read_pack(folder / named["file"], label=label)
        except OSError:
            mistakes.add((*at, "file"), "pack-unreadable", file=named["file"])
            return None
    known = "name" in named and set(named) <= {"name", "version"}
    if not known or not all(isinstance(value, str) for value in named.values()):
        mistakes.add(at, "pack-entry")
        return None
    return _shipped(named, at, mistakes)


def _shipped(named: dict[str, str], at: Path, mistakes: Mistakes) -> Pack | None:
    name, version = named.get("name", ""), named.get("version", "")
    versions = {pack.version: pack for pack in shipped() if pack.name == name}
    if not versions:
        names = list(dict.fromkeys(pack.name for pack in shipped()))
        mistakes.add(at, "pack-unknown", name=name, hint=near(name, names, one_of(names, told("own-pack"))))
    elif version not in versions:
        code = "pack-version-unknown" if version else "pack-without-version"
        mistakes.add(at, code, name=name, version=version, versions=tuple(versions))
    else:
        return read_pack(versions[version].file, label=versions[version].label)
    return None
