"""Keeps what later calls depend on: what an inference was, and who somebody is that was created."""

import contextlib

from gateway.adapters.facts import FactStore
from gateway.adapters.lineages import Inferred, Lineages
from gateway.callrun import CallRun
from gateway.core import keys
from gateway.core.call import Lineage, Operation
from gateway.core.cells import cell_of
from gateway.core.errors import CallEnded
from gateway.core.lineage import lineage_of
from gateway.core.record import contact_ref, subject_ref
from gateway.core.revision.compiled import MethodPolicy


class Remembering:
    """What one call leaves behind for others, and what it finds of theirs."""

    def __init__(self, lineages: Lineages, facts: FactStore, *, pseudonym_key: bytes) -> None:
        self._lineages = lineages
        self._facts = facts
        self._pseudonym_key = pseudonym_key

    async def led(self, run: CallRun, inference: str, policy: MethodPolicy) -> Lineage | None:
        """What is known of the inference that the caller names; its span is kept as the call's `led_by`."""
        assert run.agent is not None and run.revision is not None  # noqa: PT018, S101
        cells = run.revision.cells.get(run.agent.tenant, 1)
        try:
            inferred = await self._lineages.find(run.agent.tenant, inference, cells=cells)
        except CallEnded:
            if policy.survives:
                return None
            raise
        if inferred is None:
            return None
        run.led_by = inferred.traceparent
        return inferred.lineage

    async def answered(self, run: CallRun, response: bytes = b"") -> None:
        """Keep what later calls depend on: what an inference was, and who somebody is that was created.

        From then on the caller may name the inference, and the person has the arms that they had before.
        """
        assert run.call is not None and run.revision is not None and run.policy is not None  # noqa: PT018, S101
        if run.call.operation is Operation.INFER and run.route.version and run.revision.lineage.keep_ms:
            prompt = run.routed.target.prompt if run.routed.target is not None else ""
            lineage = lineage_of(run.call, run.route, prompt=prompt)
            inferred = Inferred(lineage, run.incoming.trace.traceparent)
            await self.note(run, run.id, inferred, keep_ms=run.revision.lineage.keep_ms)
        if run.call.identity and response:
            await self._recognise(run, response)

    async def _recognise(self, run: CallRun, response: bytes) -> None:
        """Let the person who was created be assigned by what identifies them, rather than by a name that is new."""
        assert run.call is not None and run.agent is not None  # noqa: PT018, S101
        assert run.revision is not None and run.policy is not None  # noqa: PT018, S101
        contract = run.policy.contract
        if contract.created is None or contract.decode_reply is None:
            return
        tenant = run.agent.tenant
        with contextlib.suppress(ValueError, CallEnded):  # they exist by now, and the caller must hear of it
            if created := contract.created(contract.decode_reply(response)):
                ref = subject_ref(self._pseudonym_key, tenant=tenant, subject=created)
                cell = keys.cell(tenant, cell_of(run.revision.cells.get(tenant, 1), ref))
                unit = contact_ref(self._pseudonym_key, tenant=tenant, contact_point=run.call.identity)
                await self._facts.stand_for(cell, ref, unit=unit)

    async def note(self, run: CallRun, inference: str, inferred: Inferred, *, keep_ms: int) -> None:
        """Keep what an inference was, for so long."""
        assert run.agent is not None and run.revision is not None  # noqa: PT018, S101
        cells = run.revision.cells.get(run.agent.tenant, 1)
        await self._lineages.note(run.agent.tenant, inference, inferred=inferred, cells=cells, keep_ms=keep_ms)
