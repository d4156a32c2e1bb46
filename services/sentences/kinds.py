"""What can be said in a sentence, each kind with its slots.

A sentence is plain values: what is said of it in a language, and which part of a policy it writes, is told elsewhere.
An empty slot bounds nothing: no channel means any channel, no segment any customer.
"""

from typing import Annotated, Final, Literal, get_args

import msgspec

from gateway.core.call import Operation
from gateway.core.consents import Basis
from gateway.core.policy.counting import Dimension
from gateway.core.policy.vocabulary import Amount, ClockTime, Count, Day, Duration, Name

DAYS: Final[tuple[Day, ...]] = get_args(Day)
Word = Annotated[str, msgspec.Meta(pattern=r"^(?! )[^\x00-\x1f\x7f-\xa0\u202f“”\"«»\\]{1,200}(?<! )\Z")]
"""A text that stands in quotes in a sentence."""
Instead = Annotated[str, msgspec.Meta(pattern=r"^((?! )[^\x00-\x1f\x7f-\xa0\u202f“”\"«»\\]{1,200}(?<! ))?\Z")]
"""The same, or none."""
Path = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|\*))*\Z", max_length=200)]
"""The path of a field: "contact.email"; "*" is every element."""
Method = Annotated[str, msgspec.Meta(pattern=r"^/?[A-Za-z][A-Za-z0-9_./*-]{0,199}(?<![.-])\Z")]
Zone = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Za-z0-9_+/-]{0,60}[A-Za-z0-9_]\Z")]
PerhapsZone = Annotated[str, msgspec.Meta(pattern=r"^([A-Z][A-Za-z0-9_+/-]{0,60}[A-Za-z0-9_])?\Z")]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")]
Perhaps = Annotated[str, msgspec.Meta(pattern=r"^([1-9][0-9]{0,8}(ms|s|m|h|d))?\Z")]
"""A time, or none."""
Period = Annotated[str, msgspec.Meta(pattern=r"^([1-9][0-9]{0,8}(ms|s|m|h|d)|day|week|month|year)\Z")]
"""A time that rolls, "7d", or a period of the calendar, "week"."""
Number = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Order = Literal["above", "at_least", "below", "at_most", "exactly"]
Exceed = Literal["", "defer", "review"]
Sensitivity = Literal["", "INTERNAL", "PERSONAL", "SPECIAL", "CREDENTIAL"]


KEYWORDS: Final = frozenset({"in", "true", "false", "null"})
"""Of CEL: no field can be selected by such a name."""


class _Plain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Plain values."""


class Is(_Plain, frozen=True, kw_only=True):
    """A text that somebody knows of a customer or an agent is one of these, or none of them."""

    name: Word
    values: Annotated[tuple[Word, ...], msgspec.Meta(min_length=1)]
    negated: bool = False
    """None of these; what is not known is none of them either."""
    or_unknown: bool = False
    """Or it is not known."""

    def __post_init__(self) -> None:
        if self.negated and self.or_unknown:
            raise ValueError("what is not known is none of the values anyway: leave or_unknown out")


class Compares(_Plain, frozen=True, kw_only=True):
    """A number that is known of a customer, against another one."""

    name: Word
    order: Order
    value: Number
    or_unknown: bool = False


class Asks(_Plain, frozen=True, kw_only=True):
    """A number in the request, against another one."""

    path: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\Z", max_length=200)]
    order: Order
    value: Whole | Number

    def __post_init__(self) -> None:
        if KEYWORDS & set(self.path.split(".")):
            raise ValueError("a field of that name cannot be asked for in CEL")


class Sentence(_Plain, frozen=True, kw_only=True, tag_field="kind"):
    """What all sentences have."""

    watched: bool = False
    """For now nothing follows: it is only noted."""


class Contacts(Sentence, frozen=True, kw_only=True):
    """About messages to customers."""

    categories: tuple[Name, ...] = ()
    topics: tuple[Name, ...] = ()
    brands: tuple[Name, ...] = ()
    channels: tuple[Name, ...] = ()
    segments: tuple[Word, ...] = ()
    exempt: tuple[Name, ...] = ()
    """Categories that are neither bounded nor counted."""


class Cap(Contacts, frozen=True, kw_only=True, tag="cap"):
    """Never more than so many messages within a time."""

    max: Count
    period: Period
    each: tuple[Literal["channel", "category"], ...] = ()
    """What is counted apart; nothing: all together."""
    exceed: Exceed = ""
    """What becomes of what is too much: it is refused, kept for later, or shown to a person."""


class Gap(Contacts, frozen=True, kw_only=True, tag="gap"):
    """A shortest time between two messages."""

    gap: Duration
    each: tuple[Literal["channel", "category"], ...] = ()
    exceed: Exceed = ""


class Repeat(Contacts, frozen=True, kw_only=True, tag="repeat"):
    """Not the same topic, brand or campaign more than so many times."""

    same: Literal["topic", "brand", "campaign"]
    max: Count
    period: Period
    exceed: Exceed = ""


class Calls(Sentence, frozen=True, kw_only=True):
    """About calls, by what is asked, of whom and by whom."""

    agents: tuple[Name, ...] = ()
    labels: tuple[Is, ...] = ()
    """Of the agent."""
    operations: tuple[Operation, ...] = ()
    methods: tuple[Method, ...] = ()
    channels: tuple[Name, ...] = ()
    categories: tuple[Name, ...] = ()
    purposes: tuple[Name, ...] = ()
    campaigns: tuple[Word, ...] = ()
    """In their one spelling, "ete-2026"."""
    segments: tuple[Word, ...] = ()
    """The customer is in one of these."""
    outside: tuple[Word, ...] = ()
    """The customer is in none of these."""
    traits: tuple[Is, ...] = ()
    scores: tuple[Compares, ...] = ()
    pressure: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None
    """The customer's contact pressure is above it."""
    unagreed: bool = False
    """The customer has not agreed to the channel."""
    request: tuple[Asks, ...] = ()


