"""What a suite of probes says, as people write it in YAML: calls to start from, and what must hold of them. Pure."""

from typing import Annotated, Any, Final, Literal

import msgspec

from gateway.core.policy.vocabulary import Duration, Name, Part, Text

MOST_CASES: Final = 10_000
"""Calls that one suite makes at most."""
MOST_VALUES: Final = 1_000
Verdict = Literal["ALLOW", "DEFER", "HOLD", "DENY"]
"""From the most permissive to the strictest."""
STRICTNESS: Final[tuple[Verdict, ...]] = ("ALLOW", "DEFER", "HOLD", "DENY")
Place = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=200, pattern=r"^(agent|at|contacts|(request|facts|metadata)(\.[^.\s]+)+)\Z"),
]
"""One field of a call, dotted: "facts.traits.city", "request.message.body"; numbers are places in lists."""
Known = Literal["first-names", "genders", "postcodes", "time-zone-spellings"]
"""Values that come with Pilote."""
Changes = dict[Place, Any]


class Base(Part, frozen=True, kw_only=True):
    """A call to start from."""

    name: Name
    agent: Name
    method: Text
    request: dict[str, Any] = msgspec.field(default_factory=dict)
    """As protobuf JSON."""
    facts: dict[str, Any] | None = None
    """What is known of the customer, as `pilote facts import` takes it, and `pressure`; null: nothing is."""
    contacts: tuple[Duration, ...] = ()
    """How long before the call the customer was contacted: each counts in the caps that the call itself takes from."""
    at: str = "2026-01-05T10:00:00Z"
    """When it is made, RFC 3339. Nothing depends on when a probe runs."""
    metadata: dict[str, str] = msgspec.field(default_factory=dict)


class Answered(Part, frozen=True, kw_only=True):
    """What one value of a model's answer must be like: one of `equals`, a range, `contains` and `lacks` is given."""

    of: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    """Its place in the answer, dotted: "outputs.0.contents.fp32_contents.0"."""
    equals: str | bool | int | float | None = None
    """`tolerance` is allowed to numbers."""
    tolerance: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    least: float | None = None
    most: float | None = None
    contains: str | None = None
    """Of texts; capitals do not matter."""
    lacks: str | None = None


class Wanted(Part, frozen=True, kw_only=True):
    """What must come of a call; what is not said does not matter. At least one of these is given."""

    verdict: Verdict | None = None
    reason: str | None = None
    rule: str | None = None
    """The rule, limit or cap that decides; of an allowed call the rule that allows it."""
    answer: tuple[Answered, ...] = ()
    """Of a model: what its answer must be like."""


class Variation(Part, frozen=True, kw_only=True):
    """A field, and values that it may have; `known` names some that come with Pilote."""

    field: Place
    values: Annotated[tuple[Any, ...], msgspec.Meta(max_length=MOST_VALUES)] = ()
    known: Known | None = None


class Compared(Part, frozen=True, kw_only=True):
    """What must stay the same in a model's answer."""

    of: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    tolerance: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Probe(Part, frozen=True, kw_only=True):
    """What every kind of probe has."""

    name: Name
    kind: str
    base: Name
    changes: Changes = msgspec.field(name="with", default_factory=dict)
    """What of the base is different here, by its place."""


class Expect(Probe, frozen=True, kw_only=True):
    """Minimum functionality: this very call comes to this."""

    expect: Wanted


class Invariance(Probe, frozen=True, kw_only=True):
    """None of these values ever changes what comes of the call, alone or together."""

    vary: tuple[Variation, ...]
    same: Annotated[tuple[Literal["verdict", "reason", "rule"], ...], msgspec.Meta(min_length=1)] = ("verdict",)
    answer: tuple[Compared, ...] = ()
    """Of a model: what stays the same; empty: all of the answer."""


class Direction(Probe, frozen=True, kw_only=True):
    """Along the values, in their order, what comes of the call never moves the other way."""

    along: Place
    values: Annotated[tuple[Any, ...], msgspec.Meta(min_length=2, max_length=MOST_VALUES)]
    never: Literal["more-permissive", "stricter", "less", "more"] = "more-permissive"
    """Of a policy one of the first two; of a model one of the others, and `of` says which number of its answer."""
    of: Annotated[str, msgspec.Meta(max_length=200)] = ""
    vary: tuple[Variation, ...] = ()
    """It holds for each of these as well."""


class Adversarial(Probe, frozen=True, kw_only=True):
    """Texts that are meant to do harm change nothing, and are found nowhere outside the request."""

    fields: Annotated[tuple[Place, ...], msgspec.Meta(min_length=1, max_length=50)]
    texts: Annotated[tuple[Text, ...], msgspec.Meta(max_length=MOST_VALUES)] = ()
    """More than those that come with Pilote."""
    verdict: Literal["same", "never-more-permissive"] = "same"
    """"never-more-permissive" where such a text may well be refused."""
    lacks: tuple[Text, ...] = ()
    """Of a model: what its answer must not hold, such as a secret of its instructions."""


KINDS: Final[dict[str, type[Probe]]] = {
    "expect": Expect,
    "invariance": Invariance,
    "direction": Direction,
    "adversarial": Adversarial,
}


class Header(Part, frozen=True, kw_only=True):
    """A suite as it is written, before its probes are told apart."""

    suite: Name
    description: str = ""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 1
    """The same seed makes the same cases."""
    cases: Annotated[int, msgspec.Meta(ge=1, le=MOST_CASES)] = 2_000
    """Calls that are made at most, before a failing one is made small; each probe has an equal share."""
    bases: tuple[Base, ...]
    probes: tuple[Any, ...]


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """A suite that has no mistakes."""

    name: str
    sha256: str
    """Of its text, in UTF-8."""
    description: str
    seed: int
    cases: int
    bases: dict[str, Base]
    probes: tuple[Probe, ...]
