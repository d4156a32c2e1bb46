"""What the commands about reviews show."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from gateway.adapters.revisions import RevisionStore
from gateway.core.texts import saying, typeset
from gateway.redis_clients import Client
from services.commands.halting import tenants_of
from services.findings.wording import number, percent
from services.reviews.store import ReviewStore
from services.reviews.telling import Told, told

_TEXTS: Final = {
    "queue": (
        "{tenant}: {waiting} wait, {overdue} of them overdue; {settled} were settled in 28 days.",
        "{tenant} : {waiting} en attente, dont {overdue} en retard ; {settled} tranchées en 28 jours.",
    ),
    "agreement": (
        "  Agreement of {n} pairs: kappa {kappa}, between {low} and {high}.",
        "  Accord sur {n} paires : kappa {kappa}, entre {low} et {high}.",
    ),
    "known": (
        "  Known answers met: {count} of {of}.",
        "  Réponses connues retrouvées : {count} sur {of}.",
    ),
    "wrong": (
        "  {agent} {version}: {value} of {decisions} decisions are wrong, between {low} and {high} ({n} reviewed).",
        "  {agent} {version} : {value} des {decisions} décisions sont erronées, entre {low} et {high} ({n} revues).",
    ),
    "few": (
        "  {agent} {version}: {n} of {decisions} decisions reviewed, too few to tell.",
        "  {agent} {version} : {n} des {decisions} décisions revues, trop peu pour conclure.",
    ),
}
_say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})


async def told_of(redis: Client, *, tenant: str, now_ms: int) -> tuple[Told, ...]:
    """Of a tenant, or of all tenants of the active policy, what the reviews of the last 28 days tell.

    Raises:
        RedisError: the store does not answer.
    """
    store, tenants = ReviewStore(redis), (tenant,) if tenant else await tenants_of(RevisionStore(redis))
    return tuple([await told(store, name, now_ms=now_ms) for name in tenants])


def waiting(found: Sequence[Told]) -> tuple[tuple[str, ...], ...]:
    """A table; the first row names the columns."""
    rows = ((each.tenant, str(each.waiting), str(each.overdue), str(each.numbers.settled)) for each in found)
    return (("tenant", "waiting", "overdue", "settled"), *rows)


def as_object(found: Told) -> dict[str, Any]:
    """All of it, as JSON has it."""
    return {
        "tenant": found.tenant,
        "waiting": found.waiting,
        "overdue": found.overdue,
        "settled": found.numbers.settled,
        "agreement": found.numbers.agreement,
        "all": found.numbers.all,
        "wrong": [
            {
                "agent": each.agent,
                "model": each.model,
                "modelVersion": each.model_version,
                "decisions": each.decisions,
                "rate": each.rate,
            }
            for each in found.numbers.wrong
        ],
    }


def lines(found: Told, *, language: str) -> Iterator[str]:
    """The same in words."""

    def said(key: str, **values: object) -> str:
        shown = {
            name: number(value, language=language) if isinstance(value, (int, float)) else value
            for name, value in values.items()
        }
        return _say(key, language=language, **shown)

    def share(value: float) -> str:
        return percent(value, language=language)

    numbers = found.numbers
    agreed, known = numbers.agreement, numbers.all.known
    yield said("queue", tenant=found.tenant, waiting=found.waiting, overdue=found.overdue, settled=numbers.settled)
    if agreed.kappa is not None and agreed.items:
        yield said("agreement", n=agreed.items, kappa=agreed.kappa, low=agreed.low, high=agreed.high)
    if known.of:
        yield said("known", count=known.count, of=known.of)
    for each in numbers.wrong:
        about = {"agent": each.agent, "version": f"{each.model} {each.model_version}".strip(), "n": each.sums.reviewed}
        if each.rate is None:
            yield said("few", decisions=each.decisions, **about)
            continue
        rate = {"value": share(each.rate.value), "low": share(each.rate.low), "high": share(each.rate.high)}
        yield said("wrong", decisions=each.decisions, **rate, **about)
