"""What is remembered of every call, however it ended.

A decision is written in two appends to its cell's stream. `admit` writes the `Record` together with what the buckets
said, in the same atomic step that takes them; `settle` appends the `Settlement` once the upstream has answered. A
record that is never settled, because its gateway died, is in doubt once its reservation has expired.

Stream entry fields: `k` is "admit" or "settle", `r` the JSON of `Record` or `Settlement`, and on "admit" `o` the JSON
of `Outcome` as the store's function wrote it. `w` is the JSON of `gateway.core.used.WrappedKey`, where the record has
sealed values: a field of its own, so that the record stays as it is when the key is destroyed. `k` is "inputs" for what
the call was decided by, `r` the JSON of `SealedInputs` and `i` the inputs, sealed. `k` is "copy" for what came of a
copy of the call, and `r` the JSON of `gateway.core.shadows.ShadowResult`: there may be none, or two. In the cell's
stream of outcomes `k` is "outcome" and `r` the JSON of `CustomerOutcome`.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from gateway.core.call import Lineage
from gateway.core.used import SealedValues

DEFAULT_KEEP_DAYS: Final = 183
"""How long a record is kept where no class of the policy says otherwise: six months (AI Act, articles 19 and 26)."""


class Verdict(StrEnum):
    """What the gateway said to the call."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    HOLD = "HOLD"
    DEFER = "DEFER"


class Acted(StrEnum):
    """Whether the upstream has carried the call out."""

    YES = "YES"
    NO = "NO"
    MAYBE = "MAYBE"


