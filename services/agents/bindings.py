"""Where each method is reached over HTTP: by its `google.api.http` annotations, and always by its full name."""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import MethodDescriptor

from services.agents.catalogue import Method
from services.agents.templates import Template, TemplateInvalid, template

ALL: Final = "*"
"""The body is the whole request."""

_log = logging.getLogger(__name__)


class Binding(msgspec.Struct, frozen=True, eq=False):
    """One way to reach a method."""

    method: Method
    verb: str
    """"GET", "POST"."""
    template: Template
    body: str
    """`ALL`, the field of the request that the body is, or empty where there is none."""
    response_body: str
    """The field of the response that is answered; empty for the whole of it."""
    annotated: bool = True
    """Whether the contract says so; else it is the way by the full name."""


class Match(msgspec.Struct, frozen=True):
    """A binding that a path has led to, and what the path says of fields."""

    binding: Binding
    fields: dict[str, str]


class Bindings:
    """All bindings of these methods. Of two that match a path the more specific one counts, then the first."""

    def __init__(self, methods: Sequence[Method]) -> None:
        self.all: Final = tuple(binding for method in methods for binding in bindings_of(method))
        self._by_shape: dict[tuple[str, int], list[Binding]] = {}
        self._by_name = {method.full_name: _named(method) for method in methods}
        for binding in sorted(self.all, key=lambda each: each.template.weight):
            self._by_shape.setdefault((binding.verb, binding.template.depth), []).append(binding)
        self._verbs = sorted({verb for verb, _ in self._by_shape})

    def find(self, verb: str, path: str) -> Match | None:
        """What this request is for; `path` is as it was sent, without its query.

        Raises:
            UnicodeDecodeError: the path is not UTF-8 once decoded.
        """
        depth = path.count("/")
        for shape in ((verb, depth), (verb, 0)):
            for binding in self._by_shape.get(shape, ()):
                fields = binding.template.match(path)
                if fields is not None:
                    return Match(binding, fields)
        named = self._by_name.get(path) if verb == "POST" else None
        return None if named is None else Match(named, {})

    def verbs(self, path: str) -> tuple[str, ...]:
        """The verbs that the path takes; empty where nothing is there.

        Raises:
            UnicodeDecodeError: the path is not UTF-8 once decoded.
        """
        found = tuple(verb for verb in self._verbs if self.find(verb, path) is not None)
        return found or (("POST",) if path in self._by_name else ())


def bindings_of(method: Method) -> Iterator[Binding]:
    """The bindings that the contract annotates, in its order; the one by the full name where it annotates none."""
    rule = http_rule(method.descriptor)
    rules = [] if rule is None else [rule, *rule.additional_bindings]
    found = False
    for each in rules:
        verb, path = _verb_and_path(each)
        try:
            parsed = template(path)
        except TemplateInvalid:
            _log.warning("a path of a contract cannot be read", extra={"method": method.full_name})
            continue
        found = True
        yield Binding(method, verb, parsed, each.body, each.response_body)
    if not found:
        yield _named(method)


def http_rule(descriptor: MethodDescriptor) -> http_pb2.HttpRule | None:
    """The annotation of a method; `None` where it has none."""
    # The pool of the catalogue does not know the extension's Python class; the bytes do not care.
    options = descriptor_pb2.MethodOptions.FromString(descriptor.GetOptions().SerializeToString())
    return options.Extensions[annotations_pb2.http] if options.HasExtension(annotations_pb2.http) else None


def _verb_and_path(rule: http_pb2.HttpRule) -> tuple[str, str]:
    kind = rule.WhichOneof("pattern") or "custom"
    if kind == "custom":
        return str(rule.custom.kind).upper(), str(rule.custom.path)
    return kind.upper(), str(getattr(rule, kind))


def _named(method: Method) -> Binding:
    return Binding(method, "POST", template(method.full_name), ALL, "", annotated=False)
