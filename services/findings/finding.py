"""One finding: what was seen, how sure that is, and what people have done about it. Pure.

Whoever looks for something gives a `Seen`; the same thing seen again is the same finding. People accept, resolve or
dismiss it. It opens again by itself where the same is seen in a time after it was closed; one that was dismissed, which
says "this is as it should be", only where it has become clearly worse.
"""

import hashlib
import math
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

_DAY_MS: Final = 86_400_000
_LARGEST_REACH: Final = 1_000_000
"""People or calls from which on a finding reaches no farther."""
_WORSE: Final = 1.5
"""How many times as grave a dismissed finding must be to open again."""
MOST_COMMENTS: Final = 200
MOST_DECISIONS: Final = 20
"""Decisions that a finding names as examples; its filter finds all."""


class State(StrEnum):
    """What people have made of a finding."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    """Somebody has taken it on."""
    RESOLVED = "RESOLVED"
    DISMISSED = "DISMISSED"


CLOSED: Final = frozenset((State.RESOLVED, State.DISMISSED))


class Grade(StrEnum):
    """How urgent a finding is, by its score."""

    CRITICAL = "CRITICAL"
    MAJOR = "MAJOR"
    MINOR = "MINOR"


REVIEWER: Final = "reviewer"
"""What a finding is about that says how one of our own people reviews decisions."""
_PERSONS: Final = frozenset({"subject", "subject_ref", "customer", "person", "contact", REVIEWER})
"""What a finding may be about that names somebody, if only by a pseudonym."""
_NUMBERS: Final = ("size", "certainty", "value", "low", "high", "level", "false_alarms")
_GRADES: Final = ((0.6, Grade.CRITICAL), (0.3, Grade.MAJOR), (0.0, Grade.MINOR))
DUE_DAYS: Final[Mapping[Grade, int]] = {Grade.CRITICAL: 1, Grade.MAJOR: 3, Grade.MINOR: 14}
"""By when it should be looked at, where nobody says otherwise."""


class Seen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one look has found. Times are milliseconds since the epoch."""

    kind: str
    """Such as "drift" or "fairness"; `services.findings.texts` has words for each."""
    tenant: str
    about: tuple[tuple[str, str], ...]
    """What it is about, in order: ("agent", "sales-bot"), ("measure", "latency"). Two findings of a kind about the same
    are one."""
    start_ms: int
    """The time that was looked at, up to `end_ms`."""
    end_ms: int
    size: float
    """How grave it is for each one concerned, 0 to 1."""
    reach: int
    """How many are concerned."""
    of: str = "calls"
    """Of what: "calls" or "people"."""
    certainty: float
    """1 less the probability of seeing this, or more, where nothing is wrong; corrected for all that was looked at."""
    value: float
    """What was measured, in the kind's own unit."""
    low: float
    """The interval around it; likewise `high`."""
    high: float
    level: float
    """Of the interval, such as 0.95."""
    n: int
    """How many were looked at."""
    m: int = 0
    """How many they were compared with; 0 where with none."""
    false_alarms: float
    """At most this share of weeks in which nothing is wrong raise any finding of this kind."""
    filter: str
    """Which decisions show it, as `pilote decisions list` takes it."""
    decisions: tuple[str, ...] = ()
    """Ids of some of them."""
    shown: Mapping[str, Any] = {}
    """What a picture of it is drawn from: JSON's kinds."""


class Comment(msgspec.Struct, frozen=True):
    """What somebody has said, or done."""

    by: str
    """Empty: Pilote itself."""
    at_ms: int
    text: str
    what: str = ""
    """A change that was made with it, such as "state=RESOLVED"; empty for none."""


class Link(msgspec.Struct, frozen=True):
    """What was made of a finding."""

    kind: str
    """"draft", "probe", "stop", "event" or "review"."""
    name: str
    """Its resource name."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding as it stands."""

    id: str
    seen: Seen
    """As it was last."""
    worst: float
    """The largest score that it ever had."""
    first_ms: int
    """When the first time began in which it was seen."""
    times: int = 1
    """In how many times of looking it was seen."""
    state: State = State.OPEN
    owner: str = ""
    due_ms: int
    comments: tuple[Comment, ...] = ()
    links: tuple[Link, ...] = ()
    closed_ms: int = 0
    """When it was closed last; 0: never."""
    closed_score: float = 0.0
    """What its score was then."""
    reopened: int = 0
    version: int = 1
    """Grows with each write."""

    @property
    def score(self) -> float:
        """How it ranks, 0 to 1."""
        return score_of(self.seen)

    @property
    def grade(self) -> Grade:
        """How urgent it is."""
        return grade_of(self.score)


