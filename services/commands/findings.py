"""What `pilote findings` shows: what is wrong or unusual, the gravest first, and all that is known of one."""

import shlex
import time
from collections.abc import Iterator, Sequence

from gateway.adapters.revisions import RevisionStore
from gateway.redis_clients import Client
from services.commands.finding_texts import say
from services.commands.halting import tenants_of
from services.findings import wording
from services.findings.failing import looked_through
from services.findings.finding import CLOSED, Comment, Finding, reviewer_of
from services.findings.store import FindingStore

Rows = tuple[tuple[str, ...], ...]
_HEAD = ("finding", "tenant", "grade", "state", "title", "reach", "owner", "due")


async def found(redis: Client, *, tenant: str, now_ms: int, closed: bool = False) -> tuple[Finding, ...]:
    """The findings of a tenant, or of all tenants of the active policy, the gravest first; `closed` ones on demand.

    Without those about how single people review, which a terminal cannot tell to them alone.

    Raises:
        RedisError: the store does not answer.
    """
    store = FindingStore(redis)
    tenants = (tenant,) if tenant else await tenants_of(RevisionStore(redis))
    all_ = [each for name in tenants for each in await looked_through(redis, store, name, now_ms=now_ms)]
    kept = [each for each in all_ if (closed or each.state not in CLOSED) and not reviewer_of(each.seen)]
    return tuple(sorted(kept, key=lambda each: (-each.score, each.id)))


def one_of(findings: Sequence[Finding], name: str) -> Finding | None:
    """The one of that id or resource name; also of the beginning of an id, where that is of one only."""
    wanted = name.rpartition("/")[2]
    begun = [each for each in findings if wanted and each.id.startswith(wanted)]
    return begun[0] if len(begun) == 1 else None


def rows(findings: Sequence[Finding], *, language: str) -> Rows:
    """A table; the first row names the columns."""
    return (_HEAD, *(_row(each, language) for each in findings))


def lines(finding: Finding, *, language: str) -> tuple[str, ...]:
    """All that is known of one."""
    return tuple(_lines(finding, language))


def _row(finding: Finding, language: str) -> tuple[str, ...]:
    return (
        finding.id,
        finding.seen.tenant,
        wording.grade_named(finding.grade, language=language),
        wording.state_named(finding.state, language=language),
        wording.title(finding.seen, language=language),
        wording.number(finding.seen.reach, language=language),
        finding.owner,
        _stamp(finding.due_ms),
    )


def _lines(finding: Finding, language: str) -> Iterator[str]:
    seen = finding.seen
    yield wording.title(seen, language=language)
    grade, state = (
        wording.grade_named(finding.grade, language=language),
        wording.state_named(finding.state, language=language),
    )
    yield say("owned" if finding.owner else "state", language=language, grade=grade, state=state, owner=finding.owner)
    yield from wording.sentences(seen, language=language)
    times = {"first": _stamp(finding.first_ms), "last": _stamp(seen.end_ms), "due": _stamp(finding.due_ms)}
    yield say("due", language=language, **times)
    yield say("evidence", language=language, filter=shlex.quote(seen.filter))
    if seen.decisions:
        yield say("example", language=language, decision=seen.decisions[0])
    yield from (say("made", language=language, name=link.name) for link in finding.links)
    yield from (_said(each, language) for each in finding.comments)


def _said(comment: Comment, language: str) -> str:
    text = "  ".join(part for part in (comment.what, comment.text) if part)
    return say("comment", language=language, time=_stamp(comment.at_ms), by=comment.by or "Pilote", text=text)


def _stamp(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at_ms / 1000))
