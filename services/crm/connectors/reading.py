"""From a connector's file to what is known of it, with every mistake at once, each with its line and what to do."""

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Final, NamedTuple

import msgspec

from gateway.adapters.policy_files import read_text
from gateway.core.mistakes import told
from gateway.core.revision.decode import Mistake, Mistakes, Path, PolicyInvalid, part
from gateway.mistakes import saying
from services.crm.connectors.checking import check
from services.crm.connectors.contract import KINDS, OPERATIONS
from services.crm.connectors.descriptor import Descriptor, Field, Method, Resource, Secret, Variable
from services.crm.connectors.texts import MISTAKES

MOST_BYTES: Final = 1_000_000
VENDORS: Final = FilePath(__file__).parent / "vendors"
"""The files that come with Pilote, `{name}.yaml` each."""


class Loaded(NamedTuple):
    """A connector's file, read and checked."""

    descriptor: Descriptor
    resources: Mapping[str, tuple[Resource, Mapping[str, Field]]]
    """By word."""
    methods: Mapping[str, Method]
    """By name."""
    lines: Mapping[Path, int]


def load(file: FilePath) -> Loaded:
    """The connector in a file.

    Raises:
        PolicyInvalid: with every mistake.
        OSError: the file cannot be read.
    """
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError("the file is too large for a connector")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyInvalid((Mistake("(document)", told("document-no-utf8"), line),)) from error
    return read(text)


def read(text: str) -> Loaded:
    """The connector that a text describes.

    Raises:
        PolicyInvalid: with every mistake.
    """
    data, lines = read_text(text)
    mistakes = Mistakes(lines)
    if not isinstance(data, dict):
        part(Descriptor, data, (), mistakes)
        mistakes.raise_if_any()
    descriptor = part(Descriptor, data, (), mistakes)
    kinds: tuple[tuple[str, type[msgspec.Struct]], ...] = (("secrets", Secret), ("variables", Variable))
    named = {
        section: {
            name: part(kind, each, (section, name), mistakes) for name, each in getattr(descriptor, section).items()
        }
        for section, kind in kinds
    }
    descriptor = msgspec.structs.replace(descriptor, **named)
    loaded = Loaded(descriptor, _resources(descriptor, mistakes), _methods(descriptor, mistakes), lines)
    mistakes.stand_in()
    check(descriptor, loaded.resources, loaded.methods, mistakes)
    mistakes.raise_if_any()
    return loaded


def shipped(name: str) -> FilePath:
    """The file of that name: one of ours where there is one so called, else the path itself."""
    ours = VENDORS / f"{name}.yaml"
    return ours if "/" not in name and ours.is_file() else FilePath(name)


def words(mistake: Mistake, *, language: str) -> saying.Words:
    """What is wrong and how to mend it."""
    return saying.words(mistake, language=language, more=MISTAKES)


def _resources(descriptor: Descriptor, mistakes: Mistakes) -> dict[str, tuple[Resource, Mapping[str, Field]]]:
    found: dict[str, tuple[Resource, Mapping[str, Field]]] = {}
    for word, data in descriptor.resources.items():
        path: Path = ("resources", word)
        if word not in KINDS:
            mistakes.add(path, "kind-unknown", name=word, choices=tuple(KINDS))
            continue
        resource = part(Resource, data, path, mistakes)
        fields = {
            name: Field(path=each) if isinstance(each, str) else part(Field, each, (*path, "fields", name), mistakes)
            for name, each in resource.fields.items()
        }
        found[word] = (resource, fields)
    return found


def _methods(descriptor: Descriptor, mistakes: Mistakes) -> dict[str, Method]:
    found = {}
    for name, data in descriptor.methods.items():
        path: Path = ("methods", name)
        if name not in OPERATIONS:
            mistakes.add(path, "method-unknown", name=name, choices=tuple(OPERATIONS))
            continue
        found[name] = part(Method, data, path, mistakes)
    return found
