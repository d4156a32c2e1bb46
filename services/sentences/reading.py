"""Parts of a policy as sentences, also those that somebody wrote by hand; or why one cannot be said in a sentence."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from gateway.core.analysis.syntax import parse
from gateway.core.policy.contacts import ConsentRequirement, QuietHours
from gateway.core.policy.counting import Cap, Limit
from gateway.core.policy.ruling import Rule, Sequence
from gateway.core.rule_mistakes import RuleMistake
from gateway.core.rules import RuleEngine
from services.sentences.clauses import clause
from services.sentences.kinds import DAYS, Kind, made
from services.sentences.reading_conditions import Odd, Slots
from services.sentences.texts import say as in_words
from services.sentences.writing import EFFECTS, KEPT

_PARTS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "rules": Rule, "limits": Limit, "caps": Cap, "quiet_hours": QuietHours, "consents": ConsentRequirement,
    "sequences": Sequence,
}  # fmt: skip
"""By section that sentences speak of, what its parts are."""
SECTIONS: Final = tuple(_PARTS)
_UNSAID: Final[Mapping[str, frozenset[str]]] = {
    "rules": frozenset(),
    "limits": frozenset({"key", "cost", "quota"}),
    "caps": frozenset({"downgrade_to"}),
    "quiet_hours": frozenset(),
    "consents": frozenset(),
    "sequences": frozenset({"key"}),
}
_ANYTHING: Final = "google.protobuf.Struct"
"""In place of a request's type: of a condition only its shape matters here; a policy's check knows the types."""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A part that can be said."""

    sentence: Kind
    besides: tuple[str, ...] = ()
    """Fields that the part has and the sentence does not say; they stay when the sentence changes."""


class Unsaid(msgspec.Struct, frozen=True, kw_only=True):
    """A part that cannot be said."""

    code: str
    values: Mapping[str, str] = {}

    def why(self, language: str) -> str:
        """In words."""
        return in_words(f"unsaid-{self.code}", language=language, **self.values)


class _Cannot(Exception):
    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.unsaid = Unsaid(code=code, values=values)


def read(section: str, part: object, *, engine: RuleEngine, labels: Iterable[str] = ()) -> Read | Unsaid:
    """The sentence that says what a part does. `part` is plain data; `labels` are those that every agent has."""
    if section not in _PARTS:
        return Unsaid(code="section", values={"section": section})
    try:
        struct = msgspec.convert(part, _PARTS[section])
    except msgspec.ValidationError:
        return Unsaid(code="mistake")
    given = msgspec.to_builtins(struct)
    odd = sorted(_UNSAID[section] & given.keys())
    if odd:
        return Unsaid(code="fields", values={"fields": ", ".join(odd)})
    besides = [key for key in given if key in KEPT[section]]
    try:
        found = _READERS[section](struct, engine, labels)
        sentence = made(found | ({"watched": True} if given.get("mode") == "monitor" else {}))
    except _Cannot as cannot:
        return cannot.unsaid
    except msgspec.ValidationError:
        return Unsaid(code="value")
    calendar = given.get("calendar")
    if isinstance(calendar, dict):
        besides += [f"calendar.{key}" for key in calendar if key != "unit"]
    if section == "quiet_hours" and given.get("zone", "subject") != "subject" and "fallback_zone" in given:
        besides.append("fallback_zone")
    return Read(sentence=sentence, besides=tuple(besides))


def _rule(rule: Rule, engine: RuleEngine, labels: Iterable[str]) -> dict[str, Any]:
    usual = msgspec.structs.replace(rule, on_error=None).on_failure
    if rule.on_failure != usual:
        raise _Cannot("fields", fields="on_error")
    slots = _condition(rule.when, engine, labels, lenient=rule.effect == "deny")
    found: dict[str, Any] = _operations(rule, slots.found)
    found["kind"] = next(kind for kind, effect in EFFECTS.items() if effect == rule.effect)
    if slots.only:
        found["kind"] = "only"
    if rule.effect == "redact":
        found |= {"fields": rule.fields, "sensitivity": "" if rule.sensitivity is None else rule.sensitivity}
        found |= {"side": rule.of, "instead": rule.text_instead or ""}
    return found


def _operations(part: Rule | Limit, found: Mapping[str, Any]) -> dict[str, Any]:
    """Methods and operations that a part covers, with those that its condition asks for."""
    if part.operations and "operations" in found:
        raise _Cannot("condition", when=str(part.when))
    operations = part.operations or found.get("operations", ())
    return {**msgspec.to_builtins(found), "methods": part.methods, "operations": msgspec.to_builtins(operations)}


