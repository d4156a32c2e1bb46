r"""The policy document, exactly as people write it and as it is stored; one model for YAML, HTTP and Redis.

Every name is 1 to 63 characters of lower-case letters, digits, "-", "_" and ".", beginning with a letter.
Durations are texts such as "500ms", "30s", "5m", "24h", "7d". Patterns end in \Z: "$" lets a newline follow.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from gateway.core.call import Operation
from gateway.core.consents import Basis

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,62}\Z")]
Duration = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,8}(ms|s|m|h|d)\Z")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Expression = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000_000_000)]
"""Small enough to stay exact in the store, whose numbers have 53 bits."""
Weight = Annotated[float, msgspec.Meta(ge=0, le=1000)]
ClockTime = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z|^24:00\Z")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Mode = Literal["enforce", "monitor"]
Cited = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Citation = Cited | Annotated[tuple[Cited, ...], msgspec.Meta(max_length=3)]
"""What a part of the policy rests on: an article of law, a contract, a promise; one text or up to three.

Short, since it stands in the refusal several times, and a client takes 8 KiB of trailers by default.
"""
Level = Literal["observe", "suggest", "approve", "autonomous"]

_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration_ms(text: str) -> int:
    """Milliseconds of a duration such as "500ms" or "7d"."""
    digits = text.rstrip("mshd")
    return int(digits) * _UNIT_MS[text[len(digits) :]]


def clock_minute(text: str) -> int:
    """Minutes since midnight of a clock time such as "13:30"; 1440 for "24:00"."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def cited(citation: Citation) -> str:
    """A citation as one text."""
    return citation if isinstance(citation, str) else "; ".join(citation)


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Tenant(_Part, frozen=True, kw_only=True):
    """What is special about a tenant; one that is not listed has one cell."""

    name: Name
    cells: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    """Over how many slots of a Redis Cluster its keys are spread. Fixed when the tenant's first policy is published;
    `pilote cells` changes it."""


class ApiKey(_Part, frozen=True, kw_only=True):
    """A key of an agent: only its SHA-256 is kept. `pilote keys new` makes one."""

    id: Name
    sha256: Sha256


class JwtIdentity(_Part, frozen=True, kw_only=True):
    """The token that proves to be this agent: its issuer, and the value of the issuer's agent claim."""

    issuer: Name
    subject: Text


class Autonomy(_Part, frozen=True, kw_only=True):
    """How far an agent may go by itself with each kind of operation, once the rules let a call through.

    "observe": the call is decided and recorded, never carried out. "suggest": a person sees it and acts themselves.
    "approve": a person sees it, and on their approval the gateway carries it out once. "autonomous": it goes through.
    """

    read: Level | None = msgspec.field(name="READ", default=None)
    write: Level | None = msgspec.field(name="WRITE", default=None)
    contact: Level | None = msgspec.field(name="CONTACT", default=None)
    delete: Level | None = msgspec.field(name="DELETE", default=None)
    infer: Level | None = msgspec.field(name="INFER", default=None)

    def of(self, operation: Operation) -> Level | None:
        """The level of that operation; `None` where nothing is said of it."""
        level: Level | None = getattr(self, operation.value.lower())
        return level


class Agent(_Part, frozen=True, kw_only=True):
    """An agent that may call."""

    name: Name
    tenant: Name
    version: Annotated[str, msgspec.Meta(max_length=63)] = ""
    description: str = ""
    priority: Annotated[int, msgspec.Meta(ge=0, le=99)] = 0
    """Among agents that share an upstream's quota: the higher goes first."""
    keys: tuple[ApiKey, ...] = ()
    tokens: tuple[JwtIdentity, ...] = ()
    labels: dict[Name, str] = {}
    autonomy: Autonomy = Autonomy()
    """What is said here goes before the document's own `autonomy`."""


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
    purpose: str = ""
    contact_point: str = ""
    brand: str = ""
    topics: str = ""
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
    effect: Literal["allow", "deny", "hold", "redact"]
    """"hold": a person must look at the call first; their approval lets it through, so no other rule need allow it.
    A denial goes before a hold, a hold before what allows. "redact" takes `fields` out, and lets nothing through."""
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
    citation: Citation = ()

    @property
    def on_failure(self) -> Literal["allow", "deny", "redact"]:
        """What the rule counts as when it fails at run time: `on_error`, or what is safe for its effect."""
        return self.on_error or ("redact" if self.effect == "redact" else "deny")


class Calendar(_Part, frozen=True, kw_only=True):
    """Periods by the calendar: what is counted starts anew with each of them."""

    unit: Literal["day", "week", "month", "year"]
    zone: Text = "subject"
    """An IANA time zone such as "Europe/Paris"; "subject" is the customer's own."""
    fallback_zone: Text = "UTC"
    """Used where the customer's own is unknown."""
    week_start: Day = "mon"


