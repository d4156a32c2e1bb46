"""Who may look in one tenant sees nothing of another, whatever they ask the audit service."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilote.audit.v1 import (
    arms_pb2,
    audit_service_pb2,
    explaining_pb2,
    personal_pb2,
    persons_pb2,
    planning_pb2,
    shadows_pb2,
    summaries_pb2,
)
from services.audit.filters.expression import All, Comparison, Some
from services.audit.filters.fields import FIELDS
from services.audit.tenancy import TENANTS, Permitted
from tests.e2e.requests import ADA, send
from tests.e2e.world import Auditor, World, auditing, credential
from tests.fakes.upstream import FakeUpstream

ACME, GLOBEX, BOTH, NONE = ((TENANTS, each) for each in ("acme", "globex", "acme,globex", ""))
TRICKS = (
    '',
    'tenant = "globex"',
    'verdict = ALLOW OR tenant = "globex"',
    'NOT tenant = "acme"',
    'tenant != "acme" OR agent = "globex-bot"',
)  # fmt: skip


@dataclass
class Desk:
    """An audit service with a decision of each of two tenants."""

    auditor: Auditor
    acme: str
    globex: str


@pytest.fixture
async def desk(world: World, upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[Desk]:
    ids = []
    async with auditing(world.redis_url, tmp_path / "audit") as auditor:
        for name in ("sales-bot", "globex-bot"):
            call = world.agent().messages.SendMessage(send(), metadata=credential(name))
            await call
            ids.append(str(dict(await call.trailing_metadata())["pilote-decision-id"]))
            await auditor.decision(ids[-1])
        yield Desk(auditor, *ids)


async def _names(desk: Desk, text: str, metadata: tuple[str, str]) -> set[str]:
    request = audit_service_pb2.ListDecisionsRequest(filter=text)
    answer = await desk.auditor.stub.ListDecisions(request, metadata=(metadata,))
    return {each.name.removeprefix("decisions/") for each in answer.decisions}


async def _code(asked: Awaitable[Any]) -> grpc.StatusCode:
    try:
        await asked
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_no_filter_reaches_into_another_tenant(desk: Desk) -> None:
    for text in TRICKS:
        assert await _names(desk, text, GLOBEX) <= {desk.globex}
        assert await _names(desk, text, ACME) <= {desk.acme}
        assert await _names(desk, text, NONE) == set()
    assert await _names(desk, "", GLOBEX) == {desk.globex}
    assert await _names(desk, "", BOTH) == {desk.acme, desk.globex}
    stub = desk.auditor.stub
    counted = await stub.SummarizeDecisions(summaries_pb2.SummarizeDecisionsRequest(), metadata=(ACME,))
    charted = await stub.ChartDecisions(summaries_pb2.ChartDecisionsRequest(), metadata=(ACME,))
    assert (counted.total_count, sum(each.count for each in charted.buckets)) == (1, 1)
    rows = [row async for row in stub.ExportDecisions(audit_service_pb2.ExportDecisionsRequest(), metadata=(ACME,))]
    assert {row.decision.name for row in rows if row.HasField("decision")} == {f"decisions/{desk.acme}"}
    assert all("globex" not in row.head for row in rows)


async def test_what_is_asked_for_by_name_is_not_there(desk: Desk) -> None:
    stub, name = desk.auditor.stub, f"decisions/{desk.globex}"
    asked: tuple[tuple[Any, Any], ...] = (
        (stub.GetDecision, audit_service_pb2.GetDecisionRequest(name=name)),
        (stub.ExplainDecision, explaining_pb2.ExplainDecisionRequest(name=name)),
        (stub.GetInclusionProof, audit_service_pb2.GetInclusionProofRequest(name=name)),
        (stub.ReadValues, personal_pb2.ReadValuesRequest(name=name, person="ada", reason="why")),
    )
    for method, request in asked:
        assert await _code(method(request, metadata=(ACME,))) is grpc.StatusCode.NOT_FOUND
        assert await _code(method(request, metadata=(GLOBEX,))) is not grpc.StatusCode.NOT_FOUND


async def test_a_tenant_that_is_named_must_be_ones_own(desk: Desk) -> None:
    stub = desk.auditor.stub
    asked: tuple[tuple[Any, Any], ...] = (
        (stub.CountDecisions, planning_pb2.CountDecisionsRequest),
        (stub.SummarizeArms, arms_pb2.SummarizeArmsRequest),
        (stub.SummarizeShadows, shadows_pb2.SummarizeShadowsRequest),
        (stub.ForgetInputs, planning_pb2.ForgetInputsRequest),
        (stub.EraseSubject, personal_pb2.EraseSubjectRequest),
    )
    for method, kind in asked:
        assert await _code(method(kind(tenant="globex"), metadata=(ACME,))) is grpc.StatusCode.PERMISSION_DENIED
        assert await _code(method(kind(), metadata=(BOTH,))) is grpc.StatusCode.INVALID_ARGUMENT
    report = persons_pb2.ReportPersonRequest(tenant="globex", subject=ADA, reason="why")
    assert await _code(stub.ReportPerson(report, metadata=(ACME,)).read()) is grpc.StatusCode.PERMISSION_DENIED
    inputs = planning_pb2.ListInputsRequest(tenant="globex")
    assert await _code(stub.ListInputs(inputs, metadata=(ACME,)).read()) is grpc.StatusCode.PERMISSION_DENIED
    counted = await stub.CountDecisions(planning_pb2.CountDecisionsRequest(), metadata=(ACME,))
    assert {each.agent for each in counted.counts} == {"sales-bot"}


class Context:
    """What a method knows of its caller."""

    def __init__(self, *metadata: tuple[str, str]) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata


@given(st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,5}", fullmatch=True), unique=True))
def test_a_filter_is_narrowed_to_what_the_caller_may_see(tenants: list[str]) -> None:
    permitted = Permitted(Context((TENANTS, ",".join(tenants))))
    narrowed = permitted.within(All(()))
    assert narrowed == All((Some(tuple(Comparison(FIELDS["tenant"], "=", each) for each in tenants)),))
    assert all(each in permitted for each in tenants)
    assert "Somebody" not in permitted
    assert Permitted(Context()).within(All(())) == All(())
