"""Answers the questions of `pilote.audit.v1.AuditService` from the store."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from gateway.core.errors import CallEnded, Reason
from gateway.core.record import CustomerOutcome, subject_ref
from gateway.rpc.times import timestamp
from pilote.audit.v1 import (
    activity_pb2,
    arms_pb2,
    audit_service_pb2,
    explaining_pb2,
    log_pb2,
    objectives_pb2,
    personal_pb2,
    persons_pb2,
    planning_pb2,
    shadows_pb2,
    upstreams_pb2,
    views_pb2,
)
from services.audit import activity, counting, inputs, persons, shadows, upstreams
from services.audit.arms import answered, asked
from services.audit.changes import record_change
from services.audit.explaining import Policies, explained, no_policies
from services.audit.note_queries import list_notes, told_note
from services.audit.objectives import ObjectiveBook
from services.audit.outcome_texts import explain_outcomes
from services.audit.personal_queries import erase_subject, explain_values, read_keys, read_values, state_of
from services.audit.proofs import proving
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.proofs.exporting import Asked, Export
from services.audit.proofs.reading import read_on
from services.audit.saving import Views
from services.audit.search import Search
from services.audit.store import DecisionStore, Stored
from services.audit.tails import Tails
from services.audit.telling import outcome_told, told
from services.audit.tenancy import Permitted
from services.proof.exports import head_text

_NAME: Final = re.compile(r"decisions/([0-9a-f]{32})")
_MOST_INPUTS: Final = 2_048
"""Inputs that are read at once: as many as a sealed hour decompresses at once, however few are asked for."""


class Queries(Search):
    """The query side. `clock_ms` is the time in milliseconds since the epoch, for what is in doubt by now."""

    def __init__(
        self,
        store: DecisionStore,
        *,
        tails: Tails,
        objectives: ObjectiveBook,
        checkpoints: Checkpoints,
        pseudonym_key: bytes,
        clock_ms: Callable[[], int],
        policies: Policies = no_policies,
    ) -> None:
        super().__init__(store, tails=tails, pseudonym_key=pseudonym_key, clock_ms=clock_ms)
        self._objectives = objectives
        self._checkpoints = checkpoints
        self._pseudonym_key = pseudonym_key
        self._policies = policies
        self._views = Views(store.views, clock_ms=clock_ms)

    async def GetDecision(
        self, request: audit_service_pb2.GetDecisionRequest, context: Any
    ) -> audit_service_pb2.GetDecisionResponse:
        """See the contract."""
        stored = await self._stored(request.name, context)
        decision = told(stored)
        decision.values_state, erased_ms = await state_of(self._store, stored.record)
        if erased_ms:
            decision.erase_time.CopyFrom(timestamp(erased_ms))
        after = await self._followed(stored)
        return audit_service_pb2.GetDecisionResponse(decision=decision, outcomes=map(outcome_told, after))

    async def ExplainDecision(
        self, request: explaining_pb2.ExplainDecisionRequest, context: Any
    ) -> explaining_pb2.ExplainDecisionResponse:
        """See the contract."""
        stored = await self._stored(request.name, context)
        asked_in = request.language_code
        answer = await explained(stored, self._policies, language_code=asked_in, now_ms=self._clock_ms())
        state, erased_ms = await state_of(self._store, stored.record)
        answer.sentences.extend(explain_values(state, erased_ms=erased_ms, language=answer.language_code))
        answer.sentences.extend(explain_outcomes(await self._followed(stored), language=answer.language_code))
        return answer

    async def ExportDecisions(
        self, request: audit_service_pb2.ExportDecisionsRequest, context: Any
    ) -> AsyncIterator[audit_service_pb2.ExportDecisionsResponse]:
        """See the contract."""
        now_ms = self._clock_ms()
        asked = Asked(
            query=Permitted(context).query(request.filter),
            expression=await self._resolver.read(request.filter, context, now_ms=now_ms),
            proofs=request.proofs,
            previous_size=proving.earlier(request.previous_tree_size),
            now_ms=now_ms,
            cosigned=request.cosigned,
        )
        export = Export(self._store, self._checkpoints, asked)
        head, signed = await export.head()
        yield audit_service_pb2.ExportDecisionsResponse(head=head_text(head))
        async for exported in export.rows(head):
            stored = None if request.entries_only else exported.stored
            yield audit_service_pb2.ExportDecisionsResponse(
                decision=None if stored is None else told(stored),
                entries=[proving.entry(each) for each in exported.row],
            )
        yield audit_service_pb2.ExportDecisionsResponse(
            checkpoint=proving.checkpoint(signed),
            manifest=export.manifest(head),
            unreadable_segments=self._store.unreadable,
        )

    async def ReadLog(self, request: log_pb2.ReadLogRequest, context: Any) -> AsyncIterator[log_pb2.ReadLogResponse]:
        """See the contract."""
        Permitted(context).whole()
        async for answer in read_on(self._store.log, request):
            yield answer

    async def GetCheckpoint(
        self, request: audit_service_pb2.GetCheckpointRequest, _context: Any
    ) -> audit_service_pb2.GetCheckpointResponse:
        """See the contract."""
        signed = await (self._checkpoints.cosigned() if request.cosigned else self._checkpoints.newest())
        return audit_service_pb2.GetCheckpointResponse(
            checkpoint=proving.checkpoint(signed), verifier_key=self._checkpoints.signer.key.text
        )

    async def AddCosignature(
        self, request: audit_service_pb2.AddCosignatureRequest, _context: Any
    ) -> audit_service_pb2.AddCosignatureResponse:
        """See the contract."""
        signed = await self._checkpoints.cosign(request.note)
        return audit_service_pb2.AddCosignatureResponse(checkpoint=proving.checkpoint(signed))

    async def GetInclusionProof(
        self, request: audit_service_pb2.GetInclusionProofRequest, context: Any
    ) -> audit_service_pb2.GetInclusionProofResponse:
        """See the contract."""
        stored = await self._stored(request.name, context)
        return await proving.inclusion(request, stored, log=self._store.log, checkpoints=self._checkpoints)

    async def GetConsistencyProof(
        self, request: audit_service_pb2.GetConsistencyProofRequest, _context: Any
    ) -> audit_service_pb2.GetConsistencyProofResponse:
        """See the contract."""
        return await proving.consistency(request, log=self._store.log, checkpoints=self._checkpoints)

    async def SummarizeArms(
        self, request: arms_pb2.SummarizeArmsRequest, context: Any
    ) -> arms_pb2.SummarizeArmsResponse:
        """See the contract."""
        request.tenant = Permitted(context).asked(request.tenant)
        return answered(await self._store.arms(asked(request)))

    async def CountDecisions(
        self, request: planning_pb2.CountDecisionsRequest, context: Any
    ) -> planning_pb2.CountDecisionsResponse:
        """See the contract."""
        request.tenant = Permitted(context).asked(request.tenant)
        start_ms, end_ms = counting.between(request)
        return counting.answered(await self._store.counts(request.tenant, start_ms=start_ms, end_ms=end_ms))

    async def GetActivity(
        self, request: activity_pb2.GetActivityRequest, _context: Any
    ) -> activity_pb2.GetActivityResponse:
        """See the contract."""
        question = activity.asked(request, now_ms=self._clock_ms())
        return activity.answered(question, await self._store.activity(question))

    async def SummarizeUpstreams(
        self, request: upstreams_pb2.SummarizeUpstreamsRequest, context: Any
    ) -> upstreams_pb2.SummarizeUpstreamsResponse:
        """See the contract."""
        request.tenants[:] = Permitted(context).every(request.tenants)
        question = upstreams.asked(request, now_ms=self._clock_ms())
        return upstreams.answered(question, await self._store.upstreams(question))

    async def SummarizeShadows(
        self, request: shadows_pb2.SummarizeShadowsRequest, context: Any
    ) -> shadows_pb2.SummarizeShadowsResponse:
        """See the contract."""
        request.tenant = Permitted(context).asked(request.tenant)
        return shadows.answered(await self._store.copies(shadows.asked(request)))

    async def ListInputs(
        self, request: planning_pb2.ListInputsRequest, context: Any
    ) -> AsyncIterator[planning_pb2.ListInputsResponse]:
        """See the contract."""
        request.tenant = Permitted(context).asked(request.tenant)
        query = inputs.asked(request)
        at, total = await self._store.inputs_begin(query, now_ms=self._clock_ms())
        given = False
        while found := await self._store.inputs_page(query, now_ms=self._clock_ms(), at=at, size=_MOST_INPUTS):
            for answer in inputs.answered(found, total, unreadable=self._store.unreadable):
                yield answer
            at, given = inputs.after(found[-1].decision, at_ms=found[-1].at_ms), True
        unreadable = self._store.unreadable
        if unreadable or not given:  # damage may have been met behind the last that could be read
            yield planning_pb2.ListInputsResponse(total_size=total, unreadable_segments=unreadable)

    async def ReportPerson(
        self, request: persons_pb2.ReportPersonRequest, context: Any
    ) -> AsyncIterator[persons_pb2.ReportPersonResponse]:
        """See the contract."""
        request.tenant = Permitted(context).asked(request.tenant)
        its = persons.asked(request, pseudonym_key=self._pseudonym_key)
        async for answer in persons.report(self._store, its, now_ms=self._clock_ms()):
            yield answer

    async def ForgetInputs(
        self, request: planning_pb2.ForgetInputsRequest, context: Any
    ) -> planning_pb2.ForgetInputsResponse:
        """See the contract."""
        request.tenant = Permitted(context).asked(request.tenant)
        if not request.subject:
            text = "subject is required: the resource name of the customer, such as contacts/cnt_000001."
            raise CallEnded(Reason.ARGUMENT_INVALID, text, violations=(("subject", text),))
        tenants = [request.tenant] if request.tenant else await self._store.tenants()
        refs = [subject_ref(self._pseudonym_key, tenant=tenant, subject=request.subject) for tenant in tenants]
        return planning_pb2.ForgetInputsResponse(forgotten=await self._store.forget_inputs(refs))

    async def ReadValues(
        self, request: personal_pb2.ReadValuesRequest, context: Any
    ) -> personal_pb2.ReadValuesResponse:
        """See the contract."""
        stored = await self._stored(request.name, context)
        return await read_values(self._store, stored.record, request, now_ms=self._clock_ms())

    async def ReadKeys(self, request: personal_pb2.ReadKeysRequest, context: Any) -> personal_pb2.ReadKeysResponse:
        """See the contract."""
        return await read_keys(self._store, request, permitted=Permitted(context))

    async def EraseSubject(
        self, request: personal_pb2.EraseSubjectRequest, context: Any
    ) -> personal_pb2.EraseSubjectResponse:
        """See the contract."""
        request.tenant = Permitted(context).asked(request.tenant)
        # Callers whom nobody could identify have a tenant without a name there.
        tenants = [request.tenant] if request.tenant else [each for each in await self._store.tenants() if each]
        key, now_ms = self._pseudonym_key, self._clock_ms()
        return await erase_subject(self._store, request, tenants=tenants, pseudonym_key=key, now_ms=now_ms)

    async def RecordChange(
        self, request: personal_pb2.RecordChangeRequest, _context: Any
    ) -> personal_pb2.RecordChangeResponse:
        """See the contract."""
        written = await record_change(self._store, request, now_ms=self._clock_ms())
        return personal_pb2.RecordChangeResponse(note=told_note(written))

    async def ListNotes(self, request: personal_pb2.ListNotesRequest, context: Any) -> personal_pb2.ListNotesResponse:
        """See the contract."""
        request.tenants[:] = Permitted(context).every(request.tenants)
        return await list_notes(self._store, request)

    async def GetObjectives(
        self, request: objectives_pb2.GetObjectivesRequest, _context: Any
    ) -> objectives_pb2.GetObjectivesResponse:
        """See the contract."""
        return await self._objectives.answer(request)

    async def ListViews(self, request: views_pb2.ListViewsRequest, _context: Any) -> views_pb2.ListViewsResponse:
        """See the contract."""
        return await self._views.list(request)

    async def GetView(self, request: views_pb2.GetViewRequest, context: Any) -> views_pb2.GetViewResponse:
        """See the contract."""
        return views_pb2.GetViewResponse(view=await self._views.get(request, context))

    async def CreateView(self, request: views_pb2.CreateViewRequest, context: Any) -> views_pb2.CreateViewResponse:
        """See the contract."""
        return views_pb2.CreateViewResponse(view=await self._views.create(request, context))

    async def UpdateView(self, request: views_pb2.UpdateViewRequest, context: Any) -> views_pb2.UpdateViewResponse:
        """See the contract."""
        return views_pb2.UpdateViewResponse(view=await self._views.update(request, context))

    async def DeleteView(self, request: views_pb2.DeleteViewRequest, context: Any) -> views_pb2.DeleteViewResponse:
        """See the contract."""
        await self._views.delete(request, context)
        return views_pb2.DeleteViewResponse()

    async def _followed(self, stored: Stored) -> Sequence[CustomerOutcome]:
        """What the customer did after a decision, oldest first."""
        return (await self._store.told_after([stored.record.id])).get(stored.record.id, ())

    async def _stored(self, resource: str, context: Any) -> Stored:
        name = _NAME.fullmatch(resource)
        if name is None:
            text = "name must be decisions/{decision}, with an id of 32 hexadecimal digits."
            raise CallEnded(Reason.ARGUMENT_INVALID, text, violations=(("name", text),))
        stored = await self._store.get(name[1], now_ms=self._clock_ms())
        if stored is None or stored.record.tenant not in Permitted(context):
            text = f"There is no decision {resource}. A new one appears within two seconds of its call."
            raise CallEnded(Reason.NOT_FOUND, text, metadata={"name": resource})
        return stored
