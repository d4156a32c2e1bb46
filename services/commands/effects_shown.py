"""What a backtest has found, as tables and sentences, and as data."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.core.change_words import percent
from gateway.core.simulating.differences import Difference
from gateway.core.simulating.effects import Changed, Sum
from gateway.core.texts import LANGUAGES, number
from services.audit.shadows import wilson
from services.commands.effects_texts import VERDICTS, say
from services.commands.forecast_shown import as_data as forecast_data
from services.commands.forecast_shown import sentences as forecast_sentences
from services.commands.planning import share
from services.commands.simulating import Simulated

_OUTCOMES: Final = ("converted", "unsubscribed", "complained", "bounced")
Table = tuple[tuple[str, ...], ...]


def tables(found: Simulated, *, language: str) -> Iterator[Table]:
    """What would change, by agent, by variation, and the measures; the names of the columns first in each."""
    effects = found.effects
    if effects.found:
        head = tuple(say("columns", language=language).split("|"))
        yield (head, *(_row(each, its, found, language) for each, its in effects.found.items()))
    for key, sums in (("agents", effects.by_agent), ("variations", effects.by_variation)):
        if sums and (effects.all.refused or effects.all.allowed):
            yield (tuple(say(key, language=language).split("|")), *_sums(sums))
    if effects.all.calls:
        yield (tuple(say("measures", language=language).split("|")), *_measures(found, language))


def sentences(found: Simulated, *, language: str) -> tuple[str, ...]:
    """What was replayed, what was left out and why, what is exact and what is an estimate."""
    effects, said = found.effects, []
    if effects.all.calls:
        values = {"calls": effects.all.calls, "otherwise": effects.otherwise}
        shown = _share(effects.otherwise, found, language)
        said.append(
            say("total", language=language, **values, share=shown, refused=effects.all.refused,
                allowed=effects.all.allowed)
        )  # fmt: skip
        people = {"refused": len(effects.subjects_refused), "allowed": len(effects.subjects_allowed)}
        said += [say("customers", language=language, **people)] * any(people.values())
    elif not found.left_out:
        return (say("none", language=language),)
    if found.forecast is not None:
        said += forecast_sentences(found.forecast, start_ms=found.forecast_start_ms, language=language)
    for why, calls in sorted(found.left_out_calls.items()):
        text, examples = say(why, language=language), ", ".join(found.left_out[why])
        said.append(say("left-out", language=language, calls=calls, why=text, examples=examples))
    if not effects.all.calls:
        return tuple(said)
    if found.counted:
        said.append(say("counted", language=language))
    else:
        said.append(say("uncounted", language=language, share=percent(found.kept_share, language)))
    said += [say("unsure", language=language, calls=effects.unsure)] * bool(effects.unsure)
    said += [say("estimated", language=language, calls=found.estimated)] * bool(found.estimated)
    said += [say("lost-how", language=language)] * bool(effects.measures.followed)
    said.append(say("left", language=language))
    said.append(say("controlled", language=language, calls=found.controlled))
    return tuple(said)


def as_data(found: Simulated) -> dict[str, Any]:
    """All of it, for machines."""
    effects, its = found.effects, found.effects.measures
    return {
        "calls": effects.all.calls,
        "otherwise": effects.otherwise,
        "newlyRefused": effects.all.refused,
        "newlyAllowed": effects.all.allowed,
        "customersNewlyRefused": len(effects.subjects_refused),
        "customersNewlyAllowed": len(effects.subjects_allowed),
        "counted": found.counted,
        "unsure": effects.unsure,
        "estimatedEnds": found.estimated,
        "controlled": found.controlled,
        "leftOut": dict(found.left_out_calls),
        "unreadableSegments": list(found.unreadable),
        "changes": [_as_data(each, changed) for each, changed in effects.found.items()],
        "agents": {name: _sum(each) for name, each in sorted(effects.by_agent.items())},
        "variations": {name: _sum(each) for name, each in sorted(effects.by_variation.items())},
        "contacts": [its.contacts, its.contacts_new],
        "refusals": [its.refusals, its.refusals_new],
        "waiting": [its.waiting, its.waiting_new],
        "outcomes": dict(its.followed),
        "outcomesOfContactsNotMade": dict(its.lost),
        "revenueCents": {currency: cents for currency, cents in its.revenue.items() if currency},
        "revenueCentsOfContactsNotMade": {currency: cents for currency, cents in its.lost_revenue.items() if currency},
        "estimatedOutcomesOfNewContacts": {type_: _more(found, type_) for type_ in its.followed},
        "forecast": None if found.forecast is None else forecast_data(found.forecast, start_ms=found.forecast_start_ms),
    }


def _as_data(each: Difference, changed: Changed) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "was": each.was,
        "becomes": each.becomes,
        "by": each.by,
        "calls": changed.calls,
        "customers": len(changed.subjects),
        "examples": changed.examples,
    }


def _sum(each: Sum) -> dict[str, int]:
    return {"calls": each.calls, "newlyRefused": each.refused, "newlyAllowed": each.allowed}


def _row(each: Difference, its: Changed, found: Simulated, language: str) -> tuple[str, ...]:
    was, becomes = (_in_words(text, language) for text in (each.was, each.becomes))
    what = say(f"kind-{each.kind}", language=language, was=was, becomes=becomes)
    shown = _share(its.calls, found, language)
    return what, each.by, str(its.calls), shown, str(len(its.subjects)), ", ".join(its.examples)


def _in_words(text: str, language: str) -> str:
    """A verdict in words; anything else as it is, and "-" for nothing."""
    return VERDICTS[text][LANGUAGES.index(language)] if text in VERDICTS else text or "-"


def _sums(sums: Mapping[str, Sum]) -> list[tuple[str, ...]]:
    order = sorted(sums.items(), key=lambda each: (-each[1].refused - each[1].allowed, each[0]))
    return [(name or "-", str(its.calls), str(its.refused), str(its.allowed)) for name, its in order]


def _measures(found: Simulated, language: str) -> Iterator[tuple[str, ...]]:
    its = found.effects.measures
    for key, was, becomes in (
        ("contacts", its.contacts, its.contacts_new),
        ("refusals", its.refusals, its.refusals_new),
        ("waiting", its.waiting, its.waiting_new),
    ):
        yield say(key, language=language), str(was), str(becomes), f"{becomes - was:+d}"
    for type_ in _OUTCOMES:
        if followed := its.followed[type_]:
            lost, more = its.lost[type_], _more(found, type_)
            shown = f"~{number(followed - lost + more, digits=1, language=language)}" if more else str(followed - lost)
            yield say(type_, language=language), str(followed), shown, _lost(str(lost), more, language)
    for currency in sorted(its.revenue):
        cents, lost_cents = its.revenue[currency], its.lost_revenue[currency]
        if cents or lost_cents:
            name = say("revenue", language=language, currency=currency)
            before, after, lost_text = (
                number(value / 100, digits=2, language=language) for value in (cents, cents - lost_cents, lost_cents)
            )
            yield name, before, after, _lost(lost_text, 0.0, language)


def _lost(lost: str, more: float, language: str) -> str:
    added = say("more", language=language, more=number(more, digits=1, language=language)) if more else ""
    return say("lost", language=language, lost=lost, more=added)


def _more(found: Simulated, type_: str) -> float:
    """What would follow from contacts newly made, by the average of all that were."""
    its, all_ = found.effects.measures, found.effects
    if not its.contacts or not all_.contacts_added:
        return 0.0
    return all_.contacts_added * its.followed[type_] / its.contacts


def _share(calls: int, found: Simulated, language: str) -> str:
    """A share of what was replayed; of a sample with its interval at 95 %."""
    text = share(calls, found.effects.all.calls, language)
    if found.counted:
        return text
    low, high = (number(100 * bound, digits=1, language=language) for bound in wilson(calls, found.effects.all.calls))
    return say("interval", language=language, share=text, low=low, high=high)
