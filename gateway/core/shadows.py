"""Copies of calls: which calls are copied, and what is remembered of each copy. Pure.

A mirror's copy is sent and forgotten. A shadow's is decided about under the candidate's arm, and what came of it is
compared with what came of the call. Nothing of it holds a value of a request or a reply: only paths of the contract,
names of the policy and numbers.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, Literal

import msgspec

from gateway.core.assignment import BASIS_POINTS, point
from gateway.core.call import Call, Facts, Operation
from gateway.core.policy.serving import Copy, Shadow
from gateway.core.policy.serving import Route as RouteDocument
from gateway.core.record import RuleLook

HARMLESS: Final = frozenset({Operation.READ, Operation.INFER})
"""What may be sent to any upstream once more: it changes nothing."""
MOST_DIFFERENCES: Final = 20
"""Different paths that are kept of one comparison."""
LONGEST_PATH: Final = 300

CopyKind = Literal["mirror", "shadow"]


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place at which the candidate's reply is another one than the caller's."""

    path: str
    """Dotted; "*" stands for any element of a list or key of a map, a number for a field that the contract does not
    know. Empty: the reply as a whole."""
    kind: Literal["missing", "added", "changed"]
    """What the candidate's reply lacks, has besides, or has otherwise."""
    count: int = 1
    """How often within the reply."""
    relative: float = 0.0
    """Of numbers the greatest difference as a share of the larger one, 0 to 2; else 0."""


class Comparison(msgspec.Struct, frozen=True):
    """What is different between two replies."""

    differences: tuple[Difference, ...] = ()
    more: int = 0
    """Further paths that differ, beyond those that are kept."""


SAME: Final = Comparison()

Compare = Callable[[bytes, bytes], Comparison]
"""Compares the caller's reply with the candidate's."""


class CopyRule(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a route's calls of one method are copied."""

    kind: CopyKind
    arm: str
    share: int
    """Basis points."""
    seed: str
    """Of its own: who is copied has nothing to do with which arm serves them."""
    sticky: Literal["subject", "session", "none"]
    compare: Compare | None = None
    """`None` where replies are not compared: for a mirror, and for methods that are never sent."""

    def takes(self, call: Call, facts: Facts, *, draw: float) -> bool:
        """Whether the call is copied. `draw` is a random number in [0, 1), for calls with nothing to go by."""
        if self.share == BASIS_POINTS:
            return True
        unit = ""
        if self.sticky == "session":
            unit = call.session_ref
        elif self.sticky == "subject":
            unit = facts.unit or call.subject_ref
        at = point(self.seed, unit) if unit else int(draw * BASIS_POINTS)
        return at < self.share

    @property
    def by_session(self) -> bool:
        """Whether it needs the session's pseudonym."""
        return self.sticky == "session" and 0 < self.share < BASIS_POINTS


def copy_rule(route: RouteDocument, copy: Copy, *, seed: str, compare: Compare | None) -> CopyRule:
    """The rule of a route's mirror or shadow; `seed` is the route's own."""
    kind: CopyKind = "shadow" if isinstance(copy, Shadow) else "mirror"
    return CopyRule(
        kind=kind,
        arm=copy.arm,
        share=copy.share,
        seed=f"{kind}:{seed}",
        sticky=route.sticky,
        compare=compare,
    )


class CopyEnd(StrEnum):
    """What became of a copy."""

    AGREED = "AGREED"
    """Decided and, where it was sent, answered as the call was."""
    DIFFERED = "DIFFERED"
    """Decided or answered otherwise."""
    FAILED = "FAILED"
    """It was sent, and its upstream did not answer, or had no room or no such method: nothing could be compared."""
    SENT = "SENT"
    """A mirror's: sent, and answered in whatever way."""
    REFUSED = "REFUSED"
    """A mirror's: the rules do not let the arm have such calls, so it was not sent."""
    STOPPED = "STOPPED"
    """Somebody has stopped the candidate: nothing was decided or sent."""
    DROPPED = "DROPPED"
    """Too many copies were waiting, or the gateway was about to stop."""


class ShadowResult(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What came of one copy. Entry of kind "copy" in the cell's stream. Times are milliseconds since the epoch."""

    id: str
    """The decision about the call itself."""
    kind: CopyKind
    end: CopyEnd
    route: str
    arm: str
    upstream: str
    version: str = ""
    """The model version that the candidate's arm stands for."""
    received_ms: int
    """When the call itself was received."""
    revision: int = 0
    operation: str = ""
    sent: bool = False
    verdict: str = ""
    """What the rules say of the call on the candidate's arm; empty where they were not asked."""
    reason: str = ""
    rule: str = ""
    """The rule that decided so."""
    stop: str = ""
    """The stop that halted it."""
    rules_added: tuple[str, ...] = ()
    """Rules that applied to the candidate only, or applied otherwise."""
    rules_missing: tuple[str, ...] = ()
    """Rules that applied to the call only."""
    status: str = ""
    """Canonical name of the status that the candidate's upstream gave; empty where it was not asked."""
    answered: str = ""
    """The version that the candidate's upstream says has answered, where its contract says so."""
    served_status: str = ""
    """Of the status that the caller got."""
    compared: bool = False
    """Whether both replies were there to be compared."""
    differences: tuple[Difference, ...] = ()
    more: int = 0
    """Further paths that differ."""
    took_us: int = 0
    """How long the candidate's upstream took; 0 where it was not asked."""
    served_us: int = 0
    """How long the upstream of the call took."""
    costs: Mapping[str, int] = {}
    """What the candidate would have cost, by budget: the real cost where the reply tells it, else the estimate."""
    served_costs: Mapping[str, int] = {}
    """What the call has cost."""

    @property
    def agrees(self) -> bool | None:
        """Whether it came to the same as the call; `None` where that could not be compared."""
        return {CopyEnd.AGREED: True, CopyEnd.DIFFERED: False}.get(self.end)


def applied_otherwise(
    served: tuple[RuleLook, ...], candidate: tuple[RuleLook, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the rules that applied to the candidate only, and of those that applied to the call only.

    A rule that applied to both with another effect, because it failed on one side, is among the first.
    """
    ours = {look.rule: (look.effect, bool(look.error)) for look in served}
    theirs = {look.rule: (look.effect, bool(look.error)) for look in candidate}
    added = tuple(rule for rule, how in theirs.items() if ours.get(rule) != how)
    return added, tuple(rule for rule in ours if rule not in theirs)
