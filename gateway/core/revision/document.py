r"""The policy document, exactly as people write it and as it is stored; one model for YAML, HTTP and Redis.

Every name is 1 to 63 characters of lower-case letters, digits, "-", "_" and ".", beginning with a letter.
Durations are texts such as "500ms", "30s", "5m", "24h", "7d". Patterns end in \Z: "$" lets a newline follow.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from gateway.core.call import Operation

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,62}\Z")]
Duration = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,8}(ms|s|m|h|d)\Z")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Expression = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
ClockTime = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z|^24:00\Z")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Mode = Literal["enforce", "monitor"]

_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration_ms(text: str) -> int:
    """Milliseconds of a duration such as "500ms" or "7d"."""
    digits = text.rstrip("mshd")
    return int(digits) * _UNIT_MS[text[len(digits) :]]


def clock_minute(text: str) -> int:
    """Minutes since midnight of a clock time such as "13:30"; 1440 for "24:00"."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class ApiKey(_Part, frozen=True, kw_only=True):
    """A key of an agent: only its SHA-256 is kept. `pilote keys new` makes one."""

    id: Name
    sha256: Sha256


class JwtIdentity(_Part, frozen=True, kw_only=True):
    """The token that proves to be this agent: its issuer, and the value of the issuer's agent claim."""

    issuer: Name
    subject: Text


class Agent(_Part, frozen=True, kw_only=True):
    """An agent that may call."""

    name: Name
    tenant: Name
    version: Annotated[str, msgspec.Meta(max_length=63)] = ""
    description: str = ""
    keys: tuple[ApiKey, ...] = ()
    tokens: tuple[JwtIdentity, ...] = ()
    labels: dict[Name, str] = {}


class Issuer(_Part, frozen=True, kw_only=True):
    """Who signs tokens. The audience is required: a token meant for someone else proves nothing to us."""

    name: Name
    issuer: Text
    audience: Text
    jwks: dict[str, Any] = {}
    """Public keys as a JSON Web Key Set. In a file, `jwks_file` names a file to take them from."""
    algorithms: tuple[Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"], ...] = ("RS256", "ES256")
    agent_claim: Name = "sub"
    leeway: Duration = "30s"


class Upstream(_Part, frozen=True, kw_only=True):
    """A gRPC server behind the gateway."""

    name: Name
    address: Annotated[str, msgspec.Meta(pattern=r"^(unix:/.+|[^\s/:]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5})\Z")]
    timeout: Duration = "30s"
    """Longest call, where the caller's deadline is later or absent."""
    tls: bool = False
    """Whether the connection is encrypted and the server's certificate checked against the system's roots."""


class ModelVersion(_Part, frozen=True, kw_only=True):
    """One version of a model, and who serves it."""

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=63)]
    upstream: Name


class Model(_Part, frozen=True, kw_only=True):
    """A model and its versions. A call never reaches a version that is not listed."""

    name: Name
    versions: tuple[ModelVersion, ...]


class MethodBinding(_Part, frozen=True, kw_only=True):
    """How a method without annotations is governed. Paths are dotted; after a map field comes the key."""

    method: Text
    operation: Operation
    subject: str = ""
    channel: str = ""
    category: str = ""
    model: str = ""
    model_version: str = ""
    request_id: str = ""
    idempotent: bool = False
    max_message_bytes: Annotated[int, msgspec.Meta(ge=0, le=67_108_864)] = 0


class Contract(_Part, frozen=True, kw_only=True):
    """A foreign contract: its descriptor set, and a binding for each method that has no annotations."""

    name: Name
    descriptor_set: str = ""
    """A serialised FileDescriptorSet in base64. In a file, `descriptor_set_file` names a file to take it from."""
    methods: tuple[MethodBinding, ...] = ()


class Arm(_Part, frozen=True, kw_only=True):
    """One way a route's calls may go. Names an upstream, or for models a version."""

    name: Name
    weight: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 10_000
    """Share in basis points; the weights of a route add up to 10,000."""
    upstream: Name | None = None
    version: str | None = None


class Route(_Part, frozen=True, kw_only=True):
    """Which upstream or model version serves a call. The first route that matches is taken."""

    name: Name
    methods: tuple[Text, ...]
    models: tuple[Name, ...] = ()
    """INFER only: the models served; empty for methods that ask no model."""
    sticky: Literal["subject", "none"] = "subject"
    """"subject": a customer always gets the same arm. Calls without a subject are spread by chance."""
    seed: str = ""
    """Seed of the assignment; empty: the route's name."""
    arms: tuple[Arm, ...]


class Message(_Part, frozen=True, kw_only=True):
    """What the caller reads when the rule refuses, in both languages.

    `{agent}`, `{method}`, `{rule}` and `{revision}` are filled in; any other name in braces is a mistake.
    """

    en: Text
    fr: Text


