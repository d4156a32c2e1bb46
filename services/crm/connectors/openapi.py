"""Whether a connector fits what the vendor's own OpenAPI file says: paths, parameters, and members of bodies."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Final

import msgspec
import yaml

from gateway.core.revision.decode import Mistakes, Path
from services.crm.connectors.descriptor import Request
from services.crm.connectors.reading import Loaded

MOST_BYTES: Final = 50_000_000
_HOLE: Final = re.compile(r"\{[^{}]*\}")
_MOST_NAMED: Final = 30
_DEEPEST: Final = 20

_Spec = Mapping[str, Any]


def compare(loaded: Loaded, files: Sequence[FilePath]) -> None:
    """Report where the connector says something that the vendor's schemas do not have, one of which is in each file.

    Raises:
        PolicyInvalid: with every mistake.
        OSError: a file cannot be read, or is no OpenAPI.
    """
    specs = [_read(file) for file in files]
    mistakes = Mistakes(loaded.lines)
    prefix = re.sub(r"^https?://[^/]*", "", loaded.descriptor.base_url).rstrip("/")
    for name, method in loaded.methods.items():
        for part in ("", "lookup", "filtered"):
            request: Request | None = getattr(method, part) if part else method
            if request is not None:
                _compare(specs, request, prefix, ("methods", name, *((part,) if part else ())), mistakes)
    mistakes.raise_if_any()


def _compare(specs: Sequence[_Spec], request: Request, prefix: str, path: Path, mistakes: Mistakes) -> None:
    wanted, verb = _HOLE.sub("{}", prefix + request.path), request.method.lower()
    found = next(((spec, item) for spec in specs for item in _items(spec, wanted) if verb in item), None)
    if found is None:
        mistakes.add((*path, "path"), "spec-path", method=request.method, path=request.path)
        return
    spec, item = found
    operation = item[verb]
    parameters = [_found(spec, each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    known = tuple(each["name"] for each in parameters if each.get("in") == "query")
    for name in request.query:
        if name not in known:
            mistakes.add((*path, "query", name), "spec-query", name=name, choices=known[:_MOST_NAMED])
    if isinstance(request.body, Mapping):
        content = _found(spec, operation.get("requestBody", {})).get("content", {})
        schema: Any = next((each.get("schema", {}) for each in content.values()), {})
        _compare_body(spec, request.body, schema, (*path, "body"), mistakes)


def _compare_body(spec: _Spec, body: Any, schema: Any, path: Path, mistakes: Mistakes) -> None:
    schema = _found(spec, schema)
    if isinstance(body, list):
        for index, each in enumerate(body):
            _compare_body(spec, each, schema.get("items", {}), (*path, index), mistakes)
        return
    members = dict(_members(spec, schema))
    if not isinstance(body, Mapping) or not members:
        return
    for name, value in body.items():
        if name in members:
            _compare_body(spec, value, members[name], (*path, name), mistakes)
        elif not schema.get("additionalProperties"):
            mistakes.add((*path, name), "spec-body", name=name, choices=tuple(members)[:_MOST_NAMED])
    for name in schema.get("required", ()):
        if name not in body:
            mistakes.add(path, "spec-required", name=name)


def _items(spec: _Spec, wanted: str) -> Iterator[Mapping[str, Any]]:
    """What the schema says of a path, behind whatever its servers have before it."""
    urls = [str(server.get("url", "")) for server in spec.get("servers") or () if isinstance(server, Mapping)]
    bases = {"", *(re.sub(r"^https?://[^/]*", "", url).rstrip("/") for url in urls)}
    for path, item in spec["paths"].items():
        if any(_HOLE.sub("{}", base + path) == wanted for base in bases):
            yield item


def _members(spec: _Spec, schema: Mapping[str, Any], deep: int = 0) -> Iterator[tuple[str, Any]]:
    yield from schema.get("properties", {}).items()
    if deep < _DEEPEST:
        for each in (*schema.get("allOf", ()), *schema.get("oneOf", ()), *schema.get("anyOf", ())):
            yield from _members(spec, _found(spec, each), deep + 1)


def _found(spec: _Spec, value: Any) -> Any:
    """What a reference within the file leads to. Others are not followed: nothing is fetched."""
    for _ in range(_DEEPEST):
        if not isinstance(value, Mapping) or not str(value.get("$ref", "")).startswith("#/"):
            break
        found: Any = spec
        for step in value["$ref"][2:].split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, Mapping) else {}
        value = found
    return value if isinstance(value, Mapping) else {}


def _read(file: FilePath) -> _Spec:
    content = file.read_bytes()
    if len(content) > MOST_BYTES:
        raise OSError("too large")
    try:
        spec = msgspec.json.decode(content) if content.lstrip()[:1] == b"{" else yaml.safe_load(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        raise OSError("neither JSON nor YAML") from error
    if not isinstance(spec, Mapping) or not isinstance(spec.get("paths"), Mapping):
        raise OSError("no OpenAPI")
    return spec
