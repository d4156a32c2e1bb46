"""A policy without what stood in the way of one call: what else it would have met. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.core.obstacles import Obstacle
from gateway.core.policy.callers import Agent, Autonomy
from gateway.core.policy.document import Document
from gateway.core.policy.ruling import Rule
from gateway.core.policy.serving import Lineage

_REMOVABLE: Final = frozenset(
    {
        "rule",
        "failed",
        "unallowed",
        "lineage",
        "holdout",
        "consent",
        "quiet_hours",
        "hold",
        "level",
        "observed",
        "lacking",
    }
)
"""Kinds that are the policy's doing; a stop, a full bucket or a request that is malformed are not."""
_ALLOWING: Final = "what-if-allowed"


def removable(found: Sequence[Obstacle]) -> bool:
    """Whether a policy can be thought of in which none of them stands in the way."""
    return bool(found) and all(each.kind in _REMOVABLE for each in found)


def without(document: Document, found: Sequence[Obstacle], *, agent: str, method: str) -> Document:
    """The policy as it would be without these obstacles to a call of the agent; everything else stays as it is."""
    names = {kind: {each.name for each in found if each.kind == kind} for kind in _REMOVABLE}
    gone = names["rule"] | names["failed"] | names["hold"]
    rules = tuple([rule for rule in document.rules if rule.name not in gone])
    if names["unallowed"]:
        rules += (Rule(name=_ALLOWING, effect="allow", methods=(method,)),)
    lacking, free = names["lacking"], bool(names["level"] or names["observed"])
    return msgspec.structs.replace(
        document,
        rules=rules,
        lineage=Lineage(keep=document.lineage.keep) if names["lineage"] else document.lineage,
        holdouts=tuple([each for each in document.holdouts if each.name not in names["holdout"]]),
        consents=tuple([each for each in document.consents if each.name not in names["consent"]]),
        quiet_hours=tuple([each for each in document.quiet_hours if each.name not in names["quiet_hours"]]),
        limits=tuple([each for each in document.limits if each.name not in lacking]),
        sequences=tuple([each for each in document.sequences if each.name not in lacking]),
        agents=tuple([_freed(each) if free and each.name == agent else each for each in document.agents]),
    )


def _freed(agent: Agent) -> Agent:
    """The agent, when it may do everything by itself."""
    own = Autonomy(read="autonomous", write="autonomous", contact="autonomous", delete="autonomous", infer="autonomous")
    return msgspec.structs.replace(agent, autonomy=own)
