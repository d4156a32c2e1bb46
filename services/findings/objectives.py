"""What is said of an objective that is at risk: its limit, how far it has come, and where that leads. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gateway.core.texts import day, saying, typeset

AT_RISK: Final = "objective-at-risk"
"""The kind of these findings."""
PARTS: Final = ("target", "guardrail", "budget")
"""What it is about of the objective."""
_NAMES: Final = {
    "activation_rate": ("activation rate", "taux d’activation"),
    "nps": ("NPS", "NPS"),
    "conversion_rate": ("conversion", "conversion"),
    "open_rate": ("opened", "ouvertures"),
    "click_rate": ("clicked", "clics"),
    "reply_rate": ("replied", "réponses"),
    "revenue_cents": ("revenue", "chiffre d’affaires"),
    "incremental_revenue_cents": ("incremental revenue", "chiffre d’affaires incrémental"),
    "perceived_pressure": ("feel contacted too much", "pression perçue : « trop », un peu ou beaucoup"),
    "perceived_too_much": ("feel contacted much too much", "pression perçue : « beaucoup trop »"),
    "opt_out_rate": ("opt-outs", "désinscriptions"),
    "complaint_rate": ("complaints", "plaintes"),
    "bounce_rate": ("bounces", "messages non remis"),
    "contacts": ("contacts", "sollicitations"),
    "cents": ("money", "argent"),
}
MEASURES: Final = frozenset(_NAMES)
_LESS: Final = frozenset({"perceived_pressure", "opt_out_rate", "complaint_rate", "bounce_rate"})
_TEXTS: Final = {
    **{f"name-{name}": (english, french) for name, (english, french) in _NAMES.items()},
    "target-least": ("The target is {limit} at least.", "La cible est de {limit} au moins."),
    "target-most": ("The target is {limit} at most.", "La cible est de {limit} au plus."),
    "guardrail": ("At most {limit} is allowed.", "Au plus {limit} est permis."),
    "budget": ("The budget is {limit}.", "Le budget est de {limit}."),
    "now": (
        "So far it is {value}, and with {level} confidence between {low} and {high} however often one looks.",
        "À ce jour : {value}, et avec une confiance de {level} entre {low} et {high}, aussi souvent que l’on regarde.",
    ),
    "end-share": (
        "Even if it grows as it may at this pace, it is between {low} and {high} when the period ends.",
        "Même en croissant comme ce rythme le permet, ce sera entre {low} et {high} à la fin de la période.",
    ),
    "end": (
        "At this pace it comes to {value} by the end of the period, between {low} and {high}.",
        "À ce rythme, on arrivera à {value} à la fin de la période, entre {low} et {high}.",
    ),
    "used": ("It is used up: {value}.", "Il est épuisé : {value}."),
    "out": ("At this pace it is used up on {day}.", "À ce rythme, il sera épuisé le {day}."),
    "days": ("{n} over {days} days count.", "{n} sur {days} jours comptent."),
    "stays": (
        "It stays open until it is proven that all is well again, or the period ends.",
        "Il reste ouvert tant qu’il n’est pas prouvé que tout va bien de nouveau, ou jusqu’à la fin de la période.",
    ),
}
say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})

Amount = Callable[[float], str]
"""Says a value of the measure, in its unit."""


def named(measure: str, *, language: str) -> str:
    """A KPI, guardrail or budget in words."""
    return say(f"name-{measure}", language=language) if measure in MEASURES else measure


def told(
    about: Mapping[str, str],
    shown: Mapping[str, Any],
    *,
    level: str,
    n: str,
    amount: Amount,
    language: str,
) -> tuple[str, ...]:
    """What is known of it, a sentence each; `level` and `n` as they are said."""
    part = next((each for each in PARTS if each in about), "")
    measure = about.get(part, "")
    if not part or measure not in MEASURES:
        return ()

    def said(key: str, **values: str) -> str:
        return say(key, language=language, **values)

    def ends(name: str) -> Mapping[str, str] | None:
        found: Sequence[float] = shown.get(name) or ()
        names = ("value", "low", "high")
        return {key: amount(each) for key, each in zip(names, found, strict=True)} if len(found) == len(names) else None

    which = f"target-{'most' if measure in _LESS else 'least'}" if part == "target" else part
    now, end, out = ends("now"), ends("end"), int(shown.get("out", 0))
    sentences = [said(which, limit=amount(float(shown.get("limit", 0))))]
    if part == "budget":
        sentences += [said("used", value=now["value"])] if now and end is None else []
        sentences += [said("out", day=day(out, language=language))] if out and end else []
    elif now:
        sentences.append(said("now", level=level, **now))
    if end:
        rate = part == "target" and measure.endswith("_rate")
        sentences.append(said("end-share" if rate else "end", **end))
    return (*sentences, said("days", n=n, days=str(shown.get("days", 0))), said("stays"))
