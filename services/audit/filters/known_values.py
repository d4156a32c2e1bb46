"""Which values a text field can have, where these are a closed list: another one would match nothing, ever. Pure."""

from typing import Final, get_args

from gateway.core.consents import Basis
from gateway.core.errors import Reason
from gateway.core.record import Verdict
from gateway.core.shadows import CopyEnd, CopyKind

_REASONS: Final = tuple(Reason.__members__)
_STATUSES: Final = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
_MODES: Final = ("enforce", "monitor")
KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "reason": _REASONS,
    "would": ("OK", *_REASONS),
    "status": _STATUSES,
    "attempt.status": (*_STATUSES, "OPEN", "FULL", "DENIED"),
    "attempt.cause": ("retry", "fallback", "hedge"),
    "rule.effect": ("allow", "deny", "hold", "redact", "defer", "holdout"),
    "rule.mode": _MODES,
    "limit.mode": (*_MODES, "waived"),
    "limit.kind": (*("rate", "window", "budget", "concurrency", "quota", "cap", "gap", "score", "sequence", "trail"),),
    "consent.standing": ("granted", "refused", "withdrawn", "expired", "none", "unknown"),
    "legal_basis": get_args(Basis),
    "copies.kind": get_args(CopyKind),
    "copies.end": tuple(CopyEnd.__members__),
    "copies.verdict": tuple(Verdict.__members__),
    "copies.reason": _REASONS,
    "copies.status": _STATUSES,
    "masked.of": ("request", "reply"),
    "masked.sensitivity": ("PUBLIC", "INTERNAL", "PERSONAL", "SPECIAL", "CREDENTIAL"),
}
"""By the field's name; the empty text is a value of each."""