def id_of(seen: Seen) -> str:
    """The id of the finding that this is."""
    return id_for(seen.tenant, seen.kind, seen.about)


def id_for(tenant: str, kind: str, about: tuple[tuple[str, str], ...]) -> str:
    """The id of the finding of that kind about that: 16 hexadecimal digits."""
    said = msgspec.json.encode((tenant, kind, about))
    return hashlib.blake2b(said, digest_size=8).hexdigest()


def impersonal(seen: Seen) -> Seen:
    """It, about nothing that names somebody: for who keeps or is told of it elsewhere."""
    return msgspec.structs.replace(seen, about=tuple(each for each in seen.about if each[0] not in _PERSONS))


def reviewer_of(seen: Seen) -> str:
    """Whose way of reviewing it is about; empty: nobody's. It is told to nobody but them and who sets the rules."""
    return next((value for name, value in seen.about if name == REVIEWER), "")


def score_of(seen: Seen) -> float:
    """Gravity x reach x certainty, 0 to 1. Ten times the reach adds a sixth, up to a million."""
    reach = math.log1p(min(max(seen.reach, 0), _LARGEST_REACH)) / math.log1p(_LARGEST_REACH)
    return _share(seen.size) * reach * _share(seen.certainty)


def grade_of(score: float) -> Grade:
    """How urgent a score is."""
    return next(grade for least, grade in _GRADES if score >= least)


def found(known: Finding | None, seen: Seen, *, now_ms: int) -> Finding:
    """What becomes of a finding by what was seen; `known` is the one with its id, if there is one.

    What was seen of a time that is known already, or of an earlier one, changes nothing.
    """
    seen = _finite(seen)
    if known is None:
        due_ms = due_from(seen, now_ms=now_ms)
        return Finding(id=id_of(seen), seen=seen, worst=score_of(seen), first_ms=seen.start_ms, due_ms=due_ms)
    if seen.end_ms <= known.seen.end_ms:
        return known
    after = msgspec.structs.replace(
        known,
        seen=seen,
        worst=max(known.worst, score_of(seen)),
        times=known.times + 1,
        version=known.version + 1,
    )
    return _opened(after, now_ms=now_ms) if _comes_back(known, seen) else after


def due_from(seen: Seen, *, now_ms: int) -> int:
    """By when it should be looked at, where it is opened now, milliseconds since the epoch."""
    return now_ms + DUE_DAYS[grade_of(score_of(seen))] * _DAY_MS


def closed(finding: Finding, state: State, *, now_ms: int) -> Finding:
    """It, resolved or dismissed; its version stays for who writes it."""
    return msgspec.structs.replace(finding, state=state, closed_ms=now_ms, closed_score=finding.score)


def said(finding: Finding, comment: Comment) -> Finding:
    """It with a comment; of very many the first ones are dropped."""
    return msgspec.structs.replace(finding, comments=(*finding.comments, comment)[-MOST_COMMENTS:])


def _comes_back(known: Finding, seen: Seen) -> bool:
    if known.state is State.RESOLVED:
        return seen.start_ms >= known.closed_ms
    return known.state is State.DISMISSED and score_of(seen) >= _WORSE * max(known.closed_score, 0.01)


def _opened(finding: Finding, *, now_ms: int) -> Finding:
    again = msgspec.structs.replace(
        finding,
        state=State.OPEN,
        reopened=finding.reopened + 1,
        due_ms=due_from(finding.seen, now_ms=now_ms),
    )
    return said(again, Comment("", now_ms, "", what=f"state={State.OPEN}"))


def _finite(seen: Seen) -> Seen:
    """It with numbers that JSON can say: an infinite one as the largest that there is, and no number as 0."""
    told = {name: getattr(seen, name) for name in _NUMBERS}
    if all(math.isfinite(each) for each in told.values()):
        return seen
    most = sys.float_info.max
    kept = {name: 0.0 if math.isnan(each) else min(max(each, -most), most) for name, each in told.items()}
    return msgspec.structs.replace(seen, **kept)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if value == value else 0.0  # noqa: PLR0124 - no number
