"""What the vault holds, and what was compared by it, as programs are told. Pure."""

import datetime as dt
import math

import msgspec

from pilote.vault.v1 import vault_service_pb2 as pb


class AttributeShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is held of one attribute of a tenant: never of whom, nor what."""

    tenant: str
    attribute: str
    purpose: str
    legal_basis: str
    people: int
    """Of how many people."""
    load_time: dt.datetime
    """When it was loaded last."""
    first_expire_time: dt.datetime | None
    """When the first of its values is deleted by itself; `null` where there is none."""
    last_expire_time: dt.datetime | None


class WithinShown(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison among people who are in the same segments."""

    word: str
    """How it stands to the one over all: "SAME", "EXPLAINED" where the gap only mirrors who is in which segment,
    "HIDDEN" where only this one shows a gap, "REVERSED", "UNSURE" or "TOO_FEW"."""
    ratio: float | None
    """`null` where it has no number; likewise its interval, up to `high`."""
    low: float | None
    high: float | None
    strata: int
    """How many sets of segments have people of both groups."""


class ComparisonShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One group beside the largest one, of 30 people or more each."""

    agent: str
    version: str
    measure: str
    """"offers" and "inferences", of which more is good, or "contacts" and "refusals", which are burdens; of those for
    whom it would have been right "true-outcomes" and "true-reviews", of the others "false-outcomes" and
    "false-reviews", by what customers did or reviews say."""
    attributes: tuple[str, ...]
    """One, or both of an intersection."""
    group: tuple[str, ...]
    """A value of each."""
    reference: tuple[str, ...]
    """Whom it is held against."""
    persons: int
    reference_persons: int
    rate: float
    """A share of 1, or where `share` is false a number per person."""
    rate_low: float
    """The interval of it, of the level `level`; likewise the next ones."""
    rate_high: float | None
    """`null`: without an end."""
    reference_rate: float
    reference_rate_low: float
    reference_rate_high: float | None
    share: bool
    ratio: float | None
    """The one rate by the other; `null` where it has no number."""
    low: float
    """The interval of the ratio, up to `high`; `null` there: without an end."""
    high: float | None
    level: float
    """Of that interval."""
    benefit: bool
    naive: bool
    """Whether the rule of four fifths alone would call it unfair."""
    alert: bool
    """Whether it surely is: beyond four fifths, and surely not 1 among all that was compared."""
    start_time: dt.datetime
    """From when on it was decided so: of outcomes the week before, of reviews four weeks."""
    end_time: dt.datetime
    naive_chance: float
    """How often, 0 to 1, four fifths alone would call it unfair where both groups are treated alike."""
    within: WithinShown | None
    """The same within segments; `null` where these are not known, or all are in the same."""


class SmallGroupShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A group of fewer than 30 people, or nobody, or one that would tell of such a group."""

    attributes: tuple[str, ...]
    group: tuple[str, ...]
    hidden_count: int
    """In how many comparisons of measures by these attributes it is too small."""
    count: int
    """Of how many."""


class TruthShown(msgspec.Struct, frozen=True, kw_only=True):
    """By what it is known what would have been right."""

    by: str
    """"outcomes": what customers did after contacts; "reviews": what people said of decisions."""
    people: int
    """Of how many people of whom the vault knows anything, 30 or more."""


class WeekShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tenant's week."""

    tenant: str
    start_time: dt.datetime
    end_time: dt.datetime
    comparisons: tuple[ComparisonShown, ...]
    """The surest first, at most 1,000."""
    total: int
    """How many there are."""
    naive: int
    """How many of them the rule of four fifths alone would call unfair."""
    false_alarms: float
    """At most this share of such weeks has any alert where all are treated alike."""
    truths: tuple[TruthShown, ...] = ()
    """What is known of fewer people is none."""
    naive_false_alarms: float
    """At least this share of such weeks has groups that four fifths alone would call unfair where all are treated
    alike: by simulation, for the very groups of the week."""
    small_groups: tuple[SmallGroupShown, ...]
    """Groups that are too small to be told of, those that are nowhere first, at most 1,000."""


def attribute_shown(held: pb.Attribute) -> AttributeShown:
    """It as programs are told."""
    some = held.HasField("first_expire_time")
    return AttributeShown(
        tenant=held.tenant,
        attribute=held.attribute,
        purpose=held.purpose,
        legal_basis=held.legal_basis,
        people=held.people,
        load_time=held.load_time.ToDatetime(tzinfo=dt.UTC),
        first_expire_time=held.first_expire_time.ToDatetime(tzinfo=dt.UTC) if some else None,
        last_expire_time=held.last_expire_time.ToDatetime(tzinfo=dt.UTC) if some else None,
    )


def week_shown(week: pb.Week) -> WeekShown:
    """It as programs are told."""
    return WeekShown(
        tenant=week.tenant,
        start_time=week.start_time.ToDatetime(tzinfo=dt.UTC),
        end_time=week.end_time.ToDatetime(tzinfo=dt.UTC),
        comparisons=tuple(_comparison(each) for each in week.comparisons),
        total=week.total,
        naive=week.naive,
        false_alarms=week.false_alarms,
        truths=tuple(TruthShown(by=each.by, people=each.people) for each in week.truths),
        naive_false_alarms=week.naive_false_alarms,
        small_groups=tuple(
            SmallGroupShown(
                attributes=tuple(each.attributes),
                group=tuple(each.group),
                hidden_count=each.hidden_count,
                count=each.count,
            )
            for each in week.small_groups
        ),
    )


def _comparison(each: pb.Comparison) -> ComparisonShown:
    return ComparisonShown(
        agent=each.agent,
        version=each.version,
        measure=each.measure,
        attributes=tuple(each.attributes),
        group=tuple(each.group),
        reference=tuple(each.reference),
        persons=each.persons,
        reference_persons=each.reference_persons,
        rate=each.rate,
        rate_low=each.rate_low,
        rate_high=_finite(each.rate_high),
        reference_rate=each.reference_rate,
        reference_rate_low=each.reference_rate_low,
        reference_rate_high=_finite(each.reference_rate_high),
        share=each.share,
        ratio=_finite(each.ratio) if each.HasField("ratio") else None,
        low=each.ratio_low,
        high=_finite(each.ratio_high),
        level=each.level,
        benefit=each.benefit,
        naive=each.naive,
        alert=each.alert,
        start_time=each.start_time.ToDatetime(tzinfo=dt.UTC),
        end_time=each.end_time.ToDatetime(tzinfo=dt.UTC),
        naive_chance=each.naive_chance,
        within=_within(each.within) if each.HasField("within") else None,
    )


def _within(found: pb.Within) -> WithinShown:
    known = found.HasField("ratio")
    return WithinShown(
        word=found.word,
        ratio=_finite(found.ratio) if known else None,
        low=found.ratio_low if known else None,
        high=_finite(found.ratio_high) if known else None,
        strata=found.strata,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
