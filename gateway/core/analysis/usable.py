"""Which methods an agent may use at all: described, routed, and let through by the rules for some request.

A method that is left out is refused whatever the request says. That one is listed says less: some calls of it are let
through, as far as can be said without running conditions.
"""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from gateway.core.analysis.conditions import Parsed, outcomes_of
from gateway.core.analysis.formula import EITHER, HOLDS, Formula, comes_to, conj
from gateway.core.analysis.known import Knowledge
from gateway.core.analysis.solve import satisfiable
from gateway.core.call import Operation
from gateway.core.policy.ruling import Rule
from gateway.core.revision.compiled import MethodPolicy, Revision

Autonomy = Literal["observe", "suggest", "approve", "autonomous"]
_WAITING: Final = frozenset({"suggest", "approve"})


class Usable(msgspec.Struct, frozen=True, kw_only=True):
    """A method that an agent may use."""

    method: str
    operation: Operation
    autonomy: Autonomy
    may_be_held: bool
    """Whether calls of it may be kept, for a person or until a time."""
    limits: tuple[str, ...]
    """Names of the limits and caps that its calls may count against."""


def usable(revision: Revision, agent: str, *, parsed: Parsed) -> Iterator[Usable | None]:
    """Each method that the agent of that name may use, by name; `None` for one it may not, so that others get a turn.

    `parsed` keeps what can be shared between agents of one revision.
    """
    own = tuple(each for each in revision.document.agents if each.name == agent)
    looking = _Looking(parsed, Knowledge(msgspec.structs.replace(revision.document, agents=own)))
    for name in sorted(revision.methods):
        policy = revision.methods[name]
        yield _usable(revision, policy, agent=agent, looking=looking) if policy.routes and own else None


def _usable(revision: Revision, policy: MethodPolicy, *, agent: str, looking: "_Looking") -> Usable | None:
    holds, allows = looking.granted(policy, effect="hold"), looking.granted(policy, effect="allow")
    if not (holds or allows):
        return None
    autonomy = policy.autonomy.get(agent, "autonomous")
    return Usable(
        method=policy.contract.method,
        operation=policy.contract.operation,
        autonomy=autonomy,  # type: ignore[arg-type] # the levels of the policy
        may_be_held=autonomy != "observe" and (holds or autonomy in _WAITING or _keeps(revision, policy)),
        limits=tuple([each.bucket.limit for each in policy.limits] + [each.bucket.limit for each in policy.caps]),
    )


def _keeps(revision: Revision, policy: MethodPolicy) -> bool:
    """Whether anything but rules and autonomy may keep a call of the method: caps, sequences, quiet hours."""
    contacts = policy.contract.operation is Operation.CONTACT
    return (
        any(cap.bucket.on_exceed in ("review", "defer") for cap in policy.caps)
        or any(step.looks and step.effect == "hold" and step.mode == "enforce" for step in policy.steps)
        or (contacts and any(hours.max_defer_ms and hours.mode == "enforce" for hours in revision.quiet_hours))
    )


class _Looking:
    def __init__(self, parsed: Parsed, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._parsed = parsed

    def granted(self, policy: MethodPolicy, *, effect: Literal["allow", "hold"]) -> bool:
        """Whether some rule of that effect may hold while none denies."""
        enforced = [rule for rule in policy.rules if rule.mode == "enforce"]
        return any(self._grants(rule, enforced, policy) for rule in enforced if rule.effect == effect)

    def _grants(self, granting: Rule, enforced: list[Rule], policy: MethodPolicy) -> bool:
        node, paths = self._parsed.of(granting, policy)
        parts: list[Formula] = [comes_to(node, HOLDS)]
        for rule in enforced:
            denied = outcomes_of(rule, "deny")
            if denied:
                other, read = self._parsed.of(rule, policy)
                parts.append(comes_to(other, EITHER - denied))
                paths |= read
        return satisfiable(conj(*parts), self._knowledge.of(policy, paths))