def _condition(when: str, engine: RuleEngine, labels: Iterable[str], *, lenient: bool) -> Slots:
    slots = Slots(lenient=lenient, labels=labels)
    try:
        slots.read(clause(parse(engine.checked(when, request_type=_ANYTHING))))
    except (Odd, RuleMistake, ValueError) as error:
        raise _Cannot("condition", when=when) from error
    return slots


def _period(part: Cap | Limit) -> str:
    if part.calendar is not None and part.window is None:
        return part.calendar.unit
    if part.window is None:
        raise _Cannot("fields", fields="max")
    return part.window


def _cap(cap: Cap, _engine: RuleEngine, _labels: Iterable[str]) -> dict[str, Any]:
    if cap.on_exceed == "downgrade":
        raise _Cannot("fields", fields="on_exceed")
    found: dict[str, Any] = {
        "categories": cap.categories,
        "topics": cap.topics,
        "brands": cap.brands,
        "channels": cap.channels,
        "segments": cap.segments,
        "exempt": cap.exempt,
        "exceed": "" if cap.on_exceed == "deny" else cap.on_exceed,
    }
    if cap.max is None:
        if cap.min_gap is None:
            raise _Cannot("nothing")
        return found | {"kind": "gap", "gap": cap.min_gap, "each": cap.by}
    if cap.min_gap is not None:
        raise _Cannot("both")
    found |= {"max": cap.max, "period": _period(cap)}
    if cap.by in (("topic",), ("brand",), ("campaign",)):
        return found | {"kind": "repeat", "same": cap.by[0]}
    return found | {"kind": "cap", "each": cap.by}


def _limit(limit: Limit, engine: RuleEngine, labels: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if limit.when is not None:
        found = _condition(limit.when, engine, labels, lenient=False).found
    found = _operations(limit, found) | {"by": limit.by}
    for number in (limit.rate, limit.max, limit.concurrent):
        if number is None:
            raise _Cannot("nothing")
    if limit.rate is not msgspec.UNSET:
        return found | {"kind": "rate", "rate": limit.rate, "per": limit.per, "burst": limit.burst}
    if limit.max is not msgspec.UNSET:
        return found | {"kind": "limit", "max": limit.max, "period": _period(limit)}
    return found | {"kind": "running", "at_once": limit.concurrent}


def _hours(hours: QuietHours, _engine: RuleEngine, _labels: Iterable[str]) -> dict[str, Any]:
    days = {frozenset(each.days) for each in hours.open}
    if len(days) != 1:
        raise _Cannot("hours")
    zone = "" if hours.zone == "subject" else hours.zone
    return {
        "kind": "hours",
        "channels": hours.channels,
        "categories": hours.categories,
        "spans": [{"start": each.start, "end": each.end} for each in hours.open],
        "days": sorted(*days, key=DAYS.index),
        "zone": zone,
        "fallback": "" if zone else hours.fallback_zone,
        "holidays": hours.holidays,
        "later": hours.on_hit == "defer",
    }


def _consent(consent: ConsentRequirement, _engine: RuleEngine, _labels: Iterable[str]) -> dict[str, Any]:
    return {
        "kind": "consent",
        "channels": consent.channels,
        "categories": consent.categories,
        "purposes": consent.purposes,
        "bases": consent.bases,
        "anywhere": consent.by == "subject",
        "max_age": consent.max_age or "",
        "silence": consent.silence_after_refusal or "",
    }


def _sequence(sequence: Sequence, _engine: RuleEngine, _labels: Iterable[str]) -> dict[str, Any]:
    if sequence.first.when is not None or sequence.then.when is not None or sequence.by is None:
        raise _Cannot("fields", fields="when")
    return {
        "kind": "after",
        "within": sequence.within,
        "first": msgspec.to_builtins(sequence.first.operations),
        "first_methods": sequence.first.methods,
        "then": msgspec.to_builtins(sequence.then.operations),
        "then_methods": sequence.then.methods,
        "by": sequence.by,
        "whose": sequence.agents,
        "ask": sequence.effect == "hold",
    }


_READERS: Final[Mapping[str, Any]] = {
    "rules": _rule, "limits": _limit, "caps": _cap, "quiet_hours": _hours, "consents": _consent, "sequences": _sequence,
}  # fmt: skip
