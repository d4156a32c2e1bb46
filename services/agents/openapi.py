"""OpenAPI 3.1 of all that the REST front answers, from the descriptors that it transcodes by."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from google.rpc import status_pb2

from services.agents.bindings import ALL, Binding, Bindings
from services.agents.filling import OWN_FORM, is_map
from services.agents.schemas import Schema, Schemas, required_of
from services.agents.templates import Variable

_TITLE: Final = "Pilote"
_ABOUT: Final = (
    "The systems behind the gateway, by REST. Every call is governed like one over gRPC: it may be refused, held for a "
    "person or put off, and is recorded. `message` and `details` of an error say what to do; `retry-after` when."
)
_STATUS: Final = status_pb2.Status.DESCRIPTOR
_VERBS: Final = frozenset({"GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"})
_SECURITY: Final = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_HEADERS: Final = {
    "pilote-decision-id": "Names the decision on this call, such as for the audit service.",
    "ratelimit": "What is left of each limit that the call counts against.",
    "ratelimit-policy": "Those limits.",
}
_ERRORS: Final = {
    "400": "The request is not of its form, or something must happen first, such as a consent.",
    "401": "No valid credential.",
    "403": "Not allowed.",
    "404": "There is no such thing.",
    "405": "The path takes other verbs; `allow` says which.",
    "408": "The request took too long to arrive.",
    "409": "It exists already, has changed meanwhile, or the idempotency key is in use.",
    "413": "The body is too large.",
    "415": "The body is no JSON in UTF-8.",
    "429": "A limit or a cap is used up; `retry-after` says until when.",
    "499": "The call was cancelled.",
    "500": "Something went wrong, or nobody knows whether the call has acted.",
    "501": "There is no such method.",
    "503": "Something does not answer; retry.",
    "504": "The deadline has passed.",
}
_SINGULARS: Final = ((re.compile(r"ies$"), "y"), (re.compile(r"s$"), ""))


def openapi(bindings: Bindings, *, comments: Mapping[str, str], version: str) -> Schema:
    """The document; `version` is that of Pilote."""
    return _Document(comments).written(bindings.all, version)


class _Document:
    def __init__(self, comments: Mapping[str, str]) -> None:
        self._comments = comments
        self._found: dict[str, Schema] = {}
        self._waiting: list[tuple[Any, bool]] = []
        self._asked = Schemas(comments, self._refer_asked)
        self._answered = Schemas(comments, self._refer, asked=False)

    def written(self, bindings: Sequence[Binding], version: str) -> Schema:
        paths: dict[str, Schema] = {}
        seen: dict[str, int] = {}
        for binding in bindings:
            if binding.verb not in _VERBS:  # OpenAPI 3.1 has no word for others
                continue
            path, parameters = _path(binding)
            item = paths.setdefault(path, {})
            name = binding.method.descriptor.full_name
            seen[name] = seen.get(name, 0) + 1
            again = f"_{seen[name]}" if seen[name] > 1 else ""
            item.setdefault(binding.verb.lower(), self._operation(binding, parameters, name + again))
        error = self._refer(_STATUS)
        while self._waiting:
            kind, asked = self._waiting.pop()
            schemas = self._asked if asked else self._answered
            of = schemas.enum if _is_enum(kind) else schemas.message
            self._found[_name(kind, asked=asked)] = of(kind)
        return {
            "openapi": "3.1.0",
            "info": {"title": _TITLE, "version": version, "description": _ABOUT},
            "security": [{name: []} for name in _SECURITY],
            "tags": [
                {"name": name} | ({"description": text} if (text := self._comments.get(name, "")) else {})
                for name in sorted({_service(binding) for binding in bindings})
            ],
            "paths": paths,
            "components": {
                "schemas": dict(sorted(self._found.items())),
                "securitySchemes": _SECURITY,
                "responses": {
                    code: {"description": text, "content": {"application/json": {"schema": error}}}
                    for code, text in _ERRORS.items()
                },
            },
        }

    def _refer(self, kind: Any, *, asked: bool = False) -> Schema:
        name = _name(kind, asked=asked)
        if name not in self._found:
            self._found[name] = {}
            self._waiting.append((kind, asked))
        return {"$ref": f"#/components/schemas/{name}"}

    def _refer_asked(self, kind: Any) -> Schema:
        return self._refer(kind, asked=not (_is_enum(kind) or kind.full_name.startswith(OWN_FORM)))

    def _operation(self, binding: Binding, parameters: list[Schema], name: str) -> Schema:
        method = binding.method
        said: Schema = {"operationId": name, "tags": [_service(binding)]}
        if method.comment:
            said |= {"summary": method.comment.partition(". ")[0].rstrip(".")[:120], "description": method.comment}
        if method.descriptor.GetOptions().deprecated:
            said["deprecated"] = True
        parameters = [*parameters, *self._query(binding)]
        if parameters:
            said["parameters"] = parameters
        if binding.body:
            said["requestBody"] = self._body(binding)
        answers: Schema = {"200": self._answer(binding)}
        errors = {code: {"$ref": f"#/components/responses/{code}"} for code in _ERRORS}
        return said | {"responses": answers | errors}

    def _body(self, binding: Binding) -> Schema:
        kind = binding.method.descriptor.input_type
        if binding.body == ALL:
            schema, required = self._whole(binding), any(required_of(field) for field in kind.fields)
        else:
            field = kind.fields_by_name[binding.body]
            schemas = self._answered if binding.verb == "PATCH" else self._asked  # a change says only what changes
            schema, required = schemas.field(field), required_of(field)
        content: Schema = {"application/json": {"schema": schema}}
        if binding.method.descriptor.client_streaming:
            content = {
                "application/json": {"schema": {"type": "array", "items": schema}},
                "application/x-ndjson": {"schema": schema},
            }
        return {"required": required, "content": content}

    def _whole(self, binding: Binding) -> Schema:
        """The request without what the path says already."""
        kind = binding.method.descriptor.input_type
        placed = {variable.field for variable in binding.template.variables}
        if not placed or kind.full_name.startswith(OWN_FORM):
            return self._refer_asked(kind)
        schema = self._asked.message(kind)
        names = {field.json_name for field in kind.fields if field.name in placed}
        kept = {name: each for name, each in schema["properties"].items() if name not in names}
        required = [name for name in schema.get("required", ()) if name not in names]
        rest = {key: value for key, value in schema.items() if key != "required"}
        return rest | {"properties": kept} | ({"required": required} if required else {})

    def _answer(self, binding: Binding) -> Schema:
        method = binding.method.descriptor
        kind = method.output_type
        field = kind.fields_by_name[binding.response_body] if binding.response_body else None
        schema = self._refer(kind) if field is None else self._answered.field(field)
        if not method.server_streaming:
            content: Schema = {"application/json": {"schema": schema}}
        else:
            trailers = {"type": "object", "additionalProperties": {"type": "string"}}
            words = {"result": schema, "error": self._refer(_STATUS), "trailers": trailers}
            line = {"type": "object", "properties": words, "minProperties": 1, "maxProperties": 1}
            text = {"type": "string", "description": "Events of the types result, error and, last, trailers."}
            content = {"application/x-ndjson": {"schema": line}, "text/event-stream": {"schema": text}}
        headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()}
        return {"description": "The call went through.", "headers": headers, "content": content}

    def _query(self, binding: Binding) -> Iterator[Schema]:
        if binding.body == ALL:
            return
        placed = {variable.field for variable in binding.template.variables} | {binding.body}
        yield from self._parameters(binding.method.descriptor.input_type, "", "", placed, ())

    def _parameters(
        self, kind: Any, before: str, shown: str, placed: set[str], inside: tuple[str, ...]
    ) -> Iterator[Schema]:
        """One parameter for each field that a query can set; those of messages within as "message.field"."""
        for field in kind.fields:
            path, name = before + field.name, shown + field.json_name
            if path in placed or is_map(field):
                continue
            inner = field.message_type
            if inner is None or inner.full_name in _AS_TEXT or _is_wrapper(inner):
                yield {
                    "name": name,
                    "in": "query",
                    "required": required_of(field) and not before,
                    **({"description": text} if (text := self._comments.get(field.full_name, "")) else {}),
                    "schema": {key: value for key, value in self._asked.field(field).items() if key != "description"},
                }
            elif not field.is_repeated and not inner.full_name.startswith(OWN_FORM) and inner.full_name not in inside:
                yield from self._parameters(inner, f"{path}.", f"{name}.", placed, (*inside, inner.full_name))


_AS_TEXT: Final = frozenset({f"{OWN_FORM}{name}" for name in ("Timestamp", "Duration", "FieldMask")})


def _name(kind: Any, *, asked: bool) -> str:
    return f"{kind.full_name}-asked" if asked else str(kind.full_name)


def _is_enum(kind: Any) -> bool:
    return hasattr(kind, "values_by_name")


def _is_wrapper(kind: Any) -> bool:
    return bool(kind.full_name.startswith(OWN_FORM) and kind.full_name.endswith("Value") and len(kind.fields) == 1)


def _service(binding: Binding) -> str:
    return str(binding.method.descriptor.containing_service.full_name)


def _path(binding: Binding) -> tuple[str, list[Schema]]:
    """The path as OpenAPI writes it, whose parameters are single segments: "/v1/contacts/{contact}"."""
    written: list[str] = []
    parameters: list[Schema] = []
    for part in binding.template.parts:
        for segment in part.segments if isinstance(part, Variable) else (part,):
            if not segment.startswith("*"):
                written.append(segment)
                continue
            whole = part.field.replace(".", "_") if isinstance(part, Variable) and part.whole else ""
            name = _unique(whole or _singular(written[-1] if written else "path"), parameters)
            written.append(f"{{{name}}}")
            text = "Percent-encode what is no letter, digit or one of - . _ ~."
            schema = {"type": "string", "minLength": 1}
            parameters.append({"name": name, "in": "path", "required": True, "description": text, "schema": schema})
    verb = f":{binding.template.verb}" if binding.template.verb else ""
    return "/" + "/".join(written) + verb, parameters


def _unique(name: str, parameters: list[Schema]) -> str:
    taken = {each["name"] for each in parameters}
    return name if name not in taken else f"{name}_{len(taken)}"


def _singular(word: str) -> str:
    for ending, instead in _SINGULARS:
        if ending.search(word):
            return ending.sub(instead, word)
    return word.strip("{}") + "_id"
