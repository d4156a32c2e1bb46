"""A finding in words for people, in English or French: its title, what it is about, and how sure it is. Pure."""

import math
import sys
from typing import Any, Final

from gateway.core.failures import in_language
from gateway.core.reason_texts import why
from services.findings import objectives
from services.findings.finding import Grade, Seen, State
from services.findings.texts import KEYS, say

DRIFT: Final = "drift"
RULE_FAILING: Final = "rule-failing"
FAIRNESS: Final = "fairness"
TOGETHER: Final = " & "
"""Between the attributes, and the values, of an intersection of groups."""
_MARKS: Final = {"en": (",", "."), "fr": ("\N{NARROW NO-BREAK SPACE}", ",")}
"""Of thousands, and before decimals."""


def title(seen: Seen, *, language: str) -> str:
    """What it is, in one line: "Drift: agent sales-bot, measure latency"."""
    kind = kind_named(seen.kind, language=language)
    where = ", ".join(f"{name} {value}".strip() for name, value in about(seen, language=language))
    return say("title", language=language, kind=kind, where=where) if where else kind


def kind_named(kind: str, *, language: str) -> str:
    """What a kind of finding is called."""
    known = f"title-{kind}" in KEYS and kind != "other"
    return say(f"title-{kind}" if known else "title-other", language=language, kind=kind)


def about(seen: Seen, *, language: str) -> tuple[tuple[str, str], ...]:
    """What it is about, names and values in words where there are some."""
    return tuple((_named(name, language), _valued(name, value, language)) for name, value in seen.about)


def sentences(seen: Seen, *, language: str) -> tuple[str, ...]:
    """What was seen, how sure that is and how far it reaches, and how often such a finding would be a false one."""
    key = f"means-{seen.kind}" if f"means-{seen.kind}" in KEYS else "means-other"
    said = [say(key, language=language)]
    if seen.kind == RULE_FAILING:
        said.append(_failed(seen, language))
    elif seen.kind == objectives.AT_RISK:
        said += _at_risk(seen, language)
    else:
        told = _compared(seen, language) if seen.kind == FAIRNESS else (_measured(seen, language),)
        said += [*told, *_looked_at(seen, language)]
        reach = "reach-people" if seen.of == "people" else "reach-calls"
        said.append(say(reach, language=language, reach=number(seen.reach, language=language)))
    return (*said, false_alarms(seen.false_alarms, language=language))


def false_alarms(share: float, *, language: str) -> str:
    """How often a finding of a kind is raised by nothing, as a share of weeks."""
    if not share > 0:
        return say("false-none", language=language)
    weeks = math.floor(1 / share + 1e-9) if share > 1e-9 else 0
    if 2 <= weeks <= 10_000:
        return say("false-weeks", language=language, weeks=number(weeks, language=language))
    return say("false-share", language=language, share=percent(min(share, 1.0), language=language))


def state_named(state: State, *, language: str) -> str:
    """What a state is called."""
    return say(f"state-{state}", language=language)


def grade_named(grade: Grade, *, language: str) -> str:
    """What a grade is called."""
    return say(f"grade-{grade}", language=language)


def number(value: float, *, language: str) -> str:
    """12,345 or 0.0312: three digits that count, all of those before the point."""
    if not math.isfinite(value) or abs(value) >= sys.float_info.max:
        return "\N{EN DASH}" if math.isnan(value) else "∞" if value > 0 else "\N{MINUS SIGN}∞"
    thousands, decimal = _MARKS[language]
    size = abs(value)
    digits = 0 if size >= 100 or not size else max(0, min(2 - math.floor(math.log10(size)), 6))
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    text = "0" if text == "-0" else text
    return text.replace(",", "\0").replace(".", decimal).replace("\0", thousands).replace("-", "\N{MINUS SIGN}")


def grouped(name: str, value: str, *, language: str) -> str:
    """An attribute of fairness, or a group, in words; of an intersection all of them."""
    words = (f"{name}-{each}" for each in value.split(TOGETHER))
    return TOGETHER.join(say(each, language=language) if each in KEYS else each.partition("-")[2] for each in words)


def rate(value: float, *, share: bool, language: str) -> str:
    """What a group got: a share in percent, or how many times a person."""
    if share:
        return percent(value, language=language)
    return say("per-person", language=language, value=number(value, language=language))


def percent(share: float, *, language: str) -> str:
    """A share of 1 as 95% in English, 95 % in French."""
    return number(share * 100, language=language) + ("\N{NO-BREAK SPACE}%" if language == "fr" else "%")


def by_chance(naive: float, ours: float, *, language: str) -> str:
    """The same of any two shares of weeks."""
    told = {"naive": percent(naive, language=language), "ours": percent(ours, language=language)}
    return say("chance-naive", language=language, **told)


