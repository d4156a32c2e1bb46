"""What the rules say of a call on one way that it may go: the chosen arm, one that takes over, or a copy's."""

import functools
from collections.abc import Mapping

from gateway.callrun import CallRun
from gateway.core.call import Route
from gateway.core.decide import Decision, decide
from gateway.core.record import subject_ref


def decided(
    run: CallRun, route: Route, *, pseudonym_key: bytes, approved: bool, values: Mapping[str, object] | None = None
) -> Decision:
    """The decision about `run` on that route, by the revision that it began under. Changes nothing.

    `approved`: a person has let it through. `values` are what conditions see, where they are known already.
    """
    revision, policy, agent, call = run.revision, run.policy, run.agent, run.call
    assert revision is not None and policy is not None and agent is not None and call is not None  # noqa: PT018, S101
    return decide(
        revision,
        policy,
        agent=agent,
        call=call,
        facts=run.facts,
        route=route,
        ref=functools.partial(_ref, pseudonym_key, agent.tenant),
        now_ms=run.received_ms,
        approved=approved,
        progress=run.progress,
        values=values,
    )


def _ref(key: bytes, tenant: str, text: str) -> str:
    return subject_ref(key, tenant=tenant, subject=text)
