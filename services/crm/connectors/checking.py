"""Whether a connector fits the contracts: its fields, methods, expressions, and how it logs in."""

import re
import string
from collections.abc import Iterator, Mapping
from typing import Final

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor as MessageDescriptor
from google.protobuf.descriptor import FieldDescriptor

from gateway.core.revision.decode import Mistakes, Path
from services.crm.connectors import network
from services.crm.connectors.contract import KINDS, OPERATIONS, REFERENCES, Operation, short_names
from services.crm.connectors.descriptor import Auth, Descriptor, Field, Method, Request, Resource
from services.crm.connectors.enrolling import VERBS
from services.crm.connectors.expressions import Expression, expressions_in

Resources = Mapping[str, tuple[Resource, Mapping[str, Field]]]

_OWN: Final = frozenset(("name", "etag"))
_UNUSED: Final = ("id", "id_header", "reads_after", "paging", "filtered")
"""Parts that say nothing of methods about one person in a journey: the answer has them, or nothing is read."""
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "none": (),
    "api_key": ("header", "secret"),
    "bearer": ("secret",),
    "basic": ("username", "secret"),
    "oauth2": ("token_url", "client_id", "client_secret"),
    "session": ("login",),
}
_SECRETS: Final = ("secret", "client_secret", "refresh_token")
_MAYBE_VARIABLES: Final = ("username", "client_id")
_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("text", "integer"),
    "a number": ("text", "integer", "hundredths"),
    "a time": ("rfc3339", "rfc2822", "date", "epoch_ms", "epoch_s"),
    "a span": ("seconds", "minutes"),
    "a list": ("text", "words"),
    "an enum": ("text",),
}


_NAMING: Final = ("reference", "reference_number")


def check(descriptor: Descriptor, resources: Resources, methods: Mapping[str, Method], mistakes: Mistakes) -> None:
    """Report everything that is wrong with a connector whose parts could be read."""
    _expressions(("failed",), f"={descriptor.failed}" if descriptor.failed else "", mistakes)
    for index, failure in enumerate(descriptor.failures):
        _expressions(("failures", index, "when"), f"={failure.when}" if failure.when else "", mistakes)
    _expressions(("headers",), descriptor.headers, mistakes)
    for name, secret in descriptor.secrets.items():
        if (secret.env is None) == (secret.file is None):
            mistakes.add(("secrets", name), "secret-one")
    for name, variable in descriptor.variables.items():
        try:
            re.compile(variable.pattern)
        except (re.error, OverflowError, RecursionError):  # Python raises those of too many repetitions, or levels
            mistakes.add(("variables", name, "pattern"), "pattern-wrong")
    _check_url(descriptor, descriptor.base_url, ("base_url",), mistakes)
    _check_auth(descriptor, mistakes)
    for word, (resource, fields) in resources.items():
        _check_resource(word, resource, fields, mistakes)
        _check_fixed(word, fields, descriptor.variables, mistakes)
    for name, method in methods.items():
        _check_method(OPERATIONS[name], method, resources, methods, mistakes)
    for word, (resource, fields) in resources.items():
        creates = next((name for name in (f"Create{word.title()}", f"Send{word.title()}") if name in methods), "")
        if creates:
            _check_required(word, resource, fields, mistakes)


def _check_url(descriptor: Descriptor, url: str, path: Path, mistakes: Mistakes) -> None:
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(url) if name is not None]
    except ValueError:
        mistakes.add(path, "url-wrong")
        return
    for name in names:
        if name not in descriptor.variables:
            mistakes.add(path, "variable-unknown", name=name)
    filled = re.sub(r"\{[^{}]*\}", "1", url)  # good as a label of a host, a port and a segment
    wrong = network.refused(filled, allow_private=True)
    if wrong:
        mistakes.add(path, wrong)


def _check_auth(descriptor: Descriptor, mistakes: Mistakes) -> None:
    auth = descriptor.auth
    needs = _NEEDS[auth.kind] + (("refresh_token",) if _refreshes(auth) else ())
    for name in needs:
        if not getattr(auth, name):
            mistakes.add(("auth", name), "auth-part", kind=auth.kind, name=name)
    for name in (*_SECRETS, *_MAYBE_VARIABLES):
        value = getattr(auth, name)
        known = {*descriptor.secrets, *(descriptor.variables if name in _MAYBE_VARIABLES else ())}
        if value and value not in known:
            mistakes.add(("auth", name), "secret-unknown", name=value)
    if auth.token_url:
        _check_url(descriptor, auth.token_url, ("auth", "token_url"), mistakes)
    if auth.login is not None:
        _expressions(("auth", "login", "token"), f"={auth.login.token}", mistakes)
        _expressions(("auth", "login", "body"), auth.login.body, mistakes)
        if not auth.login.path.startswith("/"):
            mistakes.add(("auth", "login", "path"), "path-slash")


def _refreshes(auth: Auth) -> bool:
    return auth.kind == "oauth2" and auth.grant == "refresh_token"


def _check_resource(word: str, resource: Resource, fields: Mapping[str, Field], mistakes: Mistakes) -> None:
    path: Path = ("resources", word)
    known = KINDS[word].kind.DESCRIPTOR.fields_by_name
    _expressions((*path, "id"), f"={resource.id}", mistakes)
    if resource.version is not None and "etag" not in known:
        mistakes.add((*path, "version"), "version-nowhere", word=word)
    if resource.version is not None and resource.version.path:
        _expressions((*path, "version", "path"), f"={resource.version.path}", mistakes)
    for index, name in enumerate(resource.ignored):
        if name not in known:
            mistakes.add(
                (*path, "ignored", index), "contract-field-unknown", word=word, name=name, choices=tuple(known)
            )
    for name, field in fields.items():
        at = (*path, "fields", name)
        if name not in known:
            mistakes.add(at, "contract-field-unknown", word=word, name=name, choices=tuple(known))
            continue
        if name in _OWN:
            mistakes.add(at, "field-by-service", name=name)
        if not field.path and not (field.read or field.write or field.fixed):
            mistakes.add(at, "field-nowhere", name=name)
        _check_form(known[name], field, at, mistakes)
        _expressions((*at, "read"), f"={field.read}" if field.read else "", mistakes)
        for target, text in field.write.items():
            _expressions((*at, "write", target), f"={text}", mistakes)