def amount(value: float, *, measure: str, currency: str, language: str) -> str:
    """A value of a KPI, guardrail or budget: money in whole units, shares in percent, all else as it is."""
    if measure == "cents" or measure.endswith("_cents"):
        return f"{number(value / 100, language=language)}\N{NO-BREAK SPACE}{currency}"
    return (number if measure in {"nps", "contacts"} else percent)(value, language=language)


def _at_risk(seen: Seen, language: str) -> tuple[str, ...]:
    """Of an objective: its limit, how far it has come, and where that leads."""
    about, currency = dict(seen.about), str(seen.shown.get("currency", ""))
    measure = next((about[each] for each in objectives.PARTS if each in about), "")
    return objectives.told(
        about,
        seen.shown,
        level=percent(seen.level, language=language),
        n=number(seen.n, language=language),
        amount=lambda value: amount(value, measure=measure, currency=currency, language=language),
        language=language,
    )


def _named(name: str, language: str) -> str:
    return say(f"about-{name}", language=language) if f"about-{name}" in KEYS else name


def _valued(name: str, value: str, language: str) -> str:
    if name == "reason":
        return why(value, language=language)
    if name in objectives.PARTS:
        return objectives.named(value, language=language)
    if name in {"attribute", "group"}:
        return grouped(name, value, language=language)
    key = {"measure": f"measure-{value}", "field": f"about-{value}"}.get(name, "")
    return say(key, language=language) if key in KEYS else value


def _measured(seen: Seen, language: str) -> str:
    value, low, high = (number(each, language=language) for each in (seen.value, seen.low, seen.high))
    if not 0 < seen.level < 1:
        return say("measured-only", language=language, value=value)
    level = percent(seen.level, language=language)
    if seen.kind == DRIFT and seen.shown.get("early"):
        value, low, high = (percent(each, language=language) for each in (seen.value, seen.low, seen.high))
        key, name = ("early-name" if seen.shown.get("name") else "early"), str(seen.shown.get("name", ""))
        return say(key, language=language, value=value, low=low, high=high, level=level, name=name)
    return say("measured", language=language, value=value, low=low, high=high, level=level)


def _compared(seen: Seen, language: str) -> tuple[str, ...]:
    """Of unequal treatment: both rates, their ratio, and what the plain rule would say."""
    shown = seen.shown
    value, low, high = (number(each, language=language) for each in (seen.value, seen.low, seen.high))
    own, other = (
        rate(float(shown.get(name, 0)), share=bool(shown.get("share")), language=language)
        for name in ("rate", "reference_rate")
    )
    group = grouped("group", dict(seen.about).get("group", ""), language=language)
    reference = grouped("group", str(shown.get("reference", "")), language=language)
    level = percent(seen.level, language=language)
    counts = {name: number(int(shown.get(name, 0)), language=language) for name in ("naive", "comparisons", "alerts")}
    return (
        *_truth(seen, language),
        say("rates", language=language, group=group, rate=own, reference=reference, reference_rate=other),
        say("ratio", language=language, value=value, low=low, high=high, level=level),
        *_within(shown.get("within"), language),
        say("four-fifths", language=language, **counts),
        *_by_chance(seen, language),
    )


def _within(found: Any, language: str) -> tuple[str, ...]:
    """How the ratio is within segments."""
    if not isinstance(found, dict) or f"within-{found.get('word')}" not in KEYS:
        return ()
    ends = {name: number(float(found.get(name, math.nan)), language=language) for name in ("value", "low", "high")}
    return (say(f"within-{found['word']}", language=language, **ends),)


def _by_chance(seen: Seen, language: str) -> tuple[str, ...]:
    """How often the plain rule alarms by chance, beside this one."""
    naive, ours = (float(seen.shown.get(name, 0)) for name in ("naive_alarms", "alarms"))
    return (by_chance(naive, ours, language=language),) if ours else ()


def _truth(seen: Seen, language: str) -> tuple[str, ...]:
    """By what it is known what would have been right, of a measure that asks."""
    by, known = dict(seen.about).get("measure", "").rpartition("-")[2], int(seen.shown.get("known", 0))
    if not known or f"truth-{by}" not in KEYS:
        return ()
    return (say(f"truth-{by}", language=language, people=number(known, language=language)),)


def _looked_at(seen: Seen, language: str) -> tuple[str, ...]:
    n, m = number(seen.n, language=language), number(seen.m, language=language)
    if not seen.n:
        return ()
    return (say("compared" if seen.m else "looked-at", language=language, n=n, m=m),)


def _failed(seen: Seen, language: str) -> str:
    error = in_language(str(seen.shown.get("error", "")), language)
    count, revision = number(seen.reach, language=language), seen.shown.get("revision", 0)
    return say(
        "failed-one" if seen.reach == 1 else "failed", language=language, count=count, revision=revision, error=error
    )