class Cost(_Part, frozen=True, kw_only=True):
    """What a call costs, as whole numbers of `unit`: money in millionths, say, never as a fraction."""

    unit: Text
    """What is counted, for people: "EUR/1000000", "tokens"."""
    estimate: Expression
    """CEL that gives a whole number: what is taken when the call is admitted."""
    actual: Expression | None = None
    """CEL that gives a whole number once the upstream has answered, over `response` and `trailers` as well; null, or
    where it fails: the estimate."""


class Reading(_Part, frozen=True, kw_only=True):
    """A number that an upstream tells in the metadata of its answers."""

    header: Name
    pattern: Text = "([0-9]+)"
    """Regular expression; its first group is the number."""


class Quota(_Part, frozen=True, kw_only=True):
    """The upstream's own count of what may be asked of it, as its answers tell; either `used` or `remaining`."""

    used: Reading | None = None
    remaining: Reading | None = None
    max: Reading | None = None
    """null, or until it is told: the limit's own `max`."""
    shares: dict[str, Annotated[int, msgspec.Meta(ge=1, le=100)]] = {}
    """How much, in percent, may be used up before agents of a priority have to stop; a priority that is not named goes
    on to the end. So what is left then is kept for those of a higher one."""


Dimension = Literal[
    "tenant", "agent", "method", "operation", "model", "version", "upstream", "route", "subject", "channel",
    "category", "brand",
]  # fmt: skip
StoreError = Literal["closed", "open", "local"]


class Limit(_Part, frozen=True, kw_only=True):
    """How much may be asked, counted separately for each value of `by`.

    One of: `rate` calls per `per` with bursts up to `burst`; `max` calls, or `cost` of calls, within a rolling `window`
    or a `calendar` period; `concurrent` calls at a time; `quota`, an upstream's own.
    """

    name: Name
    methods: tuple[Text, ...] = ()
    operations: tuple[Operation, ...] = ()
    when: Expression | None = None
    """CEL: which of these calls count; null: all."""
    by: tuple[Dimension, ...]
    key: Expression | None = None
    """CEL that gives a text, one more thing to count by."""
    rate: Count | msgspec.UnsetType | None = msgspec.UNSET
    """0 blocks, null is unlimited."""
    per: Duration = "1s"
    burst: Count | None = None
    """null: the same as `rate`."""
    max: Amount | msgspec.UnsetType | None = msgspec.UNSET
    """0 blocks, null is unlimited."""
    window: Duration | None = None
    """Rolling. Counted in sixtieths of it, so that a call may wait that much longer than it would have to."""
    calendar: Calendar | None = None
    cost: Cost | None = None
    concurrent: Count | msgspec.UnsetType | None = msgspec.UNSET
    """0 blocks, null is unlimited. A call that is never settled counts until its deadline and a minute have passed."""
    quota: Quota | None = None
    on_missing: Literal["deny", "skip"] = "deny"
    """What happens to a call that lacks one of the dimensions; it is never counted in a shared bucket."""
    on_store_error: StoreError = "closed"
    """While the store is down: "closed" refuses, "open" lets through, "local" counts in each gateway for itself."""
    mode: Mode = "enforce"
    citation: Citation = ()


class Cap(_Part, frozen=True, kw_only=True):
    """Contact pressure: at most `max` contacts with one subject within a rolling `window` or a `calendar` period."""

    name: Name
    channels: tuple[Name, ...] = ()
    """Channels the cap covers; empty: all."""
    categories: tuple[Name, ...] = ()
    """Categories that count; empty: all but the exempt ones."""
    topics: tuple[Name, ...] = ()
    """Topics that count, one of a contact's is enough; empty: all."""
    brands: tuple[Name, ...] = ()
    """Brands that count; empty: all."""
    exempt: tuple[Name, ...] = ("transactional", "legal")
    """Categories that are neither capped nor counted: what a customer has asked for, or must be told.
    Which agents may send them is for the rules to say. A cap that names one of them in `categories` counts it."""
    by: tuple[Literal["channel", "category", "topic", "brand"], ...] = ("channel",)
    """What is counted separately, beside the subject. Empty: all contacts that the cap covers together."""
    max: Count | None
    """0 blocks, null is unlimited."""
    window: Duration | None = None
    """Rolling."""
    calendar: Calendar | None = None
    min_gap: Duration | None = None
    """Shortest time between two contacts."""
    counts_on: Literal["reserved", "sent", "delivered"] = "reserved"
    """From when on a contact counts for good. "reserved": from its admission, unless it is known not to have been sent.
    "sent": once the upstream has taken it; until then a reservation that expires frees itself. "delivered": once
    `ReportOutcomes` says so; until `deliver_within` it is a reservation."""
    deliver_within: Duration = "3d"
    on_exceed: Literal["deny", "defer", "downgrade", "review"] = "deny"
    """"defer" keeps the call until there is room, "review" asks a person, "downgrade" tries `downgrade_to`."""
    max_defer: Duration = "3d"
    """Longest time that a call is kept, for "defer"; one that would have to wait longer is refused."""
    downgrade_to: Name | None = None
    priority: tuple[Name, ...] = ()
    """Categories, the most important first: a call that is kept for later holds a slot against those after it."""
    on_store_error: StoreError = "closed"
    """While the store is down: "closed" refuses, "open" lets through, "local" counts in each gateway for itself."""
    mode: Mode = "enforce"
    citation: Citation = ()


