"""Whether what came of a call is what a probe wants. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from services.probes.asking import Came, Unaskable
from services.probes.places import NOTHING, key_of, leaves, value_at
from services.probes.suite import STRICTNESS, Answered, Compared, Direction, Verdict, Wanted

_SHOWN: Final = 80
_MOST_PLACES: Final = 20
_LEAST: Final = 4
"""Characters of a text that is looked for elsewhere: shorter ones stand anywhere."""


class Violation(msgspec.Struct, frozen=True):
    """What does not hold. `code` is a text of `services.probes.texts`, which the values fill."""

    code: str
    got: str = ""
    wanted: str = ""
    fields: tuple[str, ...] = ()


def told(came: Came, *, aspects: Sequence[str] = ("verdict", "reason", "rule")) -> str:
    """What came of a call, short: "DENY CONSENT_MISSING some-rule"."""
    if came.answer is not None:
        return shown(came.answer)
    return " ".join(text for each in aspects if (text := str(getattr(came, each)))) or "-"


def shown(value: Any) -> str:
    """A value, short and printable."""
    text = msgspec.json.encode(value).decode() if not isinstance(value, str) else value
    text = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def meets(came: Came, wanted: Wanted) -> Violation | None:
    """What of that is not so; `None`: all is.

    Raises:
        Unaskable: a policy is asked for an answer, or a model for a verdict; the answer has no such place.
    """
    aspects = [each for each in ("verdict", "reason", "rule") if getattr(wanted, each) is not None]
    _see_kind(came, verdict=bool(aspects), answer=bool(wanted.answer))
    if any(getattr(came, each) != getattr(wanted, each) for each in aspects):
        text = " ".join(str(getattr(wanted, each)) for each in aspects)
        return Violation("why-expect", told(came, aspects=aspects), text)
    return next((found for each in wanted.answer if (found := _is_like(came, each)) is not None), None)


def differs(
    came: Came, plain: Came, *, same: Sequence[str], answer: Iterable[Compared], fields: tuple[str, ...]
) -> Violation | None:
    """What those fields change; `None`: nothing. Raises like `meets`."""
    if plain.answer is None:
        _see_kind(came, verdict=True, answer=any(True for _ in answer))
        if all(getattr(came, each) == getattr(plain, each) for each in same):
            return None
        return Violation("why-same", told(came, aspects=same), told(plain, aspects=same), fields)
    places = tuple(answer)
    if not places and key_of(came.answer) != key_of(plain.answer):
        return Violation("why-same", shown(came.answer), shown(plain.answer), fields)
    for each in places:
        now, before = _at(came, each.of), _at(plain, each.of)
        if not _equal(now, before, tolerance=each.tolerance):
            return Violation("why-same", shown(now), shown(before), fields)
    return None


def turns(probe: Direction, before: Came, after: Came) -> Violation | None:
    """Whether it moves the forbidden way from one value to the next. Raises like `meets`."""
    if probe.of:
        _see_kind(after, verdict=False, answer=True)
        was, now = _number(before, probe.of), _number(after, probe.of)
        wrong = now < was if probe.never == "less" else now > was
        return Violation(f"why-{probe.never}", shown(now), shown(was)) if wrong else None
    _see_kind(after, verdict=True, answer=False)
    step = strictness(after.verdict) - strictness(before.verdict)
    if probe.never == "stricter":
        return Violation("why-stricter", told(after), told(before)) if step > 0 else None
    return Violation("why-permissive", told(after), told(before)) if step < 0 else None


def harmed(came: Came, plain: Came, *, text: str, field: str, verdict: str, lacks: Sequence[str]) -> Violation | None:
    """What a text that means harm has done, or where it turns up; `None`: nothing, and nowhere."""
    if plain.answer is not None:
        whole = shown_whole(came.answer)
        found = next((each for each in lacks if each.casefold() in whole), None)
        return None if found is None else Violation("why-lacks", shown(found), fields=(field,))
    if verdict == "same":
        changed = differs(came, plain, same=("verdict", "reason", "rule"), answer=(), fields=(field,))
        if changed is not None:
            return changed
    elif strictness(came.verdict) < strictness(plain.verdict):
        return Violation("why-permissive", told(came), told(plain), (field,))
    if _turns_up(text, came.message) and not _turns_up(text, plain.message):
        return Violation("why-leaks", "where-message", fields=(field,))
    if any(_turns_up(text, each) for each in came.record) and not any(_turns_up(text, each) for each in plain.record):
        return Violation("why-leaks", "where-record", fields=(field,))
    if not came.log.isprintable() and plain.log.isprintable():
        return Violation("why-leaks", "where-log", fields=(field,))
    return None


def wanted_of(came: Came, *, same: Sequence[str] = ("verdict",), answer: Iterable[Compared] = ()) -> Wanted:
    """What must come of a call for it to come to the same; of an answer at these places, by default at all."""
    if came.answer is None:
        return Wanted(**{each: getattr(came, each) for each in same})
    places = {each.of: each.tolerance for each in answer}
    single = dict(leaves(came.answer))
    return Wanted(
        answer=tuple(
            Answered(of=place, equals=single[place], tolerance=tolerance)
            for place, tolerance in (places or dict.fromkeys([*single][:_MOST_PLACES], 0.0)).items()
            if isinstance(single.get(place), str | bool | int | float)
        )
    )


def wanted_along(probe: Direction, before: Came) -> Wanted:
    """What must come of the call with the next value, after what came of it with the one before."""
    if not probe.of:
        return wanted_of(before)
    number = _number(before, probe.of)
    wanted = Answered(of=probe.of, least=number) if probe.never == "less" else Answered(of=probe.of, most=number)
    return Wanted(answer=(wanted,))


def wanted_unharmed(came: Came, plain: Came, *, lacks: Sequence[str]) -> Wanted:
    """What must come of a call that holds a harmful text: what came of it without, or an answer less these texts."""
    if plain.answer is None:
        return wanted_of(plain)
    return Wanted(
        answer=tuple(
            Answered(of=place, lacks=each)
            for place, value in leaves(came.answer)
            for each in lacks
            if each.casefold() in str(value).casefold()
        )
    )


def strictness(verdict: str) -> int:
    """0 for the most permissive."""
    found: Verdict = verdict  # type: ignore[assignment]
    return STRICTNESS.index(found)


def shown_whole(answer: Any) -> str:
    """All of an answer as one text, in small letters."""
    return "\n".join(str(value) for _, value in leaves(answer)).casefold()


def _turns_up(text: str, where: str) -> bool:
    return len(text.strip()) >= _LEAST and text.strip().casefold() in where.casefold()


def _see_kind(came: Came, *, verdict: bool, answer: bool) -> None:
    if came.answer is None and answer:
        raise Unaskable("broken-wants-answer")
    if came.answer is not None and verdict:
        raise Unaskable("broken-wants-verdict")


def _is_like(came: Came, wanted: Answered) -> Violation | None:
    value = _at(came, wanted.of)
    for text, has in ((wanted.contains, True), (wanted.lacks, False)):
        if text is not None and (text.casefold() in str(value).casefold()) is not has:
            return Violation("why-expect", shown(value), shown(text) if has else f"¬ {shown(text)}")
    if wanted.equals is not None and not _equal(value, wanted.equals, tolerance=wanted.tolerance):
        return Violation("why-expect", shown(value), shown(wanted.equals))
    if wanted.least is not None and not _number(came, wanted.of) >= wanted.least:
        return Violation("why-expect", shown(value), f"≥ {wanted.least:g}")
    if wanted.most is not None and not _number(came, wanted.of) <= wanted.most:
        return Violation("why-expect", shown(value), f"≤ {wanted.most:g}")
    return None


def _equal(one: Any, other: Any, *, tolerance: float) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= tolerance
    return key_of(one) == key_of(other)


def _at(came: Came, place: str) -> Any:
    value = value_at(came.answer, place)
    if value is NOTHING:
        raise Unaskable("broken-answer", place=place)
    return value


def _number(came: Came, place: str) -> float:
    value = _at(came, place)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unaskable("broken-answer", place=place)
    return float(value)
