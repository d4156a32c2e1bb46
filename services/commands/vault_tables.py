"""What the vault holds, and what was compared by it, as tables. Pure."""

from collections.abc import Iterable, Sequence

from pilote.vault.v1 import vault_service_pb2 as pb
from services.commands.vault_texts import say
from services.findings.wording import TOGETHER, grouped, number, rate

Rows = tuple[tuple[str, ...], ...]


def held_rows(held: Iterable[pb.Attribute], *, language: str) -> Rows:
    """What is held; the first row names the columns."""
    head = tuple(say("columns", language=language).split("|"))
    return (head, *(_held(each) for each in held))


def compared_rows(weeks: Sequence[pb.Week], *, language: str) -> Rows:
    """All comparisons, the surest first; the first row names the columns."""
    head = tuple(say("compared-columns", language=language).split("|"))
    return (head, *(_compared(week.tenant, each, language) for week in weeks for each in week.comparisons))


def _held(held: pb.Attribute) -> tuple[str, ...]:
    until = held.last_expire_time.ToJsonString() if held.HasField("last_expire_time") else ""
    return (held.tenant, held.attribute, str(held.people), held.purpose, held.legal_basis, until)


def _compared(tenant: str, each: pb.Comparison, language: str) -> tuple[str, ...]:
    def got(value: float) -> str:
        return rate(value, share=each.share, language=language)

    low, high = (number(end, language=language) for end in (each.ratio_low, each.ratio_high))
    return (
        *(tenant, each.agent, each.version, say(f"measure-{each.measure}", language=language)),
        grouped("attribute", TOGETHER.join(each.attributes), language=language),
        f"{grouped('group', TOGETHER.join(each.group), language=language)} ({each.persons})",
        got(each.rate),
        f"{grouped('group', TOGETHER.join(each.reference), language=language)} ({each.reference_persons})",
        got(each.reference_rate),
        number(each.ratio, language=language) if each.HasField("ratio") else "",
        f"{low} \N{EN DASH} {high}",
        say("yes" if each.naive else "no", language=language),
        say("yes" if each.alert else "no", language=language),
    )
