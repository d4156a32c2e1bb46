"""Which variations of experiments, and which versions of models, a changed policy takes contacts from."""

import msgspec
import numpy as np

from services.insights.pressure.intervals import Estimate, clustered_share, moved
from services.insights.whatif.trial import Arm, Contacts
from services.insights.whatif.weighing import of


class ArmTouched(msgspec.Struct, frozen=True, kw_only=True):
    """What changes for the contacts of one arm; all but the share is exact, of what was recorded."""

    arm: Arm
    contacts: int
    """That were made."""
    refused: int
    """Of these, how many the new policy refuses."""
    allowed: int
    share: Estimate | None
    """`refused` of `contacts`, with its interval by customer; `None` of fewer than 30 of them."""


def touched(contacts: Contacts, *, alpha: float = 0.05) -> tuple[ArmTouched, ...]:
    """All arms, those of which most changes first. Each interval alone is wrong with a probability of `alpha`."""
    found = [_touched(contacts, arm, alpha=alpha) for arm in sorted({arm for arms in contacts.sets for arm in arms})]
    return tuple(sorted(found, key=lambda each: (-each.refused - each.allowed, each.arm)))


def _touched(contacts: Contacts, arm: Arm, *, alpha: float) -> ArmTouched:
    its = np.array([arm in arms for arms in contacts.sets], dtype=np.bool_)[contacts.arms] & contacts.inside
    made, refused = its & contacts.before, its & contacts.before & ~contacts.after
    had = of(contacts, made)
    lost, own = of(contacts, refused)[had > 0], had[had > 0]
    share = None
    if own.size:
        value = float(lost.sum() / own.sum())
        variance = float((moved(lost, own) ** 2).sum())
        share = clustered_share(value, variance=variance, units=own.size, alpha=alpha)
    return ArmTouched(
        arm=arm,
        contacts=int(made.sum()),
        refused=int(refused.sum()),
        allowed=int((its & contacts.after & ~contacts.before).sum()),
        share=share,
    )
