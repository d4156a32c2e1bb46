"""Why a call ends: one exception, one closed list of reasons.

Expected answers are values (a denial is a `Decision`). `CallEnded` means "this call ends here", and every one of its
reasons has exactly one gRPC status and one set of details, in `gateway.rpc.status`.
"""

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """Machine-readable reason, sent as `google.rpc.ErrorInfo.reason`. Members are never renamed or reused."""

    AGENT_UNAUTHENTICATED = "AGENT_UNAUTHENTICATED"
    """No credential, or one that is unknown, expired or meant for someone else. Log in."""
    ARGUMENT_INVALID = "ARGUMENT_INVALID"
    """The message is malformed, too large, or lacks a field that the contract needs. Fix the call."""
    METHOD_UNDESCRIBED = "METHOD_UNDESCRIBED"
    """Nobody has said how this method is governed, so it is refused. Describe it by annotation or binding."""
    POLICY_DENIED = "POLICY_DENIED"
    """A rule denies the call, or none allows it. Ask for rights."""
    STOPPED = "STOPPED"
    """Somebody has halted this agent, version, route or channel, or everything. Wait until it is resumed."""
    CONSENT_MISSING = "CONSENT_MISSING"
    """The customer has not agreed to this. Obtain the consent first."""
    HELD_OUT = "HELD_OUT"
    """The customer is held out, so that it can be measured what contacts bring. Leave them alone; do not retry."""
    QUIET_HOURS = "QUIET_HOURS"
    """The customer may not be reached now. Come back later."""
    APPROVAL_REQUIRED = "APPROVAL_REQUIRED"
    """A person must look at the call first. Wait for the hold that is named (`WaitHold`)."""
    DEFERRED = "DEFERRED"
    """The call is kept and made later. Wait for the hold that is named (`WaitHold`), and do not repeat the call."""
    HOLD_REFUSED = "HOLD_REFUSED"
    """A person has looked at the call and refused it. Do not repeat it."""
    HOLD_EXPIRED = "HOLD_EXPIRED"
    """Nobody decided in time, or the call could not be made in time. Make a new call if it is still wanted."""
    HOLD_DAMAGED = "HOLD_DAMAGED"
    """What was kept of the call, or of its answer, has been changed since and is not used. Tell us the hold's name."""
    FACTS_DAMAGED = "FACTS_DAMAGED"
    """What is stored of the customer, and of nobody else, cannot be read. Whoever runs Pilote puts it in anew."""
    AUTONOMY_OBSERVE = "AUTONOMY_OBSERVE"
    """The agent only observes here: the call was decided and recorded, not carried out. Ask for more autonomy."""
    LINEAGE_UNKNOWN = "LINEAGE_UNKNOWN"
    """The call must name the inference that led to it, and names none that is known; or its version is no longer in the
    policy. Name the decision id of a recent inference, or make a new one."""
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    """A rate limit is used up. Wait as long as `RetryInfo` says."""
    CAP_EXCEEDED = "CAP_EXCEEDED"
    """The customer has been contacted often enough. Wait as long as `RetryInfo` says."""
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    """The idempotency key was used before with another request. Choose a new one."""
    IDEMPOTENCY_KEY_RUNNING = "IDEMPOTENCY_KEY_RUNNING"
    """The first call with this idempotency key has not ended yet. Retry later."""
    ROUTE_NOT_FOUND = "ROUTE_NOT_FOUND"
    """No route serves this method or model. Choose another."""
    NOT_FOUND = "NOT_FOUND"
    """The named resource does not exist. Choose another."""
    ALREADY_EXISTS = "ALREADY_EXISTS"
    """A resource of that name exists. Choose another name, or update it."""
    CONFLICT = "CONFLICT"
    """The resource has changed since it was read (its `etag` differs). Read it again, then retry."""
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    """The system behind the gateway does not answer and has not acted. Retry."""
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    """The system behind the gateway failed, and the call had nothing to change there. Retry, or tell its owner."""
    UPSTREAM_IN_DOUBT = "UPSTREAM_IN_DOUBT"
    """The system behind the gateway may or may not have acted. Find out before you repeat the call."""
    REPLY_WITHHELD = "REPLY_WITHHELD"
    """The system behind the gateway has acted, but its reply could not be redacted, so nobody gets to see it. Don't
    repeat the call; tell the system's owner."""
    REQUEST_WITHHELD = "REQUEST_WITHHELD"
    """Something must be taken out of the request and could not be, so it was not sent to the system behind the gateway.
    Tell whoever runs the gateway."""
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    """The store of limits and records does not answer, and without a record there is no call. Retry."""
    REVISION_MISSING = "REVISION_MISSING"
    """No policy is active, so everything is refused. Retry once one has been applied."""
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    """The caller's deadline passed before the upstream was asked. Give more time."""
    CANCELLED = "CANCELLED"
    """The caller gave up. Nothing to do."""
    DRAINING = "DRAINING"
    """This process is about to stop and takes no new calls. Retry; another one answers."""
    NOT_BUILT = "NOT_BUILT"
    """The contract has this method, this version of Pilote does not serve it yet. Upgrade."""
    INTERNAL = "INTERNAL"
    """A mistake of ours. Tell us the decision id; the trace is in our log."""


class CallEnded(Exception):
    """The call ends here, for `reason`.

    `message` is for people: no hosts, keys or exception text. `metadata` repeats for machines whatever the message
    interpolates (AIP-193). `retry_after_ms` is the earliest time at which a retry can succeed, counted from now;
    `None` where waiting does not help. `violations` are (field path, description) pairs for ARGUMENT_INVALID, and
    (subject, description) pairs for quotas and preconditions.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        retry_after_ms: int | None = None,
        violations: tuple[tuple[str, str], ...] = (),
        localized: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = metadata or {}
        self.retry_after_ms = retry_after_ms
        self.violations = violations
        self.localized = localized
        """(locale, text) of the message in the caller's language, where it asked for another than English."""


class DataNewer(Exception):
    """Data was written by a newer version of Pilote, which this one would misread: the process must not start."""

    def __init__(self, what: str, *, found: int, known: int) -> None:
        super().__init__(
            f"{what} is of version {found}, and this version of Pilote knows {known} at most. Nothing was changed. "
            "Run the newer version, or restore a backup of the older one: pilote restore."
        )


def facts_damaged() -> CallEnded:
    """What ends a call about a customer of whom the store holds what cannot be read."""
    text = (
        "What is stored of this customer, and of nobody else, is damaged: have it put in anew with "
        "`pilote facts import --replace-damaged`, then retry."
    )
    return CallEnded(Reason.FACTS_DAMAGED, text, violations=(("facts", "cannot be read"),))


def invalid(field: str, text: str) -> CallEnded:
    """What ends a call whose request is wrong in that field."""
    return CallEnded(Reason.ARGUMENT_INVALID, text, metadata={"field": field}, violations=((field, text),))
