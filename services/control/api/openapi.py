"""The description of the interface (OpenAPI 3.1), finished: who may, every problem that can come, and exact paths."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Litestar
from litestar.routes import HTTPRoute

from services.control.access.principals import RIGHT
from services.control.access.rights import OPEN, Right
from services.control.api.describing import schema_of
from services.control.api.examples import EXAMPLES
from services.control.api.idempotency import HEADER as IDEMPOTENCY_KEY
from services.control.api.idempotency import is_kept
from services.control.api.operation_ids import operation_id
from services.control.api.problems import PROBLEM_JSON, Problem
from services.control.api.verbs import joined

Json = dict[str, Any]
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
_FLAGS: Final = "/ofrep/"
"""Paths whose problems have a shape of their own, that of OFREP."""
SCHEMES: Final[Mapping[str, Json]] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "pilote",
        "description": "The cookie that logging in sets; behind TLS it is called `__Host-pilote`.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "x-csrf-token",
        "description": "The session's `csrfToken`: with the cookie, for everything but GET.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "plt_…",
        "description": "An API token of an account, made at /v1/tokens. It may do what its scopes say.",
    },
    "person": {
        "type": "apiKey",
        "in": "header",
        "name": "authorization",
        "description": "`Pilote-Ed25519 person=NAME, created=MILLISECONDS, signature=HEX`: a person of the active "
        "policy signs the request with a key of their own; README's chapter on revisions says what is signed.",
    },
    "agent": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "The key of an agent of the active policy; or its token, as `authorization: Bearer`.",
    },
}
PROBLEMS: Final[Mapping[str, str]] = {
    "400": "What was sent has a mistake: it is said where, and how to mend it.",
    "401": "Nobody who is known asks.",
    "403": "Whoever asks may not do this, or must confirm who they are.",
    "404": "There is no such thing, or it is not theirs to see.",
    "409": "It cannot be done as things stand, or is being done already.",
    "412": "It has changed since it was read.",
    "413": "The body is too large.",
    "415": "The body is of a kind that is not taken.",
    "422": "What was sent can be read, but not be done: a policy with mistakes, or an idempotency key that was used.",
    "428": "Say of which version the change is: `if-match`.",
    "429": "Too many such requests; `retry-after` says when to ask again.",
    "500": "A mistake of ours, which is in our log.",
    "503": "The store or the audit service does not answer; retry.",
    "504": "The answer took too long; ask for less.",
}
_UNSAFE_ONLY: Final = frozenset({"409", "412", "413", "415", "422", "428"})
_KNOWN_ONLY: Final = frozenset({"401", "403"})


def finished(plain: Mapping[str, Any], app: Litestar) -> Json:
    """Litestar's description of the application, with what it does not know."""
    rights = _rights(app)
    paths: Json = {}
    for path, item in joined(plain["paths"]).items():
        paths[path] = {
            method: _operation(method, path, what, rights[path, method]) if method in _METHODS else what
            for method, what in item.items()
        }
    components = dict(plain.get("components", {}))
    components["securitySchemes"] = dict(SCHEMES)
    components["schemas"] = dict(components.get("schemas", {})) | {"Problem": schema_of(Problem).to_schema()}
    components["responses"] = {f"Problem{status}": _problem(text) for status, text in PROBLEMS.items()}
    tags = sorted({tag for item in paths.values() for what in item.values() for tag in what.get("tags", ())})
    return {**plain, "paths": paths, "components": components, "tags": [{"name": tag} for tag in tags]}


def _rights(app: Litestar) -> Mapping[tuple[str, str], Right]:
    found = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                (path,) = joined({route.path_format: None})
                for method in handler.http_methods:
                    if RIGHT in handler.opt:
                        found[path, method.lower()] = handler.opt[RIGHT]
    return found


def _operation(method: str, path: str, plain: Mapping[str, Any], right: Right) -> Json:
    operation = dict(plain)
    name = operation_id(method, path)
    operation |= {"operationId": name, "tags": [_tag(path)], "x-pilote-right": right.value}
    operation["security"] = _security(method, right)
    parameters = list(operation.get("parameters", ()))
    if (method, path) in _MATCHED:
        parameters = [each | {"required": True} if each["name"] == "if-match" else each for each in parameters]
    if is_kept(method, path, right):
        parameters.append(_KEY)
    if parameters:
        operation["parameters"] = parameters
    known = any(each["name"] == "if-none-match" for each in parameters)
    operation["responses"] = _responses(method, path, operation["responses"], right, known=known)
    if "requestBody" in operation and name in EXAMPLES:
        body = operation["requestBody"]
        content = {kind: {**media, "example": EXAMPLES[name]} for kind, media in body["content"].items()}
        operation["requestBody"] = {**body, "content": content}
    return operation


_MATCHED: Final = frozenset(
    {
        ("patch", "/v1/accounts/{account}"),
        ("put", "/v1/policy-drafts/{draft}"),
        ("patch", "/v1/policy-drafts/{draft}"),
        ("delete", "/v1/policy-drafts/{draft}"),
        ("post", "/v1/policy-drafts/{draft}:submit"),
        ("post", "/v1/policy-drafts/{draft}:rebase"),
    }
)
"""Changes that must say of which version they are."""
_KEY: Final[Json] = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    "description": "Names this very change: sent again within a day, it is not made again, and the first answer comes.",
}


def _tag(path: str) -> str:
    if path.startswith(_FLAGS):
        return "flags"
    return path.split("/")[2].partition(":")[0]


def _security(method: str, right: Right) -> list[Json]:
    if right is Right.AGENT:
        return [{"agent": []}]
    if right in OPEN:
        return []
    session: Json = {"session": []} if method == "get" else {"session": [], "csrf": []}
    return [session, {"token": []}, {"person": []}]


def _responses(method: str, path: str, plain: Mapping[str, Any], right: Right, *, known: bool) -> Json:
    own = {status: _streamed(what) for status, what in plain.items() if status.startswith("2")}
    if known:
        own["304"] = {"description": "It is what `if-none-match` names."}
    if path.startswith(_FLAGS):
        return {
            **dict(plain),
            **{status: {"description": PROBLEMS[status]} for status in PROBLEMS if status not in plain},
        }
    left_out = (_UNSAFE_ONLY if method == "get" else frozenset()) | (
        _KNOWN_ONLY if right in OPEN and method == "get" else frozenset()
    )
    problems = {status: {"$ref": f"#/components/responses/Problem{status}"} for status in PROBLEMS}
    return own | {status: what for status, what in problems.items() if status not in left_out}


def _streamed(response: Mapping[str, Any]) -> Json:
    """An answer; of a stream of events what each event has, whose data is JSON."""
    content = dict(response.get("content", {}))
    if (stream := content.get("text/event-stream")) is None:
        return dict(response)
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": stream["schema"]}
    properties = {"event": {"type": "string"}, "id": {"type": "string"}, "data": data}
    content["text/event-stream"] = {"schema": {"type": "object", "properties": properties}}
    return {**response, "content": content}


def _problem(text: str) -> Json:
    return {
        "description": text,
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
