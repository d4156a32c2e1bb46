"""Policy files: YAML with line numbers, and the files it takes descriptor sets and key sets from."""

import base64
import json
from pathlib import Path as FilePath
from typing import Any, Final

import yaml

from gateway.core.revision.decode import Mistake, Mistakes, Path, PolicyInvalid

MAX_NODES: Final = 1_000_000
"""Most values in one file; ends what aliases of aliases would blow up."""


def read(path: FilePath) -> tuple[object, dict[Path, int]]:
    """The file's data, with referenced files embedded, and the line of each path.

    Raises:
        PolicyInvalid: when it is no YAML or no UTF-8, repeats a key, or refers to a file that cannot be read.
        OSError: when the file itself cannot be read.
    """
    text = _text(path.read_bytes())
    lines: dict[Path, int] = {}
    mistakes = Mistakes(lines)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = _Reader(lines, mistakes).value(node, ()) if node is not None else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "is no YAML"
        raise PolicyInvalid((Mistake("(document)", problem, "mend the YAML", mark.line + 1 if mark else 0),)) from error
    except RecursionError as error:
        fix = "nest less; an alias may not stand inside its own anchor"
        raise PolicyInvalid((Mistake("(document)", "is nested too deeply", fix),)) from error
    _embed(data, path.parent, mistakes)
    mistakes.raise_if_any()
    return data, lines


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyInvalid((Mistake("(document)", "is no UTF-8", "save the file as UTF-8", line),)) from error


class _Reader:
    """Turns YAML nodes into plain data and notes where each value stands."""

    def __init__(self, lines: dict[Path, int], mistakes: Mistakes) -> None:
        self._lines = lines
        self._mistakes = mistakes
        self._scalars = yaml.SafeLoader("")
        self._nodes = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The plain data of a node."""
        self._lines[path] = node.start_mark.line + 1
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise PolicyInvalid((Mistake("(document)", f"has more than {MAX_NODES} values", "use fewer aliases"),))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError, LookupError, AttributeError):  # all of them, for "2026-13-01", "!x y", "="
            problem = f"the value {str(node.value)[:40]!r} cannot be read"
            self._mistakes.add(path, problem, fix="put it in quotes if it is meant as text")
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(getattr(key_node, "value", ""))
            value = self.value(value_node, (*path, key))
            if key in found:
                fix = "keep one of them, or make them one list"
                self._mistakes.add((*path, key), f"the field {key!r} stands here twice", fix=fix)
            found[key] = value
        return found


def _embed(data: object, folder: FilePath, mistakes: Mistakes) -> None:
    """Replace `descriptor_set_file` and `jwks_file` by what is in those files."""
    if not isinstance(data, dict):
        return
    for section, field in (("contracts", "descriptor_set"), ("issuers", "jwks")):
        parts = data.get(section)
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, dict) and f"{field}_file" in part:
                path: Path = (section, index, f"{field}_file")
                name = str(part.pop(f"{field}_file"))
                try:
                    content = (folder / name).read_bytes()
                    part[field] = json.loads(content) if field == "jwks" else base64.b64encode(content).decode()
                except (OSError, ValueError, RecursionError):
                    mistakes.add(path, f"the file {name!r} cannot be read", fix="name a file beside the policy file")
