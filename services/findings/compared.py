"""Comparisons of fairness in words, as a page, a command or anybody else shows them. Pure."""

from collections.abc import Iterable

import msgspec

from pilote.vault.v1 import vault_service_pb2 as pb
from services.findings.texts import say
from services.findings.wording import TOGETHER, by_chance, grouped, number, percent, rate


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison in words."""

    agent: str
    version: str
    measure: str
    attribute: str
    group: str
    persons: int
    rate: str
    rate_within: str
    """Its interval; likewise of the reference and the ratio."""
    reference: str
    reference_persons: int
    reference_rate: str
    reference_within: str
    ratio: str
    """Empty where it has no number."""
    ratio_within: str
    within: str
    """The ratio within segments with its interval and a word for how it stands; empty where it was not compared."""
    naive: bool
    naive_chance: str
    """How often four fifths alone would call it unfair by chance."""
    alert: bool


class Small(msgspec.Struct, frozen=True, kw_only=True):
    """A group that is too small to be told of, in words."""

    attribute: str
    group: str
    hidden: int
    """In so many comparisons by this attribute."""
    of: int


def compared(each: pb.Comparison, *, language: str) -> Compared:
    """It in words."""

    def got(value: float) -> str:
        return rate(value, share=each.share, language=language)

    def between(low: float, high: float) -> str:
        ends = [got(end) if each.share else number(end, language=language) for end in (low, high)]
        return " \N{EN DASH} ".join(ends)

    low, high = (number(end, language=language) for end in (each.ratio_low, each.ratio_high))
    return Compared(
        agent=each.agent,
        version=each.version,
        measure=say(f"measure-{each.measure}", language=language),
        attribute=grouped("attribute", TOGETHER.join(each.attributes), language=language),
        group=grouped("group", TOGETHER.join(each.group), language=language),
        persons=each.persons,
        rate=got(each.rate),
        rate_within=between(each.rate_low, each.rate_high),
        reference=grouped("group", TOGETHER.join(each.reference), language=language),
        reference_persons=each.reference_persons,
        reference_rate=got(each.reference_rate),
        reference_within=between(each.reference_rate_low, each.reference_rate_high),
        ratio=number(each.ratio, language=language) if each.HasField("ratio") else "",
        ratio_within=f"{low} \N{EN DASH} {high}",
        within=_within(each.within, language) if each.HasField("within") else "",
        naive=each.naive,
        naive_chance=percent(each.naive_chance, language=language),
        alert=each.alert,
    )


def small(each: pb.SmallGroup, *, language: str) -> Small:
    """It in words."""
    return Small(
        attribute=grouped("attribute", TOGETHER.join(each.attributes), language=language),
        group=grouped("group", TOGETHER.join(each.group), language=language),
        hidden=each.hidden_count,
        of=each.count,
    )


def by_chance_told(week: pb.Week, *, language: str) -> str:
    """How often four fifths alone alarms by chance in such a week, and how seldom this rule does."""
    return by_chance(week.naive_false_alarms, week.false_alarms, language=language)


def truths_told(truths: Iterable[pb.Truth], *, language: str) -> tuple[str, ...]:
    """By what it is known what would have been right, and of how many people."""
    return tuple(
        say(f"truth-{each.by}", language=language, people=number(each.people, language=language)) for each in truths
    )


def _within(found: pb.Within, language: str) -> str:
    word = say(f"within-short-{found.word}", language=language)
    if not found.HasField("ratio"):
        return word
    ratio, low, high = (number(end, language=language) for end in (found.ratio, found.ratio_low, found.ratio_high))
    return f"{ratio} ({low} \N{EN DASH} {high}), {word}"