class Pressure(_Part, frozen=True, kw_only=True):
    """How much a customer has been contacted of late: every contact weighs, and half of that is gone after `half_life`.

    The score is the sum over past contacts of channel weight x category weight x 2^(-age / half_life); rules see it as
    `facts.pressure`.
    """

    half_life: Duration
    channels: dict[Name, Weight] = {}
    """Weight by channel; 1 for one that is not named."""
    categories: dict[Name, Weight] = {}
    """Weight by category; where it is not named 0 for "transactional" and "legal", and 1 for any other."""
    max: Weight | None = None
    """A contact that would raise the score above it is refused, exactly, under the name "pressure"; null: never."""
    mode: Mode = "enforce"
    citation: Citation = ()


class Step(_Part, frozen=True, kw_only=True):
    """Which calls make a step of a sequence."""

    methods: tuple[Text, ...] = ()
    operations: tuple[Operation, ...] = ()
    when: Expression | None = None


class Sequence(_Part, frozen=True, kw_only=True):
    """A rule across calls: what may not follow on what, within a time, for one subject, agent or other thing."""

    name: Name
    by: Literal["subject", "agent"] | None = None
    key: Expression | None = None
    """CEL that gives a text: the thing concerned, where it is neither a subject nor an agent."""
    first: Step
    then: Step
    within: Duration
    agents: Literal["any", "same", "other"] = "any"
    """Whose first step counts for a call: anybody's, the same agent's, another agent's."""
    effect: Literal["deny", "hold"] = "deny"
    mode: Mode = "enforce"
    message: Message | None = None
    """May use {rule}, {other} (the decision of the first step), {window} and {retry}."""
    citation: Citation = ()


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
    on_hit: Literal["deny", "defer"] = "deny"
    """"defer": the gateway keeps the call, and makes it once the hours have opened."""
    max_defer: Duration | None = None
    """Longest time that a call is kept, by default 3d; one that would have to wait longer is refused."""
    mode: Mode = "enforce"
    message: Message | None = None
    citation: Citation = ()


class ConsentRequirement(_Part, frozen=True, kw_only=True):
    """What a customer must have said before a contact: a consent on an accepted basis, and no refusal since."""

    name: Name
    channels: tuple[Name, ...] = ()
    """Channels that are covered; empty: all."""
    categories: tuple[Name, ...] = ()
    """Categories that are covered; empty: all."""
    purposes: tuple[Name, ...] = ()
    """Purposes that are covered; empty: all. A contact that names none has its category for a purpose."""
    bases: tuple[Basis, ...] = ("consent",)
    """Legal bases on which the contact may rest."""
    by: Literal["contact_point", "subject"] = "contact_point"
    """"contact_point": what was said of another contact point does not count, nor, where a call names none, what was
    said of any single one. "subject": all that the customer has said counts, the last word of all."""
    max_age: Duration | None = None
    """How long a consent counts; null: until it is withdrawn."""
    silence_after_refusal: Duration | None = None
    """After a refusal or withdrawal nothing is sent for so long, on no basis, and not after a new consent either."""
    mode: Mode = "enforce"
    message: Message | None = None
    """May use {channel}, {purpose}, {status}, {since} and {until}."""
    citation: Citation = ()


class PackHeader(_Part, frozen=True, kw_only=True):
    """What a pack's file says of itself, under `pack`."""

    name: Name
    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){0,3}\Z")]
    title: Message


class PackUse(_Part, frozen=True, kw_only=True):
    """A pack that the policy was made of; its parts stand in the policy, under names that begin with the pack's.

    In a file `packs` names packs that come with Pilote by name and version, and a company's own by `file`.
    """

    name: Name
    version: Text
    sha256: Sha256
    """Of the pack's file, so that a copy that was edited can be told from what came with Pilote."""


class Holds(_Part, frozen=True, kw_only=True):
    """How calls are kept that wait for a person."""

    expires: Duration = "24h"
    """Time in which somebody must decide, and an approved call be carried out."""
    max_open: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 10_000
    """Most calls of a tenant that wait at a time, for a person or until a time; any further one is refused."""


class Document(_Part, frozen=True, kw_only=True):
    """A whole policy."""

    description: str = ""
    tenants: tuple[Tenant, ...] = ()
    agents: tuple[Agent, ...]
    issuers: tuple[Issuer, ...] = ()
    upstreams: tuple[Upstream, ...]
    models: tuple[Model, ...] = ()
    contracts: tuple[Contract, ...] = ()
    routes: tuple[Route, ...]
    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...] = ()
    caps: tuple[Cap, ...] = ()
    pressure: Pressure | None = None
    sequences: tuple[Sequence, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()
    consents: tuple[ConsentRequirement, ...] = ()
    packs: tuple[PackUse, ...] = ()
    autonomy: Autonomy = Autonomy()
    """Of every agent that says nothing itself; an operation that nobody speaks of is autonomous."""
    holds: Holds = Holds()
