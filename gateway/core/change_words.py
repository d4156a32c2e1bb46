"""Changes of a policy in words, for whoever must judge them. Pure.

What matters is said in sentences of its own; of all else, which field it is, what it was and what it is. Hashes, keys
and descriptor sets are never quoted.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core.change_texts import noun, say
from gateway.core.changes import Change, FieldChange
from gateway.core.policy.callers import Agent
from gateway.core.policy.counting import Calendar, Cap, Limit
from gateway.core.policy.learning import Rollout
from gateway.core.policy.ruling import Rule
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.texts import span

_SECRET: Final = frozenset({"sha256", "public_key", "jwks", "descriptor_set"})
_HASH: Final = re.compile(r"[0-9a-f]{64,}")
_LONGEST: Final = 100
_CONTACTS: Final = frozenset({"quiet_hours", "consents", "holdouts", "caps", "pressure"})
"""Sections that say who may be contacted, and when."""
_MOVES_PEOPLE: Final = frozenset({"weight", "seed", "layer", "first", "last", "unit", "sticky", "coverage"})
_WORDS_ONLY: Final = frozenset({"description", "hypothesis", "message", "citation", "reason", "objectives", "title"})

Found = tuple[list[str], set[tuple[str, ...]]]
"""What was said in words of its own, and the paths of the fields that are done with."""


def in_words(change: Change, language: str) -> tuple[str, ...]:
    """One change in sentences, in English or French; the first says what changes, further ones what comes of it."""
    what = noun(change.place.section, language, name=change.place.name)
    if change.kind == "moved":
        after = say("moved", language, what=what, after=change.after)
        return (
            f"{after if change.after else say('moved-first', language, what=what)}.",
            say("route-order" if change.place.section == "routes" else "rule-order", language),
        )
    details = _details(change, language)
    head = say(change.kind, language, what=what)
    first = say("colon", language, head=head, detail=", ".join(details).removesuffix(".")) if details else f"{head}."
    return (first, *_consequences(change, language))


def percent(basis_points: int, language: str) -> str:
    """A share as people read it: "12.5 %", "12,5 %"."""
    text = f"{basis_points / 100:.2f}".rstrip("0").rstrip(".")
    return f"{text.replace('.', ',') if language == 'fr' else text} %"


def _details(change: Change, language: str) -> list[str]:
    special = _SPECIAL.get(change.place.section)
    said, done = special(change, language) if special is not None else ([], set())
    if change.kind != "changed":
        return said
    return said + [_field(field, language) for field in change.fields if field.path not in done]


def _field(field: FieldChange, language: str) -> str:
    path = ".".join(field.path) or "…"
    if _SECRET & set(field.path):
        return say("field-secret", language, path=path)
    old, new = _value(field.old, language), _value(field.new, language)
    if field.reordered:
        return say("field-order", language, path=path, new=new)
    if field.new is msgspec.UNSET:
        return say("listed-gone" if isinstance(field.old, dict) else "field-gone", language, path=path, old=old)
    if field.old is msgspec.UNSET:
        return say("listed-new" if isinstance(field.new, dict) else "field-new", language, path=path, new=new)
    return say("field", language, path=path, new=new, old=old)


def _value(value: Any, language: str) -> str:
    if value is msgspec.UNSET or value is None or value in ("", [], {}):
        return say("nothing", language)
    if isinstance(value, bool):
        return say("yes" if value else "no", language)
    text = value if isinstance(value, str) else ""
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        text = ", ".join(str(each) for each in value)
    text = _HASH.sub("…", text or msgspec.json.encode(value, order="sorted").decode())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _consequences(change: Change, language: str) -> tuple[str, ...]:
    section, named = change.place.section, {name for field in change.fields for name in field.path}
    if change.kind == "changed" and all(_WORDS_ONLY & set(field.path) for field in change.fields):
        return ()
    if section in _CONTACTS:
        return (*_strength(change, language), say("contacts-change", language))
    if section == "limits":
        return _strength(change, language)
    if section == "experiments" and named == {"coverage"}:
        fewer = any(field.new < field.old for field in change.fields)
        return (say("people-move" if fewer else "coverage-grows", language),)
    if section in ("experiments", "routes") and (
        named & _MOVES_PEOPLE or any(field.path[0] == "arms" and _shifts(field) for field in change.fields)
    ):
        return (say("people-move", language),)
    return ()


def _shifts(field: FieldChange) -> bool:
    """Whether arms came, went or changed their order."""
    return field.reordered or len(field.path) == 2


def _strength(change: Change, language: str) -> tuple[str, ...]:
    """Whether a cap or limit lets more or less through, where only its number has changed."""
    if len(change.fields) != 1 or change.fields[0].path[-1] not in ("max", "rate", "concurrent"):
        return ()
    old, new = (float("inf") if value is None else value for value in (change.fields[0].old, change.fields[0].new))
    if not isinstance(old, int | float) or not isinstance(new, int | float):
        return ()
    return (say("tighter" if new < old else "looser", language),)


def _rule(change: Change, language: str) -> Found:
    said: list[str] = []
    done: set[tuple[str, ...]] = set()
    if change.kind == "added" and isinstance(change.new, Rule):
        effect = say(f"effect-{change.new.effect}", language)
        everything = change.new.when == "true"
        said.append(
            say("effect-all" if everything else "effect-when", language, effect=effect, when=_shown(change.new.when))
        )
        if change.new.mode == "monitor":
            said.append(say("watched", language))
    for field in change.fields:
        if field.path == ("effect",):
            new, old = (say(f"effect-{value}", language) for value in (field.new, field.old))
            said.append(say("instead", language, new=new, old=old))
        elif field.path == ("when",):
            said.append(say("when", language, new=_shown(field.new), old=_shown(field.old)))
        elif field.path == ("mode",):
            said.append(say(f"mode-{field.new}", language))
        else:
            continue
        done.add(field.path)
    return said, done


def _shown(expression: str) -> str:
    return expression if len(expression) <= 2 * _LONGEST else f"{expression[: 2 * _LONGEST - 1]}…"


def _weights(change: Change, language: str) -> Found:
    said: list[str] = []
    done: set[tuple[str, ...]] = set()
    for field in change.fields:
        if len(field.path) == 3 and field.path[0] == "arms" and field.path[2] == "weight":
            new, old = percent(field.new, language), percent(field.old, language)
            said.append(say("weight", language, arm=field.path[1], new=new, old=old))
            done.add(field.path)
    return said, done


def _holdout(change: Change, language: str) -> Found:
    share = next((field for field in change.fields if field.path == ("share",)), None)
    if share is None:
        return [], set()
    new, old = percent(share.new, language), percent(share.old, language)
    done: set[tuple[str, ...]] = {share.path}
    return [say("holdout-share", language, new=new, old=old)], done


def _counted(change: Change, language: str) -> Found:
    paths = {field.path for field in change.fields if field.path[0] in ("max", "window", "rate", "per", "concurrent")}
    old = _most(change.old, language) if isinstance(change.old, Cap | Limit) else ""
    new = _most(change.new, language) if isinstance(change.new, Cap | Limit) else ""
    if change.kind != "changed":
        return [new] if new else [], set()
    return ([say("instead", language, new=new, old=old)], paths) if paths and new and old else ([], set())


def _most(part: Cap | Limit, language: str) -> str:
    """What is granted at most, in words; empty where the upstream says it."""
    if isinstance(part, Limit):
        if part.rate is not msgspec.UNSET:
            return say("limit-rate", language, most=_amount(part.rate, language), window=_span(part.per, language))
        if part.concurrent is not msgspec.UNSET:
            return say("limit-concurrent", language, most=_amount(part.concurrent, language))
        if part.max is msgspec.UNSET or part.quota is not None:
            return ""
    most = _amount(part.max, language) + (f" {part.cost.unit}" if isinstance(part, Limit) and part.cost else "")
    window = _period(part.window, part.calendar, language)
    return say("cap" if isinstance(part, Cap) else "limit-max", language, most=most, window=window).strip()


def _amount(most: object, language: str) -> str:
    return say("unlimited", language) if most is None else say("at-most", language, most=str(most))


def _period(window: str | None, calendar: Calendar | None, language: str) -> str:
    if calendar is not None:
        return say("per-unit", language, unit=say(calendar.unit, language))
    return say("within", language, window=_span(window, language)) if window is not None else ""


def _span(duration: str, language: str) -> str:
    return span(duration_ms(duration), language=language)


def _agent(change: Change, language: str) -> Found:
    if change.kind == "added" and isinstance(change.new, Agent):
        return [say("agent-new", language, tenant=change.new.tenant)], set()
    if change.kind == "removed":
        return [say("agent-gone", language)], set()
    said: list[str] = []
    done: set[tuple[str, ...]] = set()
    for field in change.fields:
        if field.path[0] == "keys" and len(field.path) > 1:
            text = (
                "key-added" if field.old is msgspec.UNSET else "key-gone" if field.new is msgspec.UNSET else "key-other"
            )
            said.append(say(text, language, name=field.path[1]))
            done.add(field.path)
        elif field.path == ("keys",):  # in another order, which means nothing
            done.add(field.path)
    return said, done


def _model(change: Change, language: str) -> Found:
    said: list[str] = []
    done: set[tuple[str, ...]] = set()
    for field in change.fields:
        if field.path[0] == "aliases" and field.new is not msgspec.UNSET:
            text = "alias-new" if field.old is msgspec.UNSET else "alias"
            old = _value(field.old, language) if field.old is not msgspec.UNSET else ""
            said.append(say(text, language, name=f"@{field.path[1]}", new=_value(field.new, language), old=old))
            done.add(field.path)
    return said, done


def _rollout(change: Change, language: str) -> Found:
    new, old = change.new, change.old
    if not isinstance(new, Rollout):
        return [], set()
    values = {"arm": new.arm, "route": new.route, "new": percent(new.share, language)}
    if not isinstance(old, Rollout):
        return [say("rollout-new", language, **values)], set()
    if new.share == old.share:
        return [], {("since_ms",)}
    return [say("rollout", language, **values, old=percent(old.share, language))], {("step",), ("since_ms",)}


_SPECIAL: Final[Mapping[str, Callable[[Change, str], Found]]] = {
    "rules": _rule,
    "routes": _weights,
    "experiments": _weights,
    "holdouts": _holdout,
    "caps": _counted,
    "limits": _counted,
    "agents": _agent,
    "models": _model,
    "rollouts": _rollout,
}


def all_in_words(made: Sequence[Change], language: str) -> tuple[str, ...]:
    """All changes in sentences, in order."""
    return tuple(sentence for change in made for sentence in in_words(change, language))
