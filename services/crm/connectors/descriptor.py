"""What a connector's file may say: one vendor's HTTP interface, mapped to the methods of our contracts.

Texts that begin with `=` are JMESPath expressions, all others stand for themselves; within a path they are in braces.
JMESPath and not CEL: it takes and gives JSON, a member that is missing is null and no error (vendors leave members out
all the time), and it is what people who map HTTP interfaces know. What it sees is in `services.crm.connectors.making`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
EnvName = Annotated[str, msgspec.Meta(pattern=r"^(?!PILOTE_)[A-Z][A-Z0-9_]{0,99}$")]
"""Not ours: a variable `PILOTE_…` that is no setting stops the start."""
Seconds = Annotated[float, msgspec.Meta(gt=0, le=600)]
Verb = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Secret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is. Never the secret itself."""

    env: EnvName | None = None
    file: str | None = None


class Variable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something of an installation that is no secret, such as the name of its account."""

    env: EnvName
    default: str | None = None
    pattern: str = "[A-Za-z0-9][A-Za-z0-9_.-]{0,199}"
    """What its whole value must match; it becomes part of URLs."""


class Login(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The call that begins a session."""

    path: str
    method: Verb = "POST"
    body: object = None
    """Sees `vars` and `secrets`; nothing else does."""
    token: str
    """Where the answer has the session's token."""
    lifetime_seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 3_000


class Auth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How requests say who they come from: names under `secrets`; `username` and `client_id` may be variables."""

    kind: Literal["none", "api_key", "bearer", "basic", "oauth2", "session"]
    secret: str = ""
    """Of `api_key` and `bearer`: the key. Of `basic`: the password."""
    header: str = ""
    """Of `api_key` and `session`: the header that has it."""
    prefix: str = ""
    """What stands before it in that header."""
    username: str = ""
    grant: Literal["client_credentials", "refresh_token"] = "client_credentials"
    token_url: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    scopes: tuple[str, ...] = ()
    client_auth: Literal["body", "basic"] = "body"
    login: Login | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an answer that is no success means. The first that fits counts, before what statuses mean by themselves."""

    status: tuple[int, ...] = ()
    """Empty: any."""
    when: str = ""
    """JMESPath over the answer's body; empty: whatever it is."""
    reason: Literal[
        "ARGUMENT_INVALID", "NOT_FOUND", "ALREADY_EXISTS", "CONFLICT", "LIMIT_EXCEEDED", "POLICY_DENIED",
        "UPSTREAM_UNAVAILABLE", "UPSTREAM_FAILED", "UPSTREAM_IN_DOUBT", "AUTH_EXPIRED",
    ]  # fmt: skip
    """`AUTH_EXPIRED`: log in again and repeat. `UPSTREAM_UNAVAILABLE`: it has surely not acted."""


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    """How one field of a resource is had there."""

    path: str = ""
    """Where it stands in the vendor's object, in both directions: member names parted by dots."""
    read: str = ""
    """Where it stands when read, as JMESPath; empty: at `path`."""
    write: Mapping[str, str] = {}
    """By path, what is written: JMESPath over the resource as our contract has it. Empty: the field at `path`."""
    as_: Literal[
        "text", "integer", "hundredths", "rfc3339", "rfc2822", "date", "epoch_ms", "epoch_s", "seconds", "minutes",
        "reference", "reference_number", "words",
    ] = "text"  # fmt: skip
    """How the vendor writes it. `hundredths`: a decimal number of what we count in hundredths. `reference`: its id of
    another resource, `reference_number` where that is a number."""
    values: Mapping[str, str | tuple[str, ...]] = {}
    """Of an enum: the vendor's word for each of ours, such as `LEAD: lead`; of several the first is written."""
    read_only: bool = False
    fixed: str = ""
    """Name of the variable that says what a text always is there, such as the one currency of an installation: what
    says otherwise is refused, and it is read where the vendor's object does not have it."""


