"""What an alias does: two names are one customer, so what events have told of the one counts for the other."""

from gateway.adapters.fact_changes import Damaged, FactChanges, Told
from gateway.core.fact_changes import Change, Known, word_in


async def merged(facts: FactChanges, tenant: str, *, previous: str, into: str) -> bool:
    """Tell of the subject `into` what events have told of `previous`, and what that customer has said, by its times.

    `previous` stays as it is, and what is told of it later is not followed. What somebody has stored of it without
    a time, as imports do, is not told. False: what is stored of one of them is damaged.

    Raises:
        RedisError: the store does not answer.
    """
    if previous == into:
        return True
    try:
        known = await facts.read(tenant, previous)
    except Damaged:
        return False
    if known is None:
        return True
    # It may be told twice, which changes nothing: each word has its time.
    told = Told(into, "", _words(known), known.facts.consent_records)
    return into not in (await facts.take(tenant, [told])).damaged


def _words(known: Known) -> tuple[Change, ...]:
    return tuple(Change(fact, at_ms, word_in(known.facts, fact)) for fact, at_ms in known.times.items())
