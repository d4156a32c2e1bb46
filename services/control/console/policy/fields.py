"""Forms of a policy's parts: which fields they have, how a value is shown in one, and what comes back of it.

What a form does not show of a part stays as it is. What cannot be read goes into the text as it was written, where
the check finds it and says what is wrong.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from litestar.datastructures import FormMultiDict

from gateway.core.consents import Basis
from gateway.core.policy.vocabulary import NAME
from services.control.console.policy import guarding
from services.control.console.policy.field import OPERATIONS, Field, decimal
from services.control.console.policy.serving_fields import SERVING, SERVING_NEW

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MODES: Final = ("enforce", "monitor")
_STORE: Final = ("closed", "open", "local")
_SPLIT: Final = re.compile(r"[\s,;]+")


_MESSAGE: Final = (Field("message.en", "long"), Field("message.fr", "long"))
_LAST: Final = (Field("mode", "choice", _MODES, "enforce"), *_MESSAGE, Field("citation", "words", rare=True))
_COVERS: Final = (Field("channels", "words"), Field("categories", "words"))
_PERIOD: Final = (
    Field("window"),
    Field("calendar.unit", "choice", ("", "day", "week", "month", "year")),
    Field("calendar.zone", rare=True),
)

FORMS: Final[Mapping[str, tuple[Field, ...]]] = {
    "rules": (
        Field("name"),
        Field("description"),
        Field("effect", "choice", ("allow", "deny", "hold", "redact")),
        Field("methods", "words"),
        Field("operations", "checks", OPERATIONS),
        Field("when", "expression"),
        Field("on_error", "choice", ("", "allow", "deny", "redact"), rare=True),
        Field("reason", "choice", ("POLICY_DENIED", "CONSENT_MISSING", "QUIET_HOURS"), "POLICY_DENIED", rare=True),
        Field("retry_after", rare=True),
        Field("fields", "words", rare=True),
        Field("sensitivity", "choice", ("", "PUBLIC", "INTERNAL", "PERSONAL", "SPECIAL", "CREDENTIAL"), rare=True),
        *_LAST,
    ),
    "limits": (
        Field("name"),
        Field("methods", "words"),
        Field("operations", "checks", OPERATIONS),
        Field("when", "expression"),
        Field(
            "by", "checks",
            ("tenant", "agent", "method", "operation", "model", "version", "upstream", "route", "subject", "channel",
             "category", "brand", "campaign"),
        ),
        Field("rate", "number"),
        Field("per"),
        Field("burst", "number", rare=True),
        Field("max", "number"),
        *_PERIOD,
        Field("concurrent", "number", rare=True),
        Field("on_missing", "choice", ("deny", "skip"), "deny", rare=True),
        Field("on_store_error", "choice", _STORE, "closed", rare=True),
        Field("mode", "choice", _MODES, "enforce"),
        Field("citation", "words", rare=True),
    ),
    "caps": (
        Field("name"),
        *_COVERS,
        Field("segments", "words", rare=True),
        Field("max", "number", empty_null=True),
        *_PERIOD,
        Field("min_gap", rare=True),
        Field("by", "checks", ("channel", "category", "topic", "brand", "campaign")),
        Field("counts_on", "choice", ("reserved", "sent", "delivered"), "reserved", rare=True),
        Field("on_exceed", "choice", ("deny", "defer", "downgrade", "review"), "deny"),
        Field("downgrade_to", rare=True),
        Field("on_store_error", "choice", _STORE, "closed", rare=True),
        Field("mode", "choice", _MODES, "enforce"),
        Field("citation", "words", rare=True),
    ),
    "quiet_hours": (
        Field("name"),
        *_COVERS,
        Field("open", "hours"),
        Field("zone"),
        Field("fallback_zone", rare=True),
        Field("holidays"),
        Field("on_hit", "choice", ("deny", "defer"), "deny"),
        Field("max_defer", rare=True),
        *_LAST,
    ),
    "consents": (
        Field("name"),
        *_COVERS,
        Field("purposes", "words", rare=True),
        Field("bases", "checks", get_args(Basis)),
        Field("by", "choice", ("contact_point", "subject"), "contact_point"),
        Field("max_age"),
        Field("silence_after_refusal", rare=True),
        *_LAST,
    ),
    "packs": (Field("name", "text"), Field("version", "text")),
    **SERVING,
}  # fmt: skip
"""By section, in the order in which people meet them."""

NEW: Final[Mapping[str, Mapping[str, Any]]] = {
    "rules": {"effect": "deny"},
    "limits": {"by": ["agent"], "rate": 10, "per": "1s"},
    "caps": {"max": 2, "window": "7d"},
    "quiet_hours": {"open": [{"days": list(_DAYS[:5]), "from": "09:00", "to": "20:00"}]},
    "consents": {},
    "packs": {},
    **SERVING_NEW,
}
"""What a new part of a section begins with."""
_BY_DEFAULT: Final[Mapping[tuple[str, str], Sequence[str]]] = {
    ("caps", "by"): ("channel",),
    ("consents", "bases"): ("consent",),
}
"""Checks that count where a part says nothing of them."""


def shown(part: Mapping[str, Any], section: str, field: Field) -> Any:
    """A field's value as its control shows it: a text, the list of what is checked, or of shares a text for each."""
    value: Any = part
    for step in field.path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if field.kind == "checks":
        return list(_BY_DEFAULT.get((section, field.path), ()) if value is None else _listed(value))
    if field.kind == "hours":
        return "\n".join(map(_hours_shown, value if isinstance(value, list) else ()))
    if field.kind == "shares":
        return guarding.shown(value, field.options)
    if field.kind == "lines":
        return "\n".join(_line_shown(each, field.options) for each in (value if isinstance(value, list) else ()))
    if value is None:
        return field.default
    if isinstance(value, list):
        return "; ".join(map(str, value)) if field.path == "citation" else ", ".join(map(str, value))
    return str(value)


