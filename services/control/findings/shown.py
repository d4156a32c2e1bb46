"""A finding as people and programs see it. Pure."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from services.control.access.principals import Principal
from services.control.access.rights import Right
from services.control.preconditions import Match
from services.control.times import at, known
from services.findings import wording
from services.findings.finding import Finding, State, reviewer_of


class AboutShown(msgspec.Struct, frozen=True):
    """One thing that it is about."""

    name: str
    """Such as "agent"."""
    value: str


class CommentShown(msgspec.Struct, frozen=True):
    """What somebody has said, or done."""

    by: str
    """Empty: Pilote itself."""
    time: dt.datetime
    text: str
    what: str
    """What was changed with it, such as "state=RESOLVED owner=mona" or "reviews=3"; empty: nothing."""


class LinkShown(msgspec.Struct, frozen=True):
    """What was made of it."""

    kind: str
    """"draft", "probe", "stop", "event" or "review"."""
    name: str


class FindingShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One finding. It holds no personal data beyond pseudonyms."""

    name: str
    """`findings/{tenant}/{finding}`."""
    tenant: str
    kind: str
    title: str
    """In the reader's language; likewise `text`."""
    text: str
    """What was seen, how sure that is, how far it reaches, and how often such a finding is a false one."""
    about: tuple[AboutShown, ...]
    grade: str
    """CRITICAL, MAJOR or MINOR, by the score."""
    score: float
    """Gravity x reach x certainty, 0 to 1."""
    state: str
    """OPEN, ACCEPTED, RESOLVED or DISMISSED."""
    owner: str
    """Who has taken it on; empty: nobody."""
    due_time: dt.datetime
    """By when it should be looked at."""
    size: float
    """How grave it is for each one concerned, 0 to 1."""
    reach: int
    of: str
    """What `reach` counts: "calls" or "people"."""
    certainty: float
    """1 less the probability of seeing this where nothing is wrong."""
    value: float
    """What was measured, in the kind's own unit, between `low` and `high`."""
    low: float
    high: float
    level: float
    """Of that interval, such as 0.95; 1: it was counted."""
    n: int
    """How many were looked at."""
    m: int
    """How many they were compared with; 0 where with none."""
    false_alarms: float
    """At most this share of weeks in which nothing is wrong raise any finding of this kind."""
    filter: str
    """Of the decisions that show it, as `GET /v1/decisions` takes it."""
    decisions: tuple[str, ...]
    """Some of them, `decisions/{decision}`."""
    shown: Mapping[str, Any]
    """More, by kind; of a rule that fails its `error` and the `revision` under which it failed last."""
    start_time: dt.datetime
    """The time that was looked at last, up to `endTime`."""
    end_time: dt.datetime
    first_time: dt.datetime
    """Since when it is seen."""
    times: int
    """In how many times of looking it was seen."""
    reopened: int
    close_time: dt.datetime | None
    """When it was closed last."""
    comments: tuple[CommentShown, ...]
    """The newest last."""
    links: tuple[LinkShown, ...]
    etag: str
    """Of all of it. A change that names it is made as long as no person has changed the finding since, though it may
    have been seen anew."""


def name_of(finding: Finding) -> str:
    """Its resource name."""
    return f"findings/{finding.seen.tenant}/{finding.id}"


def sees(who: Principal, finding: Finding) -> bool:
    """Whether they may see it, where they see others of its tenant.

    How somebody reviews is shown to nobody but them and who sets the rules of reviews.
    """
    concerned = reviewer_of(finding.seen)
    return concerned in ("", who.name) or who.may(Right.REVIEW_RULES, finding.seen.tenant)


def etag_of(finding: Finding) -> str:
    """Its version, and after a dot what tells what people have made of it."""
    return f'"{finding.version}.{_hand(finding)}"'


def unchanged(finding: Finding, match: Match) -> bool:
    """Whether people have made no more of it than what they have seen who name that."""
    return match.any or any(tag.rpartition(".")[2] == _hand(finding) for tag in match.strong)


def _hand(finding: Finding) -> str:
    by_people = (finding.state, finding.owner, finding.due_ms, finding.comments, finding.links, finding.reopened)
    return hashlib.blake2b(msgspec.json.encode(by_people), digest_size=6).hexdigest()


def shown(finding: Finding, *, language: str) -> FindingShown:
    """It in that language."""
    seen = finding.seen
    return FindingShown(
        name=name_of(finding),
        tenant=seen.tenant,
        kind=seen.kind,
        title=wording.title(seen, language=language),
        text=" ".join(wording.sentences(seen, language=language)),
        about=tuple(AboutShown(name, value) for name, value in seen.about),
        grade=finding.grade.value,
        score=round(finding.score, 6),
        state=finding.state.value,
        owner=finding.owner,
        due_time=at(finding.due_ms),
        size=seen.size,
        reach=seen.reach,
        of=seen.of,
        certainty=seen.certainty,
        value=seen.value,
        low=seen.low,
        high=seen.high,
        level=seen.level,
        n=seen.n,
        m=seen.m,
        false_alarms=seen.false_alarms,
        filter=seen.filter,
        decisions=tuple(f"decisions/{each}" for each in seen.decisions),
        shown=seen.shown,
        start_time=at(seen.start_ms),
        end_time=at(seen.end_ms),
        first_time=at(finding.first_ms),
        times=finding.times,
        reopened=finding.reopened,
        close_time=known(finding.closed_ms),
        comments=tuple(CommentShown(each.by, at(each.at_ms), each.text, each.what) for each in finding.comments),
        links=tuple(LinkShown(each.kind, each.name) for each in finding.links),
        etag=etag_of(finding),
    )


def told(finding: Finding) -> dict[str, Any]:
    """What the log keeps of how it stands."""
    open_state = finding.state is State.OPEN
    return {"state": finding.state.value, "owner": finding.owner, "dueTime": at(finding.due_ms)} | (
        {} if open_state else {"closeTime": known(finding.closed_ms)}
    )
