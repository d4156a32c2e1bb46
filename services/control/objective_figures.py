"""How objectives are told to people: targets, values with intervals, budgets; by the console and by `pilote`. Pure."""

from typing import Final

from gateway.core.policy.objectives import MONEY
from services.control.console.pages.finding_picture_parts import Words
from services.control.objectives import GuardrailShown, ObjectiveShown

NOT_YET: Final = "\N{EN DASH}"


def figures(words: Words, shown: ObjectiveShown, *, several: bool) -> list[tuple[str, str]]:
    """Labels and what they say; `several`: whether there are several tenants to tell apart."""
    unknown = words.say("objectives-unknown")
    worked_out = shown.compute_time is not None
    found = [
        ("target", target(words, shown)),
        ("value", standing(words, shown, kpi=shown.kpi) if worked_out else unknown),
        ("share", unknown if shown.share_of_target is None else words.percent(shown.share_of_target)),
        ("elapsed", words.percent(shown.elapsed)),
        ("contacts", _used(words, words.number(shown.contacts), shown.budget.contacts, worked_out=worked_out)),
        ("tenant", shown.tenant if several else ""),
        ("campaign", shown.campaign),
        ("segment", shown.segment),
        ("channels", ", ".join(shown.channels)),
        ("categories", ", ".join(shown.categories)),
        ("agents", ", ".join(shown.agents)),
    ]
    if shown.budget.cents is not None:
        of, spent = _money(words, shown.budget.cents, shown), _money(words, shown.spent_cents, shown)
        found.insert(5, ("spent", words.say("objectives-of", used=spent if worked_out else NOT_YET, most=of)))
    return [(words.say(f"objectives-{name}"), text) for name, text in found if text]


def target(words: Words, shown: ObjectiveShown) -> str:
    """What it is to come to, at least or at most."""
    sign = "most" if shown.less_is_better else "least"
    kpi = words.say(f"objectives-kpi-{shown.kpi}")
    return words.say(f"objectives-{sign}", kpi=kpi, target=amount(words, shown.target, kpi=shown.kpi))


def _used(words: Words, used: str, most: int | None, *, worked_out: bool) -> str:
    shown = used if worked_out else NOT_YET
    return shown if most is None else words.say("objectives-of", used=shown, most=words.number(most))


def _money(words: Words, cents: int, shown: ObjectiveShown) -> str:
    return words.say("objectives-money", amount=words.number(cents / 100), currency=shown.budget.currency)


def standing(words: Words, shown: ObjectiveShown | GuardrailShown, *, kpi: str) -> str:
    """A number with its interval and what it rests on, or that there is too little to say it."""
    n = words.number(shown.sample_size)
    if shown.value is None:
        return words.say("objectives-insufficient", n=n)
    value = amount(words, shown.value, kpi=kpi)
    if shown.low is None or shown.high is None:
        return words.say("objectives-plain", value=value, n=n)
    low, high = (amount(words, each, kpi=kpi) for each in (shown.low, shown.high))
    return words.say("objectives-interval", value=value, low=low, high=high, n=n)


def amount(words: Words, value: float, *, kpi: str) -> str:
    """A value of a KPI: money in whole units, shares as percents, NPS as it is."""
    if kpi in MONEY:
        return words.number(value / 100)
    return words.number(value) if kpi == "nps" else words.percent(value)