def filled(part: Mapping[str, Any], section: str, form: FormMultiDict) -> dict[str, Any]:
    """The part as a form says that it is to be."""
    found: dict[str, Any] = copy.deepcopy(dict(part))
    for field in FORMS[section]:
        if field.kind == "shares":
            shares = {each: str(form[key]) for each in field.options if (key := f"{field.path}.{each}") in form}
            _put(found, [field.path], guarding.read(found.get(field.path), shares) or _NOTHING)
            continue
        given = [str(each) for each in form.getall(field.path, [])]
        if field.kind != "checks" and not given:
            continue  # the form did not show it
        if _same(shown(part, section, field), given):
            continue  # nobody has changed it, however it is written
        value = _arms(found, field, given) if field.kind == "lines" else _read(section, field, given)
        _put(found, field.path.split("."), value)
    return found


def _same(before: Any, given: Sequence[str]) -> bool:
    if isinstance(before, list):
        return set(before) == {each for each in given if each}
    return str(before).strip() == given[0].replace("\r\n", "\n").strip()


_NOTHING: Final = object()
_WEIGHT: Final = "weight"
_NAMED: Final = re.compile(NAME)


def _read(section: str, field: Field, given: Sequence[str]) -> Any:
    if field.kind == "checks":
        chosen = [option for option in field.options if option in given]
        usual = _BY_DEFAULT.get((section, field.path))
        same = list(usual) == chosen if usual is not None else not chosen and field.path != "by"
        return _NOTHING if same else chosen
    text = given[0].replace("\r\n", "\n").strip()
    if not text:
        return None if field.empty_null else _NOTHING
    if field.kind == "number":
        return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else text
    if field.kind == "decimal":
        return decimal(text)
    if field.kind == "words":
        if field.path == "citation":
            several = [each.strip() for each in text.split(";") if each.strip()]
            return several[0] if len(several) == 1 else several
        return [each for each in _SPLIT.split(text) if each]
    if field.kind == "hours":
        return [_hours_read(line) for line in text.split("\n") if line.strip()]
    return _NOTHING if field.kind == "choice" and text == field.default else text


def _put(part: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set a value below mappings, or take it away, with mappings that are empty then."""
    if len(path) == 1:
        if value is _NOTHING:
            part.pop(path[0], None)
        else:
            part[path[0]] = value
        return
    below = part.get(path[0])
    if not isinstance(below, dict):
        if value is _NOTHING:
            return
        below = part[path[0]] = {}
    _put(below, path[1:], value)
    if not below:
        del part[path[0]]


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _arms(part: Mapping[str, Any], field: Field, given: Sequence[str]) -> Any:
    """Things with names, one a line; of each stays what its line does not show. What cannot be read stays a text."""
    listed = part.get(field.path)
    before = {each["name"]: each for each in listed or () if isinstance(each, Mapping) and "name" in each}
    lines = [line.strip() for line in given[0].split("\n") if line.strip()]
    return [_line_read(line, field.options, before) for line in lines] or _NOTHING


def _line_shown(thing: Any, keys: Sequence[str]) -> str:
    if not isinstance(thing, Mapping):
        return str(thing)
    return " ".join(str(thing[key]) for key in keys if thing.get(key) is not None)


def _line_read(line: str, keys: Sequence[str], before: Mapping[str, Any]) -> Any:
    """Name, weight and one more, "control 5000 main"; the last two may be left out."""
    words = line.split()
    there = before.get(words[0], {})
    if line == _line_shown(there, keys):
        return there
    weighed = len(words) < 2 or words[1].isdecimal()
    told = dict(zip(keys, words if weighed else [words[0], "", *words[1:]], strict=False))
    names = [value for key, value in told.items() if key != _WEIGHT]
    if len(words) > len(keys) or not all(map(_NAMED.fullmatch, names)):
        return line
    weight = told.pop(_WEIGHT, "")
    kept = {key: value for key, value in there.items() if key not in keys}
    return {**told, **({_WEIGHT: int(weight)} if weight else {}), **kept}


def _hours_shown(hours: Any) -> str:
    if not isinstance(hours, Mapping):
        return str(hours)
    days = _listed(hours.get("days", _DAYS))
    return " ".join((*days, str(hours.get("from", "")), str(hours.get("to", ""))))


def _hours_read(line: str) -> Any:
    """Days and two times, "mon tue 09:00 20:00"; what is something else stays a text, which the check refuses."""
    words = [word for word in _SPLIT.split(line) if word]
    days = [word.lower() for word in words if word.lower() in _DAYS]
    times = [word for word in words if re.fullmatch(r"[0-9]{1,2}:[0-9]{2}", word)]
    if len(days) + len(times) != len(words) or len(times) != 2:
        return line.strip()
    told: dict[str, Any] = {} if not days or len(days) == len(_DAYS) else {"days": days}
    return told | {"from": times[0].rjust(5, "0"), "to": times[1].rjust(5, "0")}
