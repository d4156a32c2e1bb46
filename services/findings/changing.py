"""What people do about a finding: take it on, close it, say something, and link what they made of it. Pure."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from services.findings.finding import CLOSED, Comment, Finding, Link, State, closed, due_from, said

MOST_CHARACTERS: Final = 1_000
"""Of a comment."""
MOST_LINKS: Final = 100
SENT: Final = "finding.sent"
"""The type of events by which somebody has sent a finding on. Their names end with it; whoever tells others looks for
them."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants changed; `None`: as it is."""

    state: State | None = None
    owner: str | None = None
    """Empty: nobody."""
    due_ms: int | None = None
    """Milliseconds since the epoch."""
    text: str = ""
    """Why."""


def changed(finding: Finding, wanted: Wanted, *, by: str, now_ms: int) -> Finding:
    """It as wanted, with a comment that says what was changed; itself where nothing is. Its version stays.

    Who takes on what nobody owns owns it, unless they name somebody; what is given to nobody is open again. What is
    opened again is not due at once.
    """
    owner = finding.owner if wanted.owner is None else wanted.owner
    state = finding.state if wanted.state is None else wanted.state
    if wanted.owner == "" and wanted.state is None and state is State.ACCEPTED:
        state = State.OPEN
    if state is State.ACCEPTED and not owner:
        owner = by
    due_ms = finding.due_ms if wanted.due_ms is None else wanted.due_ms
    if finding.state in CLOSED and state not in CLOSED and wanted.due_ms is None:
        due_ms = max(due_ms, due_from(finding.seen, now_ms=now_ms))
    what = [
        *([f"state={state}"] if state is not finding.state else []),
        *([f"owner={owner}"] if owner != finding.owner else []),
        *([f"due={_day(due_ms)}"] if due_ms != finding.due_ms else []),
    ]
    if not what and not wanted.text:
        return finding
    after = msgspec.structs.replace(finding, state=state, owner=owner, due_ms=due_ms)
    if state in CLOSED and state is not finding.state:
        after = closed(after, state, now_ms=now_ms)
    return said(after, Comment(by, now_ms, wanted.text, what=" ".join(what)))


def linked(finding: Finding, link: Link, *, by: str, now_ms: int) -> Finding:
    """It with a link, of which the first ones are dropped where there are very many; itself where it has it."""
    if link in finding.links:
        return finding
    after = msgspec.structs.replace(finding, links=(*finding.links, link)[-MOST_LINKS:])
    return said(after, Comment(by, now_ms, "", what=f"link={link.name}"))


def reviewed(finding: Finding, reviews: Sequence[str], *, by: str, now_ms: int) -> Finding:
    """It with links to reviews of decisions that show it, and one comment; itself where it has all of them."""
    links = [Link("review", each) for each in reviews]
    new = [each for each in links if each not in finding.links]
    if not new:
        return finding
    after = msgspec.structs.replace(finding, links=(*finding.links, *new)[-MOST_LINKS:])
    return said(after, Comment(by, now_ms, "", what=f"reviews={len(new)}"))


def sent(finding: Finding, *, by: str, now_ms: int) -> Finding:
    """It with a link to an event that is on its way to other systems."""
    told = f"{finding.seen.tenant}\n{finding.id}\n{finding.version}".encode()
    name = f"events/{hashlib.sha256(told).hexdigest()[:32]}.{SENT}"
    return linked(finding, Link("event", name), by=by, now_ms=now_ms)


def _day(at_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_ms / 1_000, dt.UTC):%Y-%m-%d}"
