"""What one part of a policy would have come to alone: the policy with nothing else, and which calls show it best."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from gateway.core.changes import Place
from gateway.core.policy.callers import Autonomy
from gateway.core.policy.document import Document
from gateway.core.policy.ruling import Rule
from gateway.core.policy.serving import Lineage
from gateway.core.record import Record
from gateway.core.simulating.calls import ALLOWED, Call
from gateway.core.simulating.course import Came
from services.control.drafts.trials import NoSuchPart, covers
from services.sentences.engine import engine
from services.sentences.reading import Unsaid, read
from services.sentences.scoping import scope
from services.sentences.writing import write

SECTIONS: Final = ("rules", "limits", "caps", "quiet_hours", "consents", "sequences")
"""Sections whose parts sentences speak of."""
FEWEST: Final = 3
MOST: Final = 5
_LEADING: Final = 3
_SCOPE: Final = "examples.scope"
_REST: Final = "examples.all-else"
Outcome = Literal["stopped", "held", "deferred", "masked", "through", "unconcerned"]
ACTS: Final = frozenset({"stopped", "held", "deferred", "masked"})
"""Outcomes of calls that the part does something to."""


class Example(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A recorded call, and what the part alone would have made of it."""

    decision: str
    """Its id."""
    agent: str
    method: str
    channel: str = ""
    category: str = ""
    subject: str = ""
    """Pseudonym of the customer."""
    received_ms: int
    verdict: str
    """As recorded, by all that held then."""
    outcome: Outcome


def alone(document: Document, place: Place) -> Document:
    """A policy in which that part is all that refuses, holds, counts or hides anything; it is enforced.

    Raises:
        NoSuchPart: the policy has none.
    """
    parts: Sequence[Any] = getattr(document, place.section) if place.section in SECTIONS else ()
    part = next((each for each in parts if each.name == place.name), None)
    if part is None:
        raise NoSuchPart
    enforced = msgspec.structs.replace(part, mode="enforce")
    own = (enforced,) if place.section == "rules" else ()
    rest = () if place.section == "rules" and part.effect == "allow" else (Rule(name=_REST, effect="allow"),)
    bare = msgspec.structs.replace(
        document,
        **dict.fromkeys(SECTIONS, ()),
        agents=tuple(msgspec.structs.replace(each, autonomy=Autonomy()) for each in document.agents),
        autonomy=Autonomy(),
        holdouts=(),
        objectives=(),
        lineage=Lineage(),
        packs=(),
        pressure=None if document.pressure is None else msgspec.structs.replace(document.pressure, max=None),
    )
    if place.section != "rules":
        bare = msgspec.structs.replace(bare, **{place.section: (enforced,)})
    return msgspec.structs.replace(bare, rules=(*own, *_scoped(place, part), *rest))


def _scoped(place: Place, part: Any) -> tuple[Rule, ...]:
    """A rule that only notes which calls the sentence is about, where the part itself tells less."""
    found = read(place.section, msgspec.to_builtins(part), engine=engine(), labels=())
    if isinstance(found, Unsaid) or (about := scope(found.sentence)) is None:
        return ()
    return (msgspec.convert(write(about, name=_SCOPE).part, Rule),)


def outcome_of(call: Call, came: Came, record: Record, *, place: Place) -> Outcome | None:
    """What the part alone makes of a call; `None` where something else than a policy ended it."""
    if call.fixed or call.first or came.verdict == "GONE":
        return None
    effect, _ = covers(record, place)
    if not effect:
        noted = any(look.rule == _SCOPE for look in record.rules)
        return "through" if noted and came.verdict == ALLOWED else "unconcerned"
    if came.verdict == ALLOWED:
        return "masked" if effect == "redact" else "through"
    if place.name not in came.by.split():
        return None
    return {"HOLD": "held", "DEFER": "deferred"}.get(came.verdict, "stopped")  # type: ignore[return-value]


def chosen(found: Sequence[Example]) -> tuple[Example, ...]:
    """Three to five that show it best, in the order of time: what it acts on and what it lets be, where there are both.

    `found` is in the order of time; the newest count first, those of different customers before others of the same, and
    beside the first that is acted on calls of the same customer.
    """
    newest = found[::-1]
    acting = _spread([each for each in newest if each.outcome in ACTS])
    through = [each for each in newest if each.outcome == "through"]
    others = _spread([each for each in newest if each.outcome == "unconcerned"])
    if not acting and not through:
        return ()
    if acting:
        through.sort(key=lambda each: not each.subject or each.subject != acting[0].subject)
        lead, contrast, rest = acting, through or others, others if through else []
    else:
        lead, contrast, rest = _spread(through), others, []
    taken = [*lead[:_LEADING], *contrast[: MOST - _LEADING]]
    spare = [*lead[_LEADING:], *contrast[MOST - _LEADING :], *rest]
    taken += spare[: max(0, FEWEST - len(taken))]
    order = {each.decision: place for place, each in enumerate(found)}
    return tuple(sorted(taken, key=lambda each: order[each.decision]))


def _spread(found: Sequence[Example]) -> list[Example]:
    """The same with the first of each customer in front."""
    seen = set[str]()
    first, more = list[Example](), list[Example]()
    for each in found:
        (more if each.subject in seen else first).append(each)
        seen.add(each.subject)
    return [*first, *more]
