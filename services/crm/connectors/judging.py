"""What a vendor's answer means: done, or why not, in the words of our contracts and without the vendor's own."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.http_failures import retry_ms
from services.crm.connectors.descriptor import Descriptor
from services.crm.connectors.exchange import Answer
from services.crm.connectors.expressions import Expression, Unfit

AUTH_EXPIRED: Final = "AUTH_EXPIRED"
_BY_STATUS: Final[Mapping[int, str]] = {
    400: "ARGUMENT_INVALID",
    401: AUTH_EXPIRED,
    402: "UPSTREAM_UNAVAILABLE",
    403: "POLICY_DENIED",
    404: "NOT_FOUND",
    405: "UPSTREAM_UNAVAILABLE",
    409: "CONFLICT",
    410: "NOT_FOUND",
    412: "CONFLICT",
    413: "ARGUMENT_INVALID",
    415: "UPSTREAM_UNAVAILABLE",
    422: "ARGUMENT_INVALID",
    423: "CONFLICT",
    428: "CONFLICT",
    429: "LIMIT_EXCEEDED",
    503: "UPSTREAM_UNAVAILABLE",
    529: "UPSTREAM_UNAVAILABLE",
}
_TEXTS: Final[Mapping[str, str]] = {
    "ARGUMENT_INVALID": "The system behind refuses what the request says; compare it with the contract.",
    "POLICY_DENIED": "The system behind does not let this connector do that; ask its owner for the right.",
    "NOT_FOUND": "The system behind has no such resource; choose another.",
    "ALREADY_EXISTS": "The system behind has this already; update it instead.",
    "CONFLICT": "The resource has changed since it was read, or is in use; read it again, then retry.",
    "LIMIT_EXCEEDED": "The system behind takes no more requests for now; wait.",
    "UPSTREAM_UNAVAILABLE": "The system behind has not acted; retry.",
    "UPSTREAM_FAILED": "The system behind failed, and had nothing to change; retry, or tell its owner.",
    "UPSTREAM_IN_DOUBT": "The system behind may or may not have acted; find out before you repeat the request.",
    AUTH_EXPIRED: "The system behind does not take this connector's credentials; its operator must renew them.",
}
AUTH_RETRY_MS: Final = 60_000


class Judge:
    """Judges answers by a descriptor.

    Raises:
        ValueError: an expression of it is none.
    """

    def __init__(self, descriptor: Descriptor) -> None:
        self._failed = Expression(descriptor.failed) if descriptor.failed else None
        self._failures = [
            (frozenset(failure.status), Expression(failure.when) if failure.when else None, failure.reason)
            for failure in descriptor.failures
        ]

    def verdict(self, answer: Answer, *, safe: bool) -> str:
        """The reason why the answer is none; empty where all is well.

        `safe`: the request had nothing to change, or the vendor knows a repeat of it.
        """
        success = 200 <= answer.status < 300
        if success and not answer.readable:
            return _unknown(safe=safe)
        if success and (self._failed is None or not _holds(self._failed, answer.body)):
            return ""
        for statuses, when, reason in self._failures:
            if (not statuses or answer.status in statuses) and (when is None or _holds(when, answer.body)):
                return reason
        if answer.status in _BY_STATUS:
            return _BY_STATUS[answer.status]
        return "ARGUMENT_INVALID" if 400 <= answer.status < 500 and answer.status != 408 else _unknown(safe=safe)


def ended(reason: str, answer: Answer | None = None, *, now_ms: int = 0) -> CallEnded:
    """What ends the call for that reason. `now_ms`: vendors may say a date until which to wait."""
    wait_ms = None if answer is None else retry_ms(answer.headers, now_ms=now_ms)
    if reason == AUTH_EXPIRED:
        return CallEnded(Reason.UPSTREAM_UNAVAILABLE, _TEXTS[reason], retry_after_ms=AUTH_RETRY_MS)
    if reason == "LIMIT_EXCEEDED":
        return CallEnded(Reason.LIMIT_EXCEEDED, _TEXTS[reason], retry_after_ms=wait_ms or 1_000)
    metadata = {} if answer is None else {"http_status": str(answer.status)}
    return CallEnded(Reason(reason), _TEXTS[reason], metadata=metadata, retry_after_ms=wait_ms)


def _unknown(*, safe: bool) -> str:
    return "UPSTREAM_FAILED" if safe else "UPSTREAM_IN_DOUBT"


def _holds(expression: Expression, body: Any) -> bool:
    try:
        return bool(expression(body))
    except Unfit:
        return False