def _check_fixed(word: str, fields: Mapping[str, Field], variables: Mapping[str, object], mistakes: Mistakes) -> None:
    for name, field in fields.items():
        if field.fixed and field.fixed not in variables:
            mistakes.add(("resources", word, "fields", name, "fixed"), "variable-unknown", name=field.fixed)


def _check_form(known: FieldDescriptor, field: Field, at: Path, mistakes: Mistakes) -> None:
    kind = _kind(known)
    forms = (*_FORMS[kind], *(_NAMING if kind == "text" and known.name in REFERENCES else ()))
    if field.as_ not in forms or (field.fixed and kind != "text"):
        mistakes.add(at, "field-kind", name=known.name, kind=kind, form=field.as_, choices=forms)
    if known.enum_type is None:
        return
    names = tuple(short_names(known.enum_type).values())
    if not field.values:
        mistakes.add(at, "enum-values", name=known.name, example=f"{{{names[0]}: …}}")
    for value in field.values:
        if value not in names:
            mistakes.add((*at, "values", value), "enum-value-unknown", name=known.name, value=value, choices=names)


def _kind(known: FieldDescriptor) -> str:
    if known.enum_type is not None:
        return "an enum"
    if known.message_type is not None and known.message_type.name in ("Timestamp", "Duration"):
        return "a time" if known.message_type.name == "Timestamp" else "a span"
    if known.is_repeated:
        return "a list"
    return "text" if known.cpp_type == FieldDescriptor.CPPTYPE_STRING else "a number"


def _check_required(word: str, resource: Resource, fields: Mapping[str, Field], mistakes: Mistakes) -> None:
    for name in _required(KINDS[word].kind.DESCRIPTOR):
        if name not in fields and name not in resource.ignored:
            mistakes.add(("resources", word, "fields"), "field-required", name=name)


def _required(message: MessageDescriptor) -> Iterator[str]:
    for field in message.fields:
        if field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]:
            yield field.name


def _check_method(
    operation: Operation, method: Method, resources: Resources, methods: Mapping[str, Method], mistakes: Mistakes
) -> None:
    path: Path = ("methods", operation.name)
    if operation.word not in resources:
        mistakes.add(path, "method-resource", name=operation.name, word=operation.word)
    _check_requests(method, path, mistakes)
    if method.paging is not None and method.paging.style in ("cursor", "url") and not method.paging.next:
        mistakes.add((*path, "paging"), "paging-part", style=method.paging.style)
    if operation.verb in VERBS:
        for part in _UNUSED:
            if getattr(method, part):
                mistakes.add((*path, part), "method-part", name=operation.name, part=part)
    else:
        _check_reads(operation, method, resources, methods, mistakes)
    known = KINDS[operation.word].kind.DESCRIPTOR.fields_by_name
    wanted = known
    if operation.verb in VERBS or operation.verb == "List":
        wanted = operation.method.input_type.fields_by_name
    same = () if method.lookup is None else method.lookup.same
    for place, names, fields in (
        ("required", method.required, wanted), ("only", tuple(method.only), wanted), ("lookup", same, known),
    ):  # fmt: skip
        for name in names:
            if name not in fields:
                mistakes.add(
                    (*path, place), "contract-field-unknown", word=operation.word, name=name, choices=tuple(fields)
                )


def _check_reads(
    operation: Operation, method: Method, resources: Resources, methods: Mapping[str, Method], mistakes: Mistakes
) -> None:
    """See that what the method reads besides can be read."""
    path: Path = ("methods", operation.name)
    get = f"Get{operation.word.title()}"
    if get not in methods and (operation.verb == "Update" or method.id or method.reads_after):
        mistakes.add(path, "method-get", name=operation.name, get=get)
    if method.reads_references and operation.word in resources:
        for field in REFERENCES.keys() & resources[operation.word][1].keys():
            read = f"Get{REFERENCES[field].removesuffix('s').title()}"
            if read not in methods:
                mistakes.add((*path, "reads_references"), "method-get", name=operation.name, get=read)


def _check_requests(method: Method, path: Path, mistakes: Mistakes) -> None:
    for part in ("", "lookup", "filtered"):
        request: Request | None = getattr(method, part) if part else method
        if request is None:
            continue
        at = (*path, part) if part else path
        if not request.path.startswith("/"):
            mistakes.add((*at, "path"), "path-slash")
        for name in ("path", "query", "headers", "body"):
            _expressions((*at, name), getattr(request, name), mistakes)
    _expressions((*path, "answer"), f"={method.answer}", mistakes)
    if method.lookup is not None:
        _expressions((*path, "lookup", "answer"), f"={method.lookup.answer}", mistakes)
    _expressions((*path, "id"), f"={method.id}" if method.id else "", mistakes)
    if method.paging is not None:
        for name in ("next", "more"):
            text = getattr(method.paging, name)
            _expressions((*path, "paging", name), f"={text}" if text else "", mistakes)


def _expressions(path: Path, value: object, mistakes: Mistakes) -> None:
    for text in expressions_in(value):
        try:
            Expression(text)
        except ValueError:
            mistakes.add(path, "expression-wrong", text=text)
