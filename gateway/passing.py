"""What passes to the upstream and back: the version pinned, what rules take out, and what the answer tells."""

import re
from collections.abc import Sequence
from typing import Final

from gateway.adapters.upstreams import Metadata, Withheld
from gateway.callrun import CallRun
from gateway.core.contract import Take
from gateway.core.decide import values_of
from gateway.core.spending import costs, told

LONGEST_VERSION: Final = 200
"""Characters of an upstream's own name for a version that are recorded."""

_UNPRINTABLE: Final = re.compile(r"[^ -~]")


def learns(run: CallRun) -> bool:
    """Whether an answer tells something that is to be remembered: costs, quotas, or which version has answered."""
    assert run.policy is not None  # noqa: S101 - an admitted call has a policy
    return run.policy.contract.served is not None or (run.reservation is not None and run.reservation.settles)


def learn(run: CallRun, metadata: Metadata, response: bytes | None, *, whole: bool = True) -> None:
    """Remember what an answer says of the call's costs, the upstream's quotas and the version; `None`: it failed.

    What is not `whole`, the last message of a stream that broke off, says what it has cost only if it says so plainly.
    """
    assert run.policy is not None and run.revision is not None and run.agent is not None  # noqa: PT018, S101
    contract, texts = run.policy.contract, {key: value for key, value in metadata if isinstance(value, str)}
    run.told = told(run.policy.limits, texts)
    if response is None or contract.decode_reply is None or run.call is None:
        return
    try:
        reply = contract.decode_reply(response)
    except ValueError:  # its estimate stands
        return
    if contract.served is not None:
        run.served = _UNPRINTABLE.sub("?", contract.served(reply)[:LONGEST_VERSION])
    if contract.usage is not None and contract.metered is not None and contract.metered(reply):
        run.usage = contract.usage(reply)
    if not whole if contract.metered is None else not contract.metered(reply):
        return
    values = values_of(
        run.revision,
        run.policy,
        agent=run.agent,
        call=run.call,
        facts=run.facts,
        route=run.route,
        now_ms=run.received_ms,
        progress=run.progress,
    )
    run.costs = costs(run.policy.limits, {**values, "response": reply, "trailers": texts}, now_ms=run.received_ms)


def pinned(run: CallRun) -> bytes:
    """The caller's request, with the routed version written into it by the name that the upstream knows it by."""
    if run.route.version and run.policy is not None and run.policy.contract.pin is not None and run.call is not None:
        return run.policy.contract.pin(run.call.request, known_as(run))
    return run.request


def known_as(run: CallRun) -> str:
    """What the upstream calls the version that serves the call."""
    target = run.routed.target
    return target.served_as if target is not None and target.served_as else run.route.version


def takes_of(run: CallRun, side: str) -> tuple[Take, ...]:
    """What the rules that decided take out of one side of the call, "request" or "reply"."""
    decision = run.decision if run.substitute is None else run.substitute.decision
    if decision is None or run.policy is None or not decision.redacting:
        return ()
    planned = run.policy.takes[side]
    return tuple([planned[rule] for rule in decision.redacting if rule in planned])


def forwarded(run: CallRun, takes: Sequence[Take]) -> bytes:
    """The request as the upstream gets it. What was decided was decided about all of it."""
    request = pinned(run)
    if run.policy is None:
        return request
    contract = run.policy.contract
    if takes:
        request = contract.redactors["request"].apply(request, takes)  # it was decoded before, so it can be again
    if contract.instruct is None:
        return request
    # After the redaction: what the policy itself says is about nobody.
    return contract.instruct(request, run.routed.target.instructions if run.routed.target is not None else "")


def redacted_reply(run: CallRun, reply: bytes) -> bytes:
    """A reply as the caller gets it, by what was decided of `run` under the policy that decided it.

    Raises:
        Withheld: it is not what the contract says.
    """
    takes = takes_of(run, "reply")
    if not takes or run.policy is None:
        return reply
    try:
        return run.policy.contract.redactors["reply"].apply(reply, takes)
    except ValueError as error:
        raise Withheld from error
