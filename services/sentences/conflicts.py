"""Sentences that get in each other's way: one that never matters because of another, and two that leave nobody.

What is told is certain; what is not told may still be so. Rules whose conditions cover each other are found by
`gateway.core.analysis.findings`; here is what can be seen of the sentences alone.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from gateway.core.call import Operation
from gateway.core.policy.vocabulary import duration_ms
from services.sentences.kinds import Calls, Cap, Consent, Contacts, Gap, Hours, Kind, Never, Only, Repeat
from services.sentences.texts import say as in_words

_CALENDARS: Final = ("day", "week", "month", "year")
Code = Literal["tighter", "swallowed", "nobody", "shadowed", "redundant", "never"]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A part that is a sentence."""

    section: str
    part: str
    sentence: Kind
    besides: tuple[str, ...] = ()


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence, and those that get in its way."""

    code: Code
    section: str
    part: str
    others: tuple[tuple[str, str], ...]
    """Each as section and name."""

    def worded(self, language: str, *, this: str, others: Sequence[str]) -> tuple[str, str]:
        """What is wrong and what to do, with the sentences themselves."""
        values = {"this": this, "others": " ".join(others)}
        return (
            in_words(f"conflict-{self.code}", language=language, **values),
            in_words(f"conflict-{self.code}-fix", language=language, **values),
        )


def conflicts(said: Sequence[Said]) -> tuple[Conflict, ...]:
    """At most one for each sentence, in their order. Of two that come to the same, the first stays."""
    found = []
    out: set[int] = set()
    for place in range(len(said)):
        conflict = next(_of(place, said, out), None)
        if conflict is not None:
            found.append(conflict)
            out.add(place)
    return tuple(found)


def _of(place: int, said: Sequence[Said], out: set[int]) -> Iterator[Conflict]:
    this = said[place]
    for other_place, other in enumerate(said):
        if other_place == place or other_place in out or other.sentence.watched or this.sentence.watched:
            continue
        code = _between(this, other, later=place > other_place)
        if code is not None:
            yield Conflict(code=code, section=this.section, part=this.part, others=((other.section, other.part),))


def _between(this: Said, other: Said, *, later: bool) -> Code | None:
    one, two = this.sentence, other.sentence
    if isinstance(one, Only) and isinstance(two, Only):
        return "nobody" if later and _leave_nobody(one, two) else None
    if isinstance(two, Never):
        return "swallowed" if isinstance(one, Contacts | Hours | Consent) and _refuses_all(two, one) else None
    if isinstance(one, Cap | Gap | Repeat) and isinstance(two, Cap | Gap | Repeat) and _comparable(this, other):
        tighter = _always_first(two, one)
        return "tighter" if tighter and (later or not _always_first(one, two)) else None
    return None


def _comparable(this: Said, other: Said) -> bool:
    """Whether both count alike: from the same moment on, by the same calendar."""
    ours = {each for each in (*this.besides, *other.besides) if each != "citation"}
    return not ours and other.sentence.exceed != "review"  # type: ignore[union-attr]


def _always_first(two: Cap | Gap | Repeat, one: Cap | Gap | Repeat) -> bool:
    """Whether the second is reached wherever the first one is."""
    if not _covers(two, one) or not set(_apart(two)) <= set(_apart(one)):
        return False
    if isinstance(two, Gap):
        if isinstance(one, Gap):
            return duration_ms(two.gap) >= duration_ms(one.gap)
        return one.max >= 1 and one.period not in _CALENDARS and duration_ms(two.gap) >= duration_ms(one.period)
    if isinstance(one, Gap) or two.max > one.max:
        return False
    if one.period in _CALENDARS or two.period in _CALENDARS:
        return one.period == two.period
    return duration_ms(two.period) >= duration_ms(one.period)


def _apart(sentence: Cap | Gap | Repeat) -> tuple[str, ...]:
    """What is counted apart."""
    return (sentence.same,) if isinstance(sentence, Repeat) else sentence.each


def _covers(two: Contacts, one: Contacts) -> bool:
    """Whether the second is about every message that the first is about."""
    for slot in ("channels", "topics", "brands", "segments"):
        wide, narrow = set(getattr(two, slot)), set(getattr(one, slot))
        if wide and not (narrow and narrow <= wide):
            return False
    exempt = set(two.exempt) - set(two.categories)
    if one.categories:
        return all(each in two.categories if two.categories else each not in exempt for each in one.categories)
    return not two.categories and exempt <= set(one.exempt)


def _refuses_all(never: Never, sentence: Contacts | Hours | Consent) -> bool:
    """Whether it refuses every message that the sentence is about."""
    bounded = ("agents", "labels", "methods", "purposes", "campaigns", "outside", "traits", "scores", "request")
    if any(getattr(never, slot) for slot in bounded) or never.unagreed or never.pressure is not None:
        return False
    if never.operations and Operation.CONTACT not in never.operations:
        return False
    for slot in ("channels", "categories", "segments"):
        refused, about = set(getattr(never, slot)), set(getattr(sentence, slot, ()))
        if refused and not (about and about <= refused):
            return False
    return True


def _leave_nobody(one: Only, two: Only) -> bool:
    """Whether the same calls are kept to agents of which none is among both."""
    rest = [slot for slot in Calls.__struct_fields__ if slot not in ("agents", "labels", "watched")]
    same = all(getattr(one, slot) == getattr(two, slot) for slot in rest)
    return same and bool(one.agents) and bool(two.agents) and not set(one.agents) & set(two.agents)