class Rule(_Part, frozen=True, kw_only=True):
    """A condition in CEL and what follows when it holds."""

    name: Name
    description: str = ""
    methods: tuple[Text, ...] = ()
    operations: tuple[Operation, ...] = ()
    """Both empty: every method. Both given: methods that match both."""
    when: Expression = "true"
    effect: Literal["allow", "deny", "redact"]
    mode: Mode = "enforce"
    on_error: Literal["allow", "deny", "redact"] | None = None
    """What the rule counts as when it fails at run time: "deny" denies, "redact" (of a rule that redacts) redacts all
    the same, "allow" leaves the rule out. Unset: "redact" where the effect is redact, else "deny"."""
    fields: tuple[Text, ...] = ()
    """Redact: dotted paths of what is taken out, through messages, lists and maps. After a list field "*" may stand for
    every element; after a map field comes a key, or "*" for all of them."""
    sensitivity: Literal["PUBLIC", "INTERNAL", "PERSONAL", "SPECIAL", "CREDENTIAL"] | None = None
    """Redact: every field that its contract annotates as at least so sensitive, however deep. Fields that the contract
    does not know are dropped too: nobody can say what is in them."""
    of: Literal["reply", "request"] = "reply"
    """Redact: what the caller gets back, or what the upstream gets."""
    text_instead: Text | None = msgspec.field(default=None, name="with")
    """Redact: what texts are replaced by; unset: they are cleared, like everything else."""
    reason: Literal["POLICY_DENIED", "CONSENT_MISSING", "QUIET_HOURS"] = "POLICY_DENIED"
    message: Message | None = None
    retry_after: Duration | None = None
    """How long a refused caller is told to wait, where the rule's author knows: the length of quiet hours, say."""

    @property
    def on_failure(self) -> Literal["allow", "deny", "redact"]:
        """What the rule counts as when it fails at run time: `on_error`, or what is safe for its effect."""
        return self.on_error or ("redact" if self.effect == "redact" else "deny")


class Limit(_Part, frozen=True, kw_only=True):
    """A rate: at most `rate` calls per `per`, with bursts up to `burst`; counted separately for each value of `by`."""

    name: Name
    methods: tuple[Text, ...] = ()
    operations: tuple[Operation, ...] = ()
    by: tuple[Literal["tenant", "agent", "method", "operation", "version", "subject", "channel"], ...]
    rate: Count | None
    """0 blocks, null is unlimited."""
    per: Duration = "1s"
    burst: Count | None = None
    """null: the same as `rate`."""
    on_missing: Literal["deny", "skip"] = "deny"
    """What happens to a call that lacks one of the dimensions; it is never counted in a shared bucket."""
    mode: Mode = "enforce"


class Cap(_Part, frozen=True, kw_only=True):
    """Contact pressure: at most `max` contacts with one subject on one channel within a rolling `window`."""

    name: Name
    channels: tuple[Name, ...] = ()
    """Channels the cap covers, each counted for itself; empty: all."""
    categories: tuple[Name, ...] = ()
    """Categories that count; empty: all but the exempt ones."""
    exempt: tuple[Name, ...] = ("transactional", "legal")
    """Categories that are neither capped nor counted: what a customer has asked for, or must be told.
    Which agents may send them is for the rules to say. A cap that names one of them in `categories` counts it."""
    max: Count | None
    """0 blocks, null is unlimited."""
    window: Duration
    mode: Mode = "enforce"


class OpenHours(_Part, frozen=True, kw_only=True):
    """Hours in which a customer may be reached, as the clock on the wall shows them."""

    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    start: ClockTime = msgspec.field(name="from")
    end: ClockTime = msgspec.field(name="to")


class QuietHours(_Part, frozen=True, kw_only=True):
    """When contacts are open; at all other times it is quiet, and the refusal says when it is worth coming back."""

    name: Name
    channels: tuple[Name, ...] = ()
    """Channels that are covered; empty: all."""
    categories: tuple[Name, ...] = ()
    """Categories that are covered; empty: all."""
    zone: Text = "subject"
    """An IANA time zone such as "Europe/Paris"; "subject" is the customer's own."""
    fallback_zone: str = ""
    """Used where the customer's own is unknown; empty: then it is always quiet."""
    open: tuple[OpenHours, ...]
    holidays: str = ""
    """ISO 3166 code of the country whose public holidays are quiet all day, such as "FR"."""
    mode: Mode = "enforce"
    message: Message | None = None


class Document(_Part, frozen=True, kw_only=True):
    """A whole policy."""

    description: str = ""
    agents: tuple[Agent, ...]
    issuers: tuple[Issuer, ...] = ()
    upstreams: tuple[Upstream, ...]
    models: tuple[Model, ...] = ()
    contracts: tuple[Contract, ...] = ()
    routes: tuple[Route, ...]
    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...] = ()
    caps: tuple[Cap, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()
