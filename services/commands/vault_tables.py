"""What the vault holds, and what was compared by it, as tables. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from pilote.vault.v1 import vault_service_pb2 as pb
from services.commands.vault_texts import say
from services.findings.compared import Compared, by_chance_told, compared, small, truths_told

Rows = tuple[tuple[str, ...], ...]


def held_rows(held: Iterable[pb.Attribute], *, language: str) -> Rows:
    """What is held; the first row names the columns."""
    head = tuple(say("columns", language=language).split("|"))
    return (head, *(_held(each) for each in held))


def compared_rows(weeks: Sequence[pb.Week], *, language: str) -> Rows:
    """All comparisons, the surest first; the first row names the columns."""
    head = tuple(say("compared-columns", language=language).split("|"))
    told = ((week.tenant, compared(each, language=language)) for week in weeks for each in week.comparisons)
    return (head, *(_compared(tenant, each, language) for tenant, each in told))


def told_beside(week: pb.Week, *, language: str) -> Iterator[str]:
    """What is to be known beside a week's comparisons: truths, chance, and the groups that are too small."""
    yield from truths_told(week.truths, language=language)
    yield by_chance_told(week, language=language)
    for each in (small(one, language=language) for one in week.small_groups):
        about = {"group": each.group, "attribute": each.attribute, "hidden": each.hidden, "of": each.of}
        yield say("small", language=language, **about)


def _held(held: pb.Attribute) -> tuple[str, ...]:
    until = held.last_expire_time.ToJsonString() if held.HasField("last_expire_time") else ""
    return (held.tenant, held.attribute, str(held.people), held.purpose, held.legal_basis, until)


def _compared(tenant: str, each: Compared, language: str) -> tuple[str, ...]:
    return (
        *(tenant, each.agent, each.version, each.measure, each.attribute),
        f"{each.group} ({each.persons})",
        f"{each.rate} ({each.rate_within})",
        f"{each.reference} ({each.reference_persons})",
        f"{each.reference_rate} ({each.reference_within})",
        *(each.ratio, each.ratio_within, each.within),
        say("yes" if each.naive else "no", language=language),
        each.naive_chance,
        say("yes" if each.alert else "no", language=language),
    )
