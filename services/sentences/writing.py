"""The part of a policy that a sentence writes."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from gateway.core.policy.counting import Cap as CapPart
from services.sentences import kinds
from services.sentences.kinds import DAYS, Kind, Sentence, kind_of
from services.sentences.writing_conditions import condition

SECTIONS: Final[Mapping[str, str]] = {
    "cap": "caps", "gap": "caps", "repeat": "caps", "never": "rules", "hold": "rules", "may": "rules", "only": "rules",
    "redact": "rules", "hours": "quiet_hours", "consent": "consents", "after": "sequences", "limit": "limits",
    "rate": "limits", "running": "limits",
}  # fmt: skip
"""By kind of sentence, the section that its part stands in."""
EFFECTS: Final = {"never": "deny", "only": "deny", "hold": "hold", "may": "allow", "redact": "redact"}
KEPT: Final[Mapping[str, frozenset[str]]] = {
    "rules": frozenset({"description", "message", "citation", "reason", "retry_after", "on_error"}),
    "caps": frozenset({"counts_on", "deliver_within", "max_defer", "priority", "on_store_error", "citation"}),
    "limits": frozenset({"on_missing", "on_store_error", "citation"}),
    "quiet_hours": frozenset({"max_defer", "message", "citation"}),
    "consents": frozenset({"message", "citation"}),
    "sequences": frozenset({"message", "citation"}),
}
"""By section, what no sentence says, and none takes away: words for people, and technical details."""
_EXEMPT: Final = ("transactional", "legal")
_CALENDARS: Final = ("day", "week", "month", "year")


class Written(NamedTuple):
    """A part of a policy."""

    section: str
    part: dict[str, Any]
    """Plain data, as YAML has it; with its name."""


def write(sentence: Kind, *, name: str, over: Mapping[str, Any] | None = None) -> Written:
    """The part that says the same, with that name.

    `over` is the part whose place it takes: what the sentence does not speak of stays, in its order.
    """
    section = SECTIONS[kind_of(sentence)]
    part = {"name": name, **_part(sentence)}
    if sentence.watched:
        part["mode"] = "monitor"
    return Written(section, part if over is None else _over(section, part, over))


def _over(section: str, part: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in over.items() if key in KEPT[section]}
    if section == "rules" and over.get("effect") != part["effect"]:
        for key in ("on_error", "reason", "retry_after"):
            kept.pop(key, None)
    if isinstance(part.get("calendar"), dict) and isinstance(over.get("calendar"), Mapping):
        part["calendar"] = {**over["calendar"], **part["calendar"]}
    # What stands in the text and says the same as leaving it out may stay.
    whole = {**part, **kept}
    return {key: whole[key] for key in (*(key for key in over if key in whole), *whole)}


def _part(sentence: Sentence) -> dict[str, Any]:
    match sentence:
        case kinds.Cap() | kinds.Gap() | kinds.Repeat():
            return _cap(sentence)
        case kinds.Hours():
            return _hours(sentence)
        case kinds.Consent():
            return _consent(sentence)
        case kinds.After():
            return _sequence(sentence)
        case kinds.Limit() | kinds.Rate() | kinds.Running():
            return _limit(sentence)
        case kinds.Calls():
            return _rule(sentence)
    raise NotImplementedError(sentence)


def _said(**fields: Any) -> dict[str, Any]:
    """The fields that say something, as plain data."""
    plain = {key: msgspec.to_builtins(value) for key, value in fields.items() if value not in ((), "", None)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}


def _covered(sentence: kinds.Calls) -> dict[str, Any]:
    return _said(methods=sentence.methods, operations=sentence.operations)


def _rule(sentence: kinds.Calls) -> dict[str, Any]:
    when = condition(sentence)
    part = _covered(sentence) | ({} if when == "true" else {"when": when})
    part["effect"] = EFFECTS[kind_of(sentence)]
    if isinstance(sentence, kinds.Redact):
        part |= {"of": "request"} if sentence.side == "request" else {}
        part |= _said(sensitivity=sentence.sensitivity, fields=sentence.fields) | _said(**{"with": sentence.instead})
    return part


def _period(period: str) -> dict[str, Any]:
    return {"calendar": {"unit": period}} if period in _CALENDARS else {"window": period}


def _cap(sentence: kinds.Cap | kinds.Gap | kinds.Repeat) -> dict[str, Any]:
    part = _said(
        channels=sentence.channels,
        categories=sentence.categories,
        topics=sentence.topics,
        brands=sentence.brands,
        segments=sentence.segments,
    )
    if sentence.exempt != _EXEMPT:
        part["exempt"] = list(sentence.exempt)
    by = (sentence.same,) if isinstance(sentence, kinds.Repeat) else sentence.each
    if by != CapPart(name="a", max=0).by:
        part["by"] = list(by)
    if isinstance(sentence, kinds.Gap):
        part |= {"max": None, "min_gap": sentence.gap}
    else:
        part |= {"max": sentence.max, **_period(sentence.period)}
    return part | _said(on_exceed=sentence.exceed)


def _limit(sentence: kinds.Limit | kinds.Rate | kinds.Running) -> dict[str, Any]:
    when = condition(sentence)
    part = _covered(sentence) | ({} if when == "true" else {"when": when})
    part["by"] = list(sentence.by)
    match sentence:
        case kinds.Limit():
            return part | {"max": sentence.max, **_period(sentence.period)}
        case kinds.Rate():
            return part | {"rate": sentence.rate, "per": sentence.per} | _said(burst=sentence.burst)
    return part | {"concurrent": sentence.at_once}


def _hours(sentence: kinds.Hours) -> dict[str, Any]:
    days = {} if sentence.days == DAYS else {"days": list(sentence.days)}
    return _said(
        channels=sentence.channels,
        categories=sentence.categories,
        open=[{**days, "from": each.start, "to": each.end} for each in sentence.spans],
        zone=sentence.zone,
        fallback_zone=sentence.fallback,
        holidays=sentence.holidays,
        on_hit="defer" if sentence.later else "",
    )


def _consent(sentence: kinds.Consent) -> dict[str, Any]:
    return _said(
        channels=sentence.channels,
        categories=sentence.categories,
        purposes=sentence.purposes,
        bases=() if sentence.bases == ("consent",) else sentence.bases,
        by="subject" if sentence.anywhere else "",
        max_age=sentence.max_age,
        silence_after_refusal=sentence.silence,
    )


def _sequence(sentence: kinds.After) -> dict[str, Any]:
    return _said(
        by=sentence.by,
        first=_said(methods=sentence.first_methods, operations=sentence.first),
        then=_said(methods=sentence.then_methods, operations=sentence.then),
        within=sentence.within,
        agents="" if sentence.whose == "any" else sentence.whose,
        effect="hold" if sentence.ask else "",
    )
