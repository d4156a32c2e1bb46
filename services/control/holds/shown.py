"""A kept call as people see it. Pure."""

import datetime as dt

import msgspec

from gateway.core import holds
from gateway.core.holds import Hold, HoldState
from services.control.holds.leases import Lease
from services.control.times import at, known


class LeaseShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who looks at a hold."""

    holder: str
    expire_time: dt.datetime


class Waiting(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A kept call, as everybody may see it who may see what happens: nothing of the request itself."""

    name: str
    """`holds/{hold}`, where `decisions/{hold}` is the decision that kept it."""
    tenant: str
    agent: str
    method: str
    operation: str
    subject_ref: str
    """Pseudonym of the customer; empty where the call concerns none."""
    rule: str
    """What kept it: a rule, quiet hours, a cap; empty for the agent's level of autonomy."""
    why: str
    level: str
    """"approve", "suggest", or empty for a call that waits for a time only."""
    state: str
    create_time: dt.datetime
    expire_time: dt.datetime
    """When it is given up, unless somebody decides."""
    release_time: dt.datetime | None
    """Of one that is SCHEDULED: not before."""
    decider: str
    decide_time: dt.datetime | None
    reason: str
    """Of whoever decided, in their words."""
    status: str
    """Canonical name of the status that the call ended with; empty while it has not."""
    why_not: str
    """A `Reason`, for a call that came to nothing."""
    result: str
    """The call as it was made, `decisions/{decision}`; empty while it was not."""
    lease: LeaseShown | None = None


def shown(hold: Hold, lease: Lease | None) -> Waiting:
    """The hold, and who looks at it."""
    return Waiting(
        name=holds.name(hold.id),
        tenant=hold.tenant,
        agent=hold.agent,
        method=hold.method,
        operation=hold.operation,
        subject_ref=hold.subject_ref,
        rule=hold.rule,
        why=hold.why,
        level=hold.level,
        state=hold.state.value,
        create_time=at(hold.created_ms),
        expire_time=at(hold.expires_ms),
        release_time=at(hold.release_ms) if hold.state is HoldState.SCHEDULED else None,
        decider=hold.decider,
        decide_time=known(hold.decided_ms),
        reason=hold.comment,
        status=hold.status,
        why_not=hold.reason,
        result=f"decisions/{hold.result}" if hold.result else "",
        lease=None if lease is None else LeaseShown(holder=lease.holder, expire_time=at(lease.until_ms)),
    )
