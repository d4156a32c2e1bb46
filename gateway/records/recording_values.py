"""Seals what a call was decided by, for its record."""

from typing import Final

from gateway.adapters.subject_keys import SubjectKeys
from gateway.callrun import CallRun
from gateway.core.used import NOTHING, packed


class Values:
    """Gives a call that was decided upon its sealed values. Without keys nothing is recorded."""

    def __init__(self, keys: SubjectKeys | None) -> None:
        self._keys: Final = keys

    def note(self, run: CallRun) -> None:
        """Seal what the conditions read of the call. Never waits."""
        run.values, run.beside = None, b""
        policy, call, agent = run.policy, run.call, run.agent
        if self._keys is None or run.decision is None or policy is None or policy.used is NOTHING:
            return
        if call is None or agent is None or not (found := policy.used.values(call, run.facts)):
            return
        run.values, run.beside = self._keys.seal(
            packed(found), tenant=agent.tenant, subject_ref=call.subject_ref, decision=run.id, now_ms=run.received_ms
        )
