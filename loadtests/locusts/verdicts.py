"""What an answer of the gateway says of its verdict, as the caller sees it. Pure.

What a caller cannot see - copies for shadows, rules that only watch - the records say: `loadtests.locusts.records`.
"""

from typing import Final, Literal, NamedTuple

Verdict = Literal["ALLOW", "DENY", "HOLD", "DEFER", "ERROR"]

KEPT: Final[dict[str, Verdict]] = {"APPROVAL_REQUIRED": "HOLD", "DEFERRED": "DEFER"}
ANSWERS: Final = frozenset({"NOT_FOUND", "ALREADY_EXISTS", "CONFLICT"})
"""The call was allowed, and the system behind the gateway has said no."""
FAILURES: Final = frozenset(
    {
        *("STORE_UNAVAILABLE", "UPSTREAM_UNAVAILABLE", "UPSTREAM_FAILED", "UPSTREAM_IN_DOUBT", "REVISION_MISSING"),
        *("DEADLINE_EXCEEDED", "CANCELLED", "DRAINING", "INTERNAL", "NOT_BUILT", "REPLY_WITHHELD"),
        *("FACTS_DAMAGED", "HOLD_DAMAGED", "AGENT_UNAUTHENTICATED", "ARGUMENT_INVALID", "METHOD_UNDESCRIBED"),
    }
)
"""No policy wanted this: something is down or slow, or the run is set up wrongly."""
DOWN: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "INTERNAL", "UNKNOWN", "UNAUTHENTICATED"})
"""Codes that are failures where no reason is said."""


class Answer(NamedTuple):
    """How one call ended."""

    code: str
    """Name of its status, such as "OK"."""
    reason: str = ""
    """`ErrorInfo.reason`, empty where none was said."""
    decision: str = ""
    """Decision id; empty where the gateway did not answer."""
    revision: str = ""

    @property
    def verdict(self) -> Verdict:
        """What the gateway made of it."""
        return verdict_of(self.code, self.reason)

    @property
    def why(self) -> str:
        """The reason, or else the code; empty for an allowed call that was answered."""
        return "" if self.code == "OK" else self.reason or self.code


def verdict_of(code: str, reason: str) -> Verdict:
    """The verdict behind a status and its reason. Reasons that are not known here count as refusals by policy."""
    if code == "OK" or reason in ANSWERS or (not reason and code in ANSWERS):
        return "ALLOW"
    if reason in KEPT:
        return KEPT[reason]
    if reason in FAILURES or (not reason and code in DOWN):
        return "ERROR"
    return "DENY"
