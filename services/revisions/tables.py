"""Revisions, proposals, workers and conflicts, as people read them."""

import datetime as dt
from collections.abc import Mapping, Sequence

import msgspec
import yaml

from gateway.adapters.proposals import Proposal
from gateway.adapters.workers import DECISION_WORKER, GATEWAY, Report
from gateway.core.authority import Entry
from gateway.core.change_words import all_in_words
from gateway.core.changes import Change, changes
from gateway.core.merging import Merge
from gateway.core.policy.document import Document
from gateway.core.texts import LANGUAGES
from gateway.core.trust import WORDS
from services.revisions.revising import Conflict
from services.revisions.texts import say

_KINDS = (GATEWAY, DECISION_WORKER, "intake")
Rows = tuple[tuple[str, ...], ...]


def history(entries: Mapping[int, Entry], numbers: Sequence[int], *, head: int, language: str) -> Rows:
    """Revisions, in the order of `numbers`. `head` is the one that gateways run; what does not lead to it is told."""
    rows, following = [_columns("history", language)], head
    for number in numbers:
        entry = entries.get(number)
        if entry is None:
            rows.append((str(number), "", "", say("how-unknown", language=language), "", "", ""))
            continue
        statement = entry.statement
        author = statement.author or (say("controller", language=language) if statement.how == "rollout" else "")
        how = say(f"how-{statement.how}", language=language, restores=statement.restores)
        if number == following:
            following = entry.after
        else:
            how = say("how-astray", language=language)
        agreed = ", ".join(each.vote.person for each in entry.approvals)
        rows.append(
            (str(number), when(statement.created_ms), author, how, agreed, statement.reason, statement.document[:12])
        )
    return tuple(rows)


def proposals(found: Sequence[tuple[Proposal, int]], *, language: str) -> Rows:
    """Proposals, each with how many people must agree."""
    rows = [_columns("proposal", language)]
    for proposal, required in found:
        statement = proposal.entry.statement
        state = say(f"state-{proposal.state}", language=language)
        state += f" ({proposal.revision})" if proposal.revision else ""
        state += f", {say(f'stage-{proposal.stage}', language=language)}" if proposal.state == "waiting" else ""
        agreed = f"{len(proposal.entry.approvals)}/{required}"
        rows.append(
            (
                *(str(proposal.number), state, statement.author, when(statement.created_ms)),
                *(str(statement.base), agreed, statement.reason),
            )
        )
    return tuple(rows)


def proposal(found: Proposal, *, base: Document, language: str) -> tuple[str, ...]:
    """One proposal, with what it changes."""
    statement = found.entry.statement
    values = {"author": statement.author, "base": statement.base, "reason": statement.reason}
    state = say(f"state-{found.state}", language=language)
    made = when(statement.created_ms)
    lines = [say("show-made", language=language, number=found.number, when=made, state=state, **values)]
    for look in found.looks:
        seen = {"when": when(look.at_ms), "calls": look.calls, "of": look.of}
        lines.append(say(f"show-look-{look.at}", language=language, **seen))
    for each in found.entry.approvals:
        vote = each.vote
        at = when(vote.created_ms)
        lines.append(say("show-agreed", language=language, person=vote.person, when=at, comment=vote.comment))
    if found.ended is not None:
        vote = found.ended.vote
        values = {"person": vote.person, "when": when(vote.created_ms), "comment": vote.comment}
        lines.append(say("show-ended", language=language, state=state, **values))
    lines.append(say("show-changes", language=language))
    document = msgspec.json.decode(found.published.document, type=Document)
    return (*lines, *told(changes(base, document), language=language))


def workers(reports: Sequence[Report], *, active: int, language: str) -> Rows:
    """Who runs which revision."""
    rows = [_columns("worker", language)]
    for report in reports:
        state = say("worker-current", language=language)
        if report.refused is not None:
            known = dict(WORDS).get(report.refused.why)  # type: ignore[call-overload]
            why = say("worker-unusable", language=language) if known is None else known[LANGUAGES.index(language)]
            state = say("worker-refused", language=language, number=report.refused.revision, why=why)
        elif report.revision != active:
            state = say("worker-behind", language=language, active=active)
        since = when(report.since_ms) if report.since_ms else ""
        swap = f"{report.swap_ms} ms" if report.revision else ""
        what = say(f"kind-{report.kind}", language=language) if report.kind in _KINDS else report.kind
        rows.append((report.worker, str(report.revision or ""), since, swap, state, report.version, what))
    return tuple(rows)


def conflict(found: Conflict, merged: Merge, *, language: str) -> tuple[str, ...]:
    """What both have changed, and what to do about it."""
    values = {"active": found.active, "base": found.base, "number": found.number}
    key = "conflict-proposal" if found.number else "conflict-apply"
    theirs, ours = found.sides()
    lines = [say(key, language=language, **values), say("conflict-theirs", language=language)]
    lines += told(theirs, language=language)
    who = str(found.number) if found.number else say("conflict-you", language=language)
    lines += [say("conflict-ours", language=language, who=who), *told(ours, language=language)]
    if not merged.conflicts:
        return (*lines, say("conflict-number" if found.number else "conflict-file", language=language, **values))
    lines.append(say("conflict-both", language=language))
    for place in merged.conflicts:
        order = say("order", language=language, section=place.section)
        lines.append(f"  {_named(place.section, place.name) if place.name or _single(found, place.section) else order}")
    return (*lines, say("conflict-mend", language=language, **values))


def told(made: Sequence[Change], *, language: str) -> list[str]:
    """Changes in words, one a line or more."""
    return [f"  {line}" for line in all_in_words(made, language) or (say("nothing", language=language),)]


def as_yaml(document: Document) -> str:
    """A document as a policy file."""
    plain = msgspec.json.decode(msgspec.json.encode(document))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)


def when(ms: int) -> str:
    """A time as people of this machine read it."""
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def _single(found: Conflict, section: str) -> bool:
    return not isinstance(getattr(found.was, section), tuple)


def _named(section: str, name: str) -> str:
    return f"{section} {name}" if name else section


def _columns(kind: str, language: str) -> tuple[str, ...]:
    return tuple(say(f"{kind}-columns", language=language).split("|"))