class RuleLook(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule that was looked at and applied: its condition held, or it failed and counted as its `on_error`."""

    rule: str
    effect: str
    mode: str = "enforce"
    error: str = ""
    """What went wrong at run time, in words that quote nothing of the request; empty when the condition held."""
    standing: str = ""
    """Of a required consent, how the customer stood to it: granted, refused, withdrawn, expired, none or unknown."""
    since_ms: int = 0
    """Since when they did; 0 for none."""
    until_ms: int = 0
    """Until when it stands in the way by itself: quiet hours until they open, a consent until a silence is over. -1 of
    quiet hours that never open; 0 where no time ends it, or it does not stand in the way."""
    basis: str = ""
    """Of a consent that was on record: what the contact rests on, `gateway.core.consents.Basis`."""
    purpose: str = ""
    """Likewise the purpose that the statement names; empty where it is about all, and where there is none."""
    proof: str = ""
    """Likewise where its proof is found."""


class Obligation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a rule has taken out of a message; a call whose message cannot be redacted does not go through."""

    rule: str
    of: str
    """"request" or "reply"."""
    sensitivity: str = ""
    """The least sensitivity that is taken out, such as "PERSONAL"; empty: none for its sensitivity."""
    fields: tuple[str, ...] = ()
    """Paths, as the policy names them."""


class Steps(msgspec.Struct, frozen=True, omit_defaults=True):
    """How long each step took until the verdict, in microseconds; 0 for one that was not reached."""

    wait_us: int = 0
    """Before the first step: behind other calls, under load."""
    identify_us: int = 0
    describe_us: int = 0
    facts_us: int = 0
    """Reading what is known of the customer, and of the inference that led to the call."""
    decide_us: int = 0
    """Route and rules."""


class BucketAsk(msgspec.Struct, frozen=True, omit_defaults=True):
    """One bucket that admission takes from, as the decision asked for it."""

    limit: str
    """Name of the limit or cap in the revision."""
    kind: str
    """A kind of bucket, see `gateway.core.limits`: "rate", "window", "budget", "concurrency", "quota", "cap", "gap",
    "score", "sequence" or "trail"."""
    capacity: int
    """Calls per period for a rate (with burst), contacts per window for a cap; of a score in thousandths."""
    period_ms: int
    mode: str = "enforce"
    by: str = ""
    """The dimensions' values, pseudonyms where they concern a person: "agent=sales-bot"."""
    citation: str = ""
    """What a refusal by this bucket rests on."""
    cost: int = 1
    """What the call takes."""
    says: tuple[str, ...] = ()
    """Its own refusal in English and French; empty where it has none."""


class BucketLook(msgspec.Struct, frozen=True, omit_defaults=True):
    """What admission found in one bucket; in the order of `Record.buckets`."""

    used: int
    """Calls or contacts counted, this one included where it was granted."""
    wait_ms: int
    """0 when the bucket grants; else time until it would, -1 for never (a capacity of 0)."""
    other: str = ""
    """Decision that stands in the way: one of a higher priority, or the first step of a sequence."""


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the store's function answered and wrote beside the record."""

    granted: bool
    looks: tuple[BucketLook, ...] = ()
    refused: int = -1
    """Index of the bucket that refused, with the longest wait; -1 when none did."""
    reason: str = ""
    """Reason the store itself refused for, such as IDEMPOTENCY_KEY_REUSED."""
    stop: str = ""
    """The stop that halted the call, for reason STOPPED."""
    first: str = ""
    """Decision id of the first call with this idempotency key, on a repeat."""


class Exposure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A variation of an experiment that the call's subject is in, and saw where the call was admitted."""

    experiment: str
    variation: str
    unit: str = ""
    """What it was assigned by, where that is neither the record's `unit_ref` nor, without one, its subject."""


class SealedInputs(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose inputs are sealed in field `i` of the same entry, and until when they are kept."""

    id: str
    at_ms: int
    """When the call was received."""
    expires_ms: int
    subject_ref: str = ""
    """Of the customer that the call is about."""


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try to have a call answered."""

    arm: str
    upstream: str
    status: str
    """Canonical status name, "CANCELLED" too where another answer came first. Of a try that was not made "OPEN" where
    the upstream's breaker was, "FULL" where too many calls ran there, "DENIED" where the policy does not let the call
    go that way."""
    at_us: int = 0
    """When it began, since the call came in."""
    took_us: int = 0
    why: str = ""
    """ "" for the first, else "retry", "fallback" or "hedge"."""
    version: str = ""
    """Of the model; empty on a route that asks none."""
    address: int = 0
    """Index of the upstream's address that was asked."""
    reason: str = ""
    """Of one that was DENIED: the `Reason`."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One decision. Times are milliseconds since the epoch. Holds no personal data in the clear."""

    id: str
    received_ms: int
    decided_ms: int
    verdict: Verdict
    reason: str = ""
    """A `Reason`, empty for ALLOW. Admission may still refuse: then `Outcome` says so and wins."""
    message: str = ""
    rule: str = ""
    """The rule that decided, empty when none did."""
    citation: str = ""
    """What a refusal by the rules rests on, in the policy's words; of a bucket's refusal the bucket has it."""
    rules: tuple[RuleLook, ...] = ()
    buckets: tuple[BucketAsk, ...] = ()
    tenant: str = ""
    cell: int = 0
    """The tenant's cell that admitted the call."""
    agent: str = ""
    agent_version: str = ""
    method: str = ""
    operation: str = ""
    subject_ref: str = ""
    channel: str = ""
    asked_channel: str = ""
    """The channel that was asked for, where a cap has moved the contact to another one."""
    category: str = ""
    purpose: str = ""
    contact_ref: str = ""
    """Pseudonym of the contact point, where the request names one."""
    brand: str = ""
    campaign: str = ""
    """In its one spelling."""
    objective: str = ""
    """Name of the objective that the call served, or was to serve; empty for none."""
    topics: tuple[str, ...] = ()
    model: str = ""
    version: str = ""
    """Model version that serves the call, or for an action the one that led to it."""
    route: str = ""
    arm: str = ""
    upstream: str = ""
    revision: int = 0
    revision_sha256: str = ""
    trace_id: str = ""
    span_id: str = ""
    inference: str = ""
    """Decision id of the inference that led to this action, as the caller named it."""
    parent: str = ""
    """Decision id of the stream's first message, for every further message of a stream; of the first attempt, for a
    call that was decided upon again; of the decision that held the call, for what came of it."""
    request_bytes: int = 0
    expires_ms: int = 0
    """When an unsettled record counts as in doubt; 0 for a record that needs no settling."""
    hold: str = ""
    """Id of the hold that keeps the call, or that it was kept in."""
    decider: str = ""
    """Who approved or refused the held call, as they named themselves."""
    hold_decided_ms: int = 0
    hold_comment: str = ""
    """Why they decided so, in their words."""
    would: str = ""
    """For an agent that only observes: what would have come of the call, "OK" or a `Reason`."""
    prompt: str = ""
    """The prompt that the version is served with, "name@version"."""
    connector_version: str = ""
    """Version of the upstream."""
    unit_ref: str = ""
    """What experiments and routes assign by, where it is not the subject: a pseudonym of the person or the session."""
    exposures: tuple[Exposure, ...] = ()
    """In the order of the policy; of a refused call too, since variations may differ in what is refused. A repeat of an
    idempotent call has none."""
    named: bool = False
    """The caller asked for this version itself, so no arm was assigned."""
    rollout: str = ""
    """The rollout whose candidate was chosen for the call; empty for none."""
    standby: bool = False
    """It admits another arm of the call `parent`, whose chosen arm could not serve it. It is no call of its own."""
    lineage: Lineage | None = None
    """For an action: the inference that led to it, where the caller named one that is known."""
    conversation: str = ""
    """The conversation that the agent is in, as it named it."""
    person: str = ""
    """Pseudonym of the person on whose behalf the agent calls, where its credential names one."""
    obligations: tuple[Obligation, ...] = ()
    """What is taken out of request and reply, in the order of the policy."""
    holdouts: tuple[str, ...] = ()
    """The holdouts that are about such a contact, where the customer was looked for in them; a look says in which."""
    retention: str = ""
    """The class of retention; empty: none of the policy's."""
    keep_days: int = 0
    """How long the class keeps the record; 0: `DEFAULT_KEEP_DAYS`."""
    steps: Steps | None = None
    took_us: int = 0
    """Microseconds from when the call came in until this was written: the whole time of a call that was refused."""
    values: SealedValues | None = None
    """The request fields and facts that it was decided by; `None` where there are none, or they are not recorded."""


class Settlement(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How an admitted call ended."""

    id: str
    settled_ms: int
    status: str
    """Canonical status name the caller got, "OK" included."""
    reason: str = ""
    in_doubt: bool = False
    """The upstream may or may not have acted; what was taken stays taken."""
    gave_back: bool = False
    """What was taken was given back, because the upstream has not acted."""
    total_us: int = 0
    upstream_us: int = 0
    overhead_us: int = 0
    """Total less upstream: what the gateway itself added."""
    admit_us: int = 0
    """Of that, from the verdict until the buckets were taken and the record written."""
    settle_us: int = 0
    """Of that, what came after the upstream: redacting the reply, and keeping what later calls depend on."""
    costs: Mapping[str, int] = {}
    """What it really cost, by budget, where that is known."""
    messages_in: int = 0
    messages_out: int = 0
    response_bytes: int = 0
    attempts: tuple[Attempt, ...] = ()
    """All tries in the order in which they began, unless the first one answered and was the only one."""
    arm: str = ""
    """The arm that answered or was asked last, where it is not the record's."""
    version: str = ""
    """Likewise."""
    upstream: str = ""
    served: str = ""
    """The version that answered, as the upstream named it."""
    pinned: str = ""
    """What the upstream was asked for by name, where that is not the version's own name."""
    slow: bool = False
    """It took longer than the route's objective allows."""


def citation_of(record: Record, outcome: Outcome) -> str:
    """What the refusal rests on, in the policy's words; empty for an allowed call and where nothing is cited."""
    if 0 <= outcome.refused < len(record.buckets):
        return record.buckets[outcome.refused].citation or record.citation
    return record.citation


def asked_version(record: Record, settlement: Settlement) -> str:
    """What the upstream that answered was asked for."""
    return settlement.pinned or settlement.version or record.version


class CustomerOutcome(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a customer did after a contact, as somebody reported it."""

    decision: str
    """Decision id."""
    type: str
    """One of `gateway.core.outcomes.OUTCOME_TYPES`."""
    occurred_ms: int
    reported_ms: int
    reporter: str
    """Name of the agent that reported it."""
    revenue_cents: int = 0
    currency: str = ""
    event: str = ""
    """The reporter's own id of the event, see `gateway.core.outcomes.event_of`."""
    traceparent: str = ""
    """The span in which it was reported, as the W3C header has it; empty where the reporter sent none."""
    question: str = ""
    """Of an answer to a survey: what was asked, such as "nps"."""
    answer: str = ""
    """Likewise the answer: a word or a whole number."""


def subject_ref(key: bytes, *, tenant: str, subject: str) -> str:
    """Pseudonym of a subject: 32 hexadecimal digits, the same on every gateway that holds the same key.

    Keyed (BLAKE2b, RFC 7693, 128 bits), because resource names are guessable and a plain hash of them would be too. Of
    the key the first 64 bytes count. HMAC-SHA256 would do as well, at three times the price in every call.
    """
    text = f"{tenant}\x00{subject}".encode()
    return hashlib.blake2b(text, digest_size=16, key=key[: hashlib.blake2b.MAX_KEY_SIZE]).hexdigest()


def contact_ref(key: bytes, *, tenant: str, contact_point: str) -> str:
    """Pseudonym of a contact point, made like that of a subject; the two never meet, since no subject holds a NUL."""
    return subject_ref(key, tenant=tenant, subject=f"\x00{contact_point}")


def person_ref(key: bytes, *, tenant: str, issuer: str, person: str) -> str:
    """Pseudonym of somebody on whose behalf agents call, made like that of a subject; `issuer` says who knows them."""
    return subject_ref(key, tenant=tenant, subject=f"\x00\x00\x00{issuer}\x00{person}")


def consent_of(record: Record) -> RuleLook | None:
    """The consent that a contact rests on: the first that was wanted and found on record; `None` where none was."""
    found = (look for look in record.rules if look.standing == "granted" and look.mode == "enforce")
    return next(found, None)


def session_ref(key: bytes, *, tenant: str, session: str) -> str:
    """Pseudonym of a session, made like that of a subject; neither a subject nor a contact point begins so."""
    return subject_ref(key, tenant=tenant, subject=f"\x00\x00{session}")


def decision_id(*, now_ms: int, random: bytes) -> str:
    """A UUIDv7 (RFC 9562) as 32 hexadecimal digits: sorts by time. `random` is 10 bytes from the caller."""
    tail = int.from_bytes(random)
    rand_a = 0x7000 | (tail >> 68) & 0xFFF
    rand_b = 0x8000000000000000 | tail & 0x3FFFFFFFFFFFFFFF
    return f"{now_ms & 0xFFFFFFFFFFFF:012x}{rand_a:04x}{rand_b:016x}"
