"""Calls that are kept, for a person or until a time: their states, and how one follows from another. Pure.

    PENDING    -> APPROVED, ACCEPTED, REFUSED, EXPIRED
    APPROVED   -> EXECUTING, SCHEDULED, PENDING, FAILED, EXPIRED
    SCHEDULED  -> EXECUTING, SCHEDULED, PENDING, FAILED, EXPIRED, REFUSED
    EXECUTING  -> EXECUTED, FAILED, IN_DOUBT, SCHEDULED where it is certain that nothing was changed

Every step gives a hold of a later version, or `None` where it cannot be taken. The store takes a step only if the
hold has not changed since it was read, so of two that were thought out at once one counts.

A worker claims a hold before it looks at it anew, and `begin` comes right before the request is sent. A claim that has
run out may be taken over; a call that has begun is begun again only where who began it is certain that nothing came of
it, and never by anybody else.
"""

from enum import StrEnum
from typing import Final

import msgspec

from gateway.core.errors import Reason
from gateway.core.record import Record, Verdict

KEPT_MS: Final = 7 * 86_400_000
"""How long a hold that is over, and the answer with it, can still be read."""
CLAIM_MS: Final = 30_000
"""How long who has claimed a hold may take until the request is sent."""
RETRY_MS: Final = 2_000
"""First pause where the upstream or the store is down; doubled each time, up to `LONGEST_RETRY_MS`."""
LONGEST_RETRY_MS: Final = 300_000


class HoldState(StrEnum):
    """Where a hold stands."""

    PENDING = "PENDING"
    """Waits for a person."""
    SCHEDULED = "SCHEDULED"
    """Waits for a time; nobody need decide, or somebody has."""
    APPROVED = "APPROVED"
    EXECUTING = "EXECUTING"
    """The request may have been sent."""
    EXECUTED = "EXECUTED"
    ACCEPTED = "ACCEPTED"
    """A suggestion that a person follows; the gateway does nothing more."""
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"
    """The call was refused after all, by the policy or by the upstream, or what was kept of it is damaged."""
    IN_DOUBT = "IN_DOUBT"
    """The upstream may or may not have acted."""


WAITING: Final = frozenset({HoldState.PENDING, HoldState.SCHEDULED, HoldState.APPROVED})
"""States in which nothing can have been sent."""
OVER: Final = frozenset(HoldState) - WAITING - {HoldState.EXECUTING}


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One kept call, without its request. Times are milliseconds since the epoch, 0 for not yet."""

    id: str
    """That of the decision that kept it."""
    tenant: str
    cell: int = 0
    """Which of the tenant's cells it lies in: that of the call. Known from where it was read, and not kept in it."""
    agent: str
    person: str = ""
    """Pseudonym of whom it called for."""
    method: str
    operation: str
    subject_ref: str = ""
    rule: str = ""
    """What kept it: a rule, quiet hours, a cap; empty for the agent's level of autonomy."""
    why: str = ""
    """A `Reason`: why the call did not go through at once."""
    level: str = ""
    """"approve", "suggest", or "" for a call that waits for a time only."""
    sha256: str
    """Of the request's bytes, 64 hexadecimal digits."""
    request_key: str = ""
    """Key in the store of the call's own idempotency key; empty where it has none."""
    created_ms: int
    expires_ms: int
    release_ms: int = 0
    """For SCHEDULED: not before."""
    state: HoldState
    version: int = 1
    decider: str = ""
    decided_ms: int = 0
    comment: str = ""
    claim: str = ""
    """Who looks at it now; empty for nobody."""
    until_ms: int = 0
    """When the claim has run out, or for EXECUTING the answer is overdue."""
    attempt: int = 0
    """How often it was claimed."""
    ended_ms: int = 0
    status: str = ""
    """Canonical name of the status that the call ended with."""
    reason: str = ""
    """A `Reason`, for a call that came to nothing."""
    result: str = ""
    """Decision id of the call as it was made."""


def name(hold_id: str) -> str:
    """Resource name of a hold."""
    return f"holds/{hold_id}"


def due_ms(hold: Hold) -> int:
    """When something must be done about the hold next: claimed, taken over, expired, or forgotten."""
    if hold.state in OVER:
        return hold.ended_ms + KEPT_MS
    if hold.claim:
        return hold.until_ms
    if hold.state is HoldState.PENDING:
        return hold.expires_ms
    if hold.state is HoldState.SCHEDULED:
        return min(hold.release_ms, hold.expires_ms)
    return 0  # at once, whatever the clock of whoever has approved it shows


def decide(hold: Hold, *, approve: bool, by: str, comment: str, now_ms: int) -> Hold | None:
    """A person's word on it. A call that waits for a time can be refused too, as long as it has not begun."""
    wanted = {HoldState.PENDING} if approve else {HoldState.PENDING, HoldState.SCHEDULED}
    if hold.state not in wanted or now_ms >= hold.expires_ms:
        return None
    said = _next(hold, decider=by, decided_ms=now_ms, comment=comment, claim="", until_ms=0)
    if not approve:
        return _over(said, HoldState.REFUSED, now_ms=now_ms, reason=Reason.HOLD_REFUSED)
    if hold.level == "suggest":
        return _over(said, HoldState.ACCEPTED, now_ms=now_ms)
    return msgspec.structs.replace(said, state=HoldState.APPROVED)


