"""The ways in which recorded calls would have ended otherwise, told apart."""

from typing import Final, Literal

import msgspec

from gateway.core.simulating.calls import ALLOWED, GONE, Call
from gateway.core.simulating.course import Came

MOST_KINDS: Final = 1_000
"""Different changes that are told apart; all further ones are counted together."""

Kind = Literal["verdict", "refusal", "arm", "version", "redactions", "variations", "gone", "others"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which calls would have ended otherwise.

    "verdict": let through, refused or held otherwise. "refusal": refused or held for another reason or by another rule,
    limit or cap. "arm", "version", "redactions", "variations": let through all the same, but so. "gone": not made at
    all, since what it follows on would have ended otherwise. "others": of a kind beyond `MOST_KINDS`.
    """

    kind: Kind
    was: str = ""
    becomes: str = ""
    by: str = ""
    """The rule, limit or cap that decides so; where the new policy allows it, the one that refused before."""


OTHERS: Final = Difference(kind="others")


def differences(call: Call, came: Came) -> tuple[Difference, ...]:
    """How a call would have ended or gone otherwise; none: just as it did."""
    if came.verdict == GONE:
        return (Difference(kind="gone", was=call.was, by=call.was_by),)
    if came.verdict != call.was:
        by = call.was_by if came.verdict == ALLOWED else came.by
        return (Difference(kind="verdict", was=call.was, becomes=came.verdict, by=by),)
    if came.verdict != ALLOWED:
        if came.by == call.was_by:
            return ()
        return (Difference(kind="refusal", was=call.was_by, becomes=came.by),)
    return tuple([Difference(kind=each.kind, was=each.was, becomes=each.becomes) for each in call.changes])
