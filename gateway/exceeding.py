"""What becomes of a call that a limit or cap refuses: nothing, or what the policy says in `on_exceed`."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.callrun import CallRun
from gateway.core.limits import Bucket
from gateway.core.record import BucketLook, Outcome

_STRICTEST: Final = ("deny", "review", "defer", "downgrade")
"""Where several buckets refuse, the strictest of their wishes is followed."""

_DECIDED: Final = (
    *("id", "parent", "call", "request", "asked", "asked_channel", "cell"),
    *("route", "routed", "upstream", "decision", "outcome"),
)


def exceeded(buckets: Sequence[Bucket], outcome: Outcome) -> tuple[Bucket, BucketLook, str]:
    """The bucket that refused, what was found in it, and what is to be done: the strictest of what all of them say.

    `outcome` is a refusal by a bucket.
    """
    refusing = [
        bucket.on_exceed
        for bucket, look in zip(buckets, outcome.looks, strict=True)
        if look.wait_ms != 0 and bucket.mode == "enforce"
    ]
    action = min(refusing, key=_STRICTEST.index)
    bucket, look = buckets[outcome.refused], outcome.looks[outcome.refused]
    if action == "defer" and look.wait_ms < 0:  # it never opens
        action = "deny"
    return bucket, look, action


def decided(run: CallRun) -> Mapping[str, object]:
    """What belongs to the decision that the call has now, by the names of its fields."""
    return {name: getattr(run, name) for name in _DECIDED}


def on_another_channel(run: CallRun, channel: str) -> bool:
    """Make of a contact that was refused one on another channel; says whether that can be done.

    It is decided upon anew, as a decision of its own that follows on the refused one. Where the contact went on the
    channel before is taken out: an address is no telephone number.
    """
    if run.policy is None or run.call is None or run.policy.contract.put_channel is None or run.asked:
        return False
    try:
        request = run.policy.contract.put_channel(run.call.request, channel)
    except ValueError:  # the contract does not know this channel
        return False
    run.begin_anew()
    run.asked, run.request = run.request, request
    run.asked_channel = run.call.channel
    run.call = msgspec.structs.replace(
        run.call,
        channel=channel,
        contact_point="",
        contact_ref="",
        request=run.policy.contract.decode(request),
        request_bytes=len(request),
    )
    run.outcome = run.decision = None
    return True
