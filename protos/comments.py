"""Writes what our contracts say of each symbol, by its full name, as JSON: generated stubs do not keep comments.

python comments.py IMAGE OUT
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from google.protobuf import descriptor_pb2

_OURS: Final = "pilote."
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6  # field numbers in FileDescriptorProto
_FIELD, _NESTED, _NESTED_ENUM = 2, 3, 4  # and in DescriptorProto
_INNER: Final = 2  # methods of a service, values of an enum


def main(image: str, out: str) -> None:
    """Read a descriptor set with source info."""
    files = descriptor_pb2.FileDescriptorSet.FromString(Path(image).read_bytes()).file
    found = {name: text for file in files if file.package.startswith(_OURS) for name, text in _said(file)}
    Path(out).write_text(json.dumps(found, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def _said(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        name = _name(file, location.path)
        text = " ".join(location.leading_comments.split())
        if name and text:
            yield name, text


def _name(file: descriptor_pb2.FileDescriptorProto, path: Sequence[int]) -> str:
    """Full name of what stands at the path; empty for what has none, such as an option."""
    if len(path) < 2 or len(path) % 2:
        return ""
    parts: dict[int, Any] = {_MESSAGE: file.message_type, _ENUM: file.enum_type, _SERVICE: file.service}
    names = [file.package]
    for kind, index in zip(path[::2], path[1::2], strict=True):
        if kind not in parts:
            return ""
        found = parts[kind][index]
        names.append(found.name)
        parts = _parts(found)
    return ".".join(names)


def _parts(found: Any) -> dict[int, Any]:
    if isinstance(found, descriptor_pb2.DescriptorProto):
        return {_FIELD: found.field, _NESTED: found.nested_type, _NESTED_ENUM: found.enum_type}
    if isinstance(found, descriptor_pb2.ServiceDescriptorProto):
        return {_INNER: found.method}
    return {_INNER: found.value} if isinstance(found, descriptor_pb2.EnumDescriptorProto) else {}


if __name__ == "__main__":
    main(*sys.argv[1:])