def claim(hold: Hold, *, by: str, now_ms: int) -> Hold | None:
    """Take it on, to see whether it may be made now. `by` names the claim, and is never used again."""
    released = hold.state is HoldState.SCHEDULED and now_ms >= hold.release_ms
    if not (released or hold.state is HoldState.APPROVED) or now_ms >= hold.expires_ms or _claimed(hold, now_ms):
        return None
    return _next(hold, claim=by, until_ms=now_ms + CLAIM_MS, attempt=hold.attempt + 1)


def begin(hold: Hold, *, by: str, until_ms: int) -> Hold | None:
    """Say that the request is about to be sent; its answer is overdue at `until_ms`."""
    if hold.state not in (HoldState.APPROVED, HoldState.SCHEDULED) or hold.claim != by:
        return None
    return _next(hold, state=HoldState.EXECUTING, until_ms=until_ms)


def put_off(hold: Hold, *, by: str, release_ms: int) -> Hold | None:
    """Let the call wait for a time. One that has begun may, where it is certain that nothing was changed by it."""
    if hold.state not in (HoldState.APPROVED, HoldState.SCHEDULED, HoldState.EXECUTING) or hold.claim != by:
        return None
    if release_ms >= hold.expires_ms:
        return None
    return _next(hold, state=HoldState.SCHEDULED, release_ms=release_ms, claim="", until_ms=0)


def ask(hold: Hold, *, by: str, level: str) -> Hold | None:
    """Let the call wait for a person, because the policy by now wants one, or wants more of them."""
    if hold.state not in (HoldState.APPROVED, HoldState.SCHEDULED) or hold.claim != by:
        return None
    waiting = _next(hold, state=HoldState.PENDING, level=level, claim="", until_ms=0, release_ms=0)
    return msgspec.structs.replace(waiting, decider="", decided_ms=0, comment="")


def finish(
    hold: Hold, *, by: str, state: HoldState, now_ms: int, status: str, reason: str = "", result: str = ""
) -> Hold | None:
    """Say what came of the call. `state` is EXECUTED, FAILED or IN_DOUBT; before it has begun it can only fail."""
    begun = hold.state is HoldState.EXECUTING
    if hold.state is HoldState.PENDING or hold.state in OVER or hold.claim != by or not hold.claim:
        return None
    if not begun and state is not HoldState.FAILED:
        return None
    return _over(hold, state, now_ms=now_ms, reason=reason, status=status, result=result)


def expire(hold: Hold, *, now_ms: int) -> Hold | None:
    """Give it up: nobody decided in time, or it could not be made in time."""
    if hold.state not in WAITING or now_ms < hold.expires_ms or _claimed(hold, now_ms):
        return None
    return _over(hold, HoldState.EXPIRED, now_ms=now_ms, reason=Reason.HOLD_EXPIRED)


def withdraw(hold: Hold, *, now_ms: int) -> Hold | None:
    """Give up a call whose caller was never told that it is kept, and so may make it again."""
    if hold.state not in (HoldState.PENDING, HoldState.SCHEDULED) or hold.claim:
        return None
    return _over(hold, HoldState.EXPIRED, now_ms=now_ms, reason=Reason.STORE_UNAVAILABLE)


def retry_ms(hold: Hold) -> int:
    """Pause before the next attempt, where nobody says when it is worth one."""
    return min(LONGEST_RETRY_MS, RETRY_MS << min(max(0, hold.attempt - 1), 10))


def ended_record(hold: Hold, *, decision: str, now_ms: int) -> Record:
    """The record of how a hold ended that was not executed: who said so, when and why. `decision` is its id."""
    verdict = Verdict.HOLD if hold.state is HoldState.ACCEPTED else Verdict.DENY
    return Record(
        id=decision,
        received_ms=now_ms,
        decided_ms=now_ms,
        verdict=verdict,
        reason=(hold.reason or hold.why),
        rule=hold.rule,
        tenant=hold.tenant,
        cell=hold.cell,
        agent=hold.agent,
        person=hold.person,
        method=hold.method,
        operation=hold.operation,
        subject_ref=hold.subject_ref,
        parent=hold.id,
        hold=hold.id,
        decider=hold.decider,
        hold_decided_ms=hold.decided_ms,
        hold_comment=hold.comment,
    )


def _claimed(hold: Hold, now_ms: int) -> bool:
    return bool(hold.claim) and now_ms < hold.until_ms


def _over(hold: Hold, state: HoldState, *, now_ms: int, reason: str = "", status: str = "", result: str = "") -> Hold:
    return _next(hold, state=state, ended_ms=now_ms, claim="", until_ms=0, reason=reason, status=status, result=result)


def _next(hold: Hold, **changes: object) -> Hold:
    return msgspec.structs.replace(hold, version=hold.version + 1, **changes)