class Never(Calls, frozen=True, kw_only=True, tag="never"):
    """Such calls are refused."""

    def __post_init__(self) -> None:
        if any(each.negated for each in self.labels):
            raise ValueError("say “only” of agents whose label is something, in place of “never” of all others")


class Hold(Calls, frozen=True, kw_only=True, tag="hold"):
    """A person looks at such calls first."""


class May(Calls, frozen=True, kw_only=True, tag="may"):
    """Such calls are let through where nothing refuses them."""


class Only(Calls, frozen=True, kw_only=True, tag="only"):
    """Such calls are refused of everybody but these agents. It lets nobody through by itself."""

    def __post_init__(self) -> None:
        if not self.agents and not self.labels:
            raise ValueError("say which agents: without any, nobody may")
        if any(each.negated or each.or_unknown for each in self.labels):
            raise ValueError("say which labels the agents have, not which they lack")


class Redact(Calls, frozen=True, kw_only=True, tag="redact"):
    """Fields are taken out of replies or requests."""

    fields: tuple[Path, ...] = ()
    sensitivity: Sensitivity = ""
    side: Literal["reply", "request"] = "reply"
    instead: Instead = ""

    def __post_init__(self) -> None:
        if not self.fields and not self.sensitivity:
            raise ValueError("say which fields are taken out, or how sensitive they are")


class Span(_Plain, frozen=True, kw_only=True):
    """From one time of day until before another."""

    start: ClockTime
    end: ClockTime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError("the hours end before they begin: for a night, name two spans")


class Hours(Sentence, frozen=True, kw_only=True, tag="hours"):
    """Messages only at certain hours."""

    channels: tuple[Name, ...] = ()
    categories: tuple[Name, ...] = ()
    spans: Annotated[tuple[Span, ...], msgspec.Meta(min_length=1)]
    days: Annotated[tuple[Day, ...], msgspec.Meta(min_length=1)] = DAYS
    zone: PerhapsZone = ""
    """Whose clock; empty: the customer's own."""
    fallback: PerhapsZone = ""
    """Where the customer's own is unknown; empty: then there are no hours."""
    holidays: Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{2})?\Z")] = ""
    later: bool = False
    """What comes at other times is kept, and made then."""

    def __post_init__(self) -> None:
        if list(self.days) != sorted(set(self.days), key=DAYS.index):
            raise ValueError("name each day once, from Monday on")
        if self.zone and self.fallback:
            raise ValueError("a clock that is always the same has no second one: leave fallback out")


class Consent(Sentence, frozen=True, kw_only=True, tag="consent"):
    """Messages only with a consent, or another basis."""

    channels: tuple[Name, ...] = ()
    categories: tuple[Name, ...] = ()
    purposes: tuple[Name, ...] = ()
    bases: Annotated[tuple[Basis, ...], msgspec.Meta(min_length=1)] = ("consent",)
    anywhere: bool = False
    """What was said of any address or number counts."""
    max_age: Perhaps = ""
    silence: Perhaps = ""
    """So long after a refusal or an opt-out nothing is sent."""


class After(Sentence, frozen=True, kw_only=True, tag="after"):
    """Not so soon after something else was done."""

    within: Duration
    first: tuple[Operation, ...] = ()
    first_methods: tuple[Method, ...] = ()
    then: tuple[Operation, ...] = ()
    then_methods: tuple[Method, ...] = ()
    by: Literal["subject", "agent"] = "subject"
    whose: Literal["any", "same", "other"] = "any"
    """Whose first step counts."""
    ask: bool = False
    """A person is asked in place of a refusal."""

    def __post_init__(self) -> None:
        if self.by == "agent" and self.whose == "other":
            raise ValueError("an agent is no other than itself")


By = tuple[Dimension, ...]


class Limit(Calls, frozen=True, kw_only=True, tag="limit"):
    """At most so many calls within a time."""

    max: Amount
    period: Period
    by: By = ()


class Rate(Calls, frozen=True, kw_only=True, tag="rate"):
    """Calls no faster than so many in a time, evenly."""

    rate: Count
    per: Duration
    burst: Count | None = None
    by: By = ()


class Running(Calls, frozen=True, kw_only=True, tag="running"):
    """At most so many calls at a time."""

    at_once: Count
    by: By = ()


Kind = Cap | Gap | Repeat | Never | Hold | May | Only | Redact | Hours | Consent | After | Limit | Rate | Running
KINDS: Final[dict[str, type[Sentence]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Kind)}
"""By name, in the order in which people meet them."""


def made(plain: object) -> Kind:
    """The sentence of plain values, such as JSON has.

    Raises:
        msgspec.ValidationError: they are none; its text says which slot is wrong.
    """
    found: Kind = msgspec.convert(plain, Kind)
    return found


def kind_of(sentence: Sentence) -> str:
    """The name of its kind."""
    return str(sentence.__struct_config__.tag)
