"""What else a refused call would have met, had nothing stood in its way so far: decided once more, step by step."""

import msgspec

from gateway.activation.loading import canonical, load_stored
from gateway.core.inputs import Inputs
from gateway.core.obstacles import Obstacle, obstacles
from gateway.core.record import Outcome, Verdict
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import PolicyInvalid
from gateway.core.without import removable, without
from gateway.replays.replaying import NotKnown, replayed

MOST_STEPS = 10
"""Rules, lineage, holdouts, consents, hours, people and what limits lack: no call meets more kinds than that."""
_LOOKED = Outcome(granted=True)


class Beyond(msgspec.Struct, frozen=True):
    """What comes behind the obstacles that are recorded."""

    found: tuple[Obstacle, ...]
    """Further obstacles, in order."""
    buckets: tuple[str, ...]
    """Limits and caps that would be asked once none of all that stands in the way; how they stood then nobody knows."""
    open: bool
    """Whether it is known to the end; else something stands in the way that no policy takes away."""


def beyond(revision: Revision, inputs: Inputs, first: tuple[Obstacle, ...], *, pseudonym_key: bytes) -> Beyond:
    """Decide about the call under the policy without `first`, then without what stands in the way next, and so on."""
    document, step = revision.document, first
    found: list[Obstacle] = []
    for _ in range(MOST_STEPS):
        if not removable(step):
            return Beyond(tuple(found), (), open=False)
        document = without(document, step, agent=inputs.agent, method=inputs.method)
        try:
            again = replayed(load_stored(canonical(document)), inputs, pseudonym_key=pseudonym_key)
        except (PolicyInvalid, NotKnown):  # nothing is left of a part, or it now looks at what was not read
            return Beyond(tuple(found), (), open=False)
        if again.record.verdict is Verdict.ALLOW:
            asked = dict.fromkeys(bucket.limit for bucket in again.record.buckets if bucket.mode == "enforce")
            return Beyond(tuple(found), tuple(asked), open=True)
        step = obstacles(again.record, _LOOKED, document=document)
        found += step
    return Beyond(tuple(found), (), open=False)
