"""Comparisons of fairness in words, as a page, a command or anybody else shows them. Pure."""

from collections.abc import Iterable

import msgspec

from pilote.vault.v1 import vault_service_pb2 as pb
from services.findings.texts import say
from services.findings.wording import TOGETHER, grouped, number, rate


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
    naive: bool
    alert: bool


def compared(each: pb.Comparison, *, language: str) -> Compared:
    """It in words."""

    def got(value: float) -> str:
        return rate(value, share=each.share, language=language)

    low, high = (number(end, language=language) for end in (each.ratio_low, each.ratio_high))
    return Compared(
        agent=each.agent,
        version=each.version,
        measure=say(f"measure-{each.measure}", language=language),
        attribute=grouped("attribute", TOGETHER.join(each.attributes), language=language),
        group=grouped("group", TOGETHER.join(each.group), language=language),
        persons=each.persons,
        rate=got(each.rate),
        rate_within=f"{got(each.rate_low)} \N{EN DASH} {got(each.rate_high)}",
        reference=grouped("group", TOGETHER.join(each.reference), language=language),
        reference_persons=each.reference_persons,
        reference_rate=got(each.reference_rate),
        reference_within=f"{got(each.reference_rate_low)} \N{EN DASH} {got(each.reference_rate_high)}",
        ratio=number(each.ratio, language=language) if each.HasField("ratio") else "",
        ratio_within=f"{low} \N{EN DASH} {high}",
        naive=each.naive,
        alert=each.alert,
    )


def truths_told(truths: Iterable[pb.Truth], *, language: str) -> tuple[str, ...]:
    """By what it is known what would have been right, and of how many people."""
    return tuple(
        say(f"truth-{each.by}", language=language, people=number(each.people, language=language)) for each in truths
    )