class Version(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the state of a resource has its fingerprint, our `etag`."""

    header: str = ""
    """A header of the answers that carry one resource."""
    path: str = ""
    """JMESPath over the vendor's object."""
    if_match: bool = False
    """Whether the vendor compares it itself (`If-Match`). Else it is read before the write and compared here: a change
    between these two goes unnoticed."""


class Resource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one kind of resource is had there."""

    id: str
    """JMESPath over the vendor's object: what names it there."""
    fields: dict[str, object]
    """By field of our contract a `Field`, or just its path."""
    ignored: tuple[str, ...] = ()
    """Fields that the vendor does not keep and that may be left behind. Any other that is not mapped is refused."""
    version: Version | None = None
    cleared: str | None = None
    """What empties a field there."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HTTP request."""

    method: Verb = "GET"
    path: str
    query: Mapping[str, object] = {}
    headers: Mapping[str, object] = {}
    body: object = None
    form: bool = False
    """Whether the body goes as a form instead of JSON."""


class Lookup(Request, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to find out whether a request that is in doubt has been carried out."""

    answer: str
    """Where the answer has the vendor's object, or an array of those that may be meant; null where there is none."""
    same: tuple[str, ...] = ()
    """Fields of our contract, such as email, in which the one that is meant is like the one that was to be made."""


class Paging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How lists come page by page."""

    style: Literal["cursor", "page", "offset", "link", "url"]
    """`cursor`: `next` gives what the next request sends. `page`, `offset`: they are counted. `link`: the answer's
    `Link` header has the next URL. `url`: `next` gives it."""
    next: str = ""
    more: str = ""
    """Of `page` and `offset`, whether there is more; empty: as long as pages are full."""
    first: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    """Number of the first page."""
    max_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class Method(Request, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one method of our contract is carried out."""

    answer: str = "@"
    """Where the answer has the vendor's object; of lists, the array of them."""
    id: str = ""
    """Where the answer has the id alone, for vendors that answer no more; the object is read then."""
    id_header: str = ""
    """Header of the answer that has the id, for vendors that answer nothing else; the resource is what was sent."""
    reads_after: bool = False
    """Whether the object is read after the change, since the answer does not have it."""
    filtered: Request | None = None
    """Of lists: the request where any filter is set; answers look the same."""
    paging: Paging | None = None
    idempotency_header: str = ""
    """Header by which the vendor knows a repeat and does nothing twice."""
    lookup: Lookup | None = None
    required: tuple[str, ...] = ()
    """Fields of the resource, or of the request about a journey, without which the vendor cannot do it, beyond those of
    our contract; of lists, filters."""
    reads_references: bool = False
    """Whether what a new resource names is read first, for vendors that leave out what they do not know."""
    only: Mapping[str, tuple[str, ...]] = {}
    """By field of the resource the values that the vendor can do anything with."""


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One connector."""

    connector: Name
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    checked: Literal["real system", "vendor's schema", "documentation"] = "documentation"
    """What it was tried against."""
    base_url: str
    """Scheme, host and path that all requests begin with; variables in braces."""
    secrets: dict[str, Any] = {}
    """By name a `Secret`; like the other parts by name, each is decoded by itself, to tell every mistake at once."""
    variables: dict[str, Any] = {}
    """By name a `Variable`."""
    auth: Auth
    headers: Mapping[str, object] = {}
    failed: str = ""
    """JMESPath over the body of an answer that says success: whether it has failed all the same."""
    failures: tuple[Failure, ...] = ()
    usage_headers: tuple[str, ...] = ()
    """Headers that tell how much is used up; they go on as trailers, where a policy's `quota` reads them."""
    timeout_seconds: Seconds = 10.0
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 16
    retries: Annotated[int, msgspec.Meta(ge=0, le=5)] = 2
    """Repeats of a request that changes nothing, that surely was not carried out, or that the vendor knows again."""
    resources: dict[str, object]
    """By `contact`, `deal`, `activity`, `message`, `journey`, `enrolment`."""
    methods: dict[str, object]
    """By method of our contract, such as `CreateContact`. Streams follow from the others."""
