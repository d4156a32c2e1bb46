"""How upstreams have done of late: counted once for each try, whoever answered at last, by tenant and time."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import CallEnded, Reason
from gateway.core.record import Attempt, Verdict
from pilote.audit.v1 import upstreams_pb2 as pb
from services.audit.tenancy import TENANTS
from services.audit.upstreams import LAST_STEP, contract_of, duration_us, quantile_us, step_of
from tests.services.audit.conftest import NOW_MS, Audit, a_record, a_settlement, admit, append, settle

END_MS = NOW_MS + 60_000
ROUTED: dict[str, Any] = {"route": "crm", "arm": "main", "upstream": "crm"}
REFUSED: dict[str, Any] = {"verdict": Verdict.DENY, "reason": "POLICY_DENIED", "expires_ms": 0}


class Asking:
    """The context of a call by somebody who may see these tenants."""

    def __init__(self, *tenants: str) -> None:
        self._tenants = tenants

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ((TENANTS, ",".join(self._tenants)),)


async def summed(audit: Audit, context: Any = None, *, at_ms: int = END_MS, **request: Any) -> dict[str, Any]:
    """What is answered, by upstream."""
    audit.now_ms = at_ms
    answer = await audit.queries().SummarizeUpstreams(pb.SummarizeUpstreamsRequest(**request), context)
    return {each.upstream: each for each in answer.upstreams}


async def contracts(audit: Audit, *, at_ms: int = END_MS) -> dict[str, tuple[int, int]]:
    """Calls and time of the last one, by contract."""
    audit.now_ms = at_ms
    answer = await audit.queries().SummarizeUpstreams(pb.SummarizeUpstreamsRequest(), None)
    return {each.contract: (each.calls, each.last_call_time.ToMilliseconds()) for each in answer.contracts}


def counts(found: Any) -> tuple[int, int, int, int, int]:
    """Calls, and of them unavailable, failed, in doubt and slow."""
    return found.calls, found.unavailable_count, found.failed_count, found.in_doubt_count, found.slow_count


def ended(number: int, **changes: Any) -> dict[Any, Any]:
    """The end of a call that the upstream took 20 ms for."""
    return settle(a_settlement(number, **({"upstream_us": 20_000} | changes)))


async def test_calls_count_once_by_how_they_ended_whether_told_at_once_or_later(audit: Audit) -> None:
    ends: tuple[dict[str, Any], ...] = (
        {},
        {"slow": True},
        {"reason": Reason.UPSTREAM_UNAVAILABLE},
        {"reason": Reason.UPSTREAM_FAILED},
        {"reason": Reason.DEADLINE_EXCEEDED},
        {"reason": Reason.UPSTREAM_IN_DOUBT, "in_doubt": True},
    )
    await append(
        audit.redis, *(admit(a_record(number, **ROUTED)) for number in range(6)), ended(0), ended(1, slow=True)
    )
    await audit.catch_up()
    later = [ended(number, **changes) for number, changes in enumerate(ends)]
    await append(audit.redis, *later, *later)
    await audit.catch_up()

    found = await summed(audit)
    assert counts(found["crm"]) == (6, 1, 2, 1, 1)
    assert 19_000 <= found["crm"].median_duration.ToMicroseconds() <= 21_000
    assert found["crm"].last_call_time.ToMilliseconds() == NOW_MS + 10


async def test_each_try_counts_for_the_upstream_that_it_was_made_at(audit: Audit) -> None:
    tries = (
        Attempt("main", "crm", "UNAVAILABLE", took_us=300_000),
        Attempt("main", "crm", "OPEN"),
        Attempt("spare", "spare", "DENIED"),
        Attempt("spare", "spare", "CANCELLED", took_us=5),
        Attempt("spare", "spare", "NOT_FOUND", took_us=1_000),
    )
    await append(audit.redis, admit(a_record(0, **ROUTED)), ended(0, attempts=tries, upstream="spare"))
    await audit.catch_up()
    found = await summed(audit)
    assert (counts(found["crm"]), counts(found["spare"])) == ((2, 2, 0, 0, 0), (1, 0, 0, 0, 0))
    assert found["crm"].median_duration.ToMilliseconds() == pytest.approx(300, rel=0.05)  # what was withheld took none


async def test_of_a_call_in_doubt_the_last_try_is(audit: Audit) -> None:
    tries = (Attempt("main", "crm", "UNAVAILABLE", took_us=5), Attempt("main", "crm", "INTERNAL", took_us=5))
    await append(audit.redis, admit(a_record(0, **ROUTED)), ended(0, attempts=tries, in_doubt=True))
    await audit.catch_up()
    assert counts((await summed(audit))["crm"]) == (2, 1, 0, 1, 0)


async def test_contracts_count_every_call_that_is_described_refused_or_not(audit: Audit) -> None:
    await append(
        audit.redis,
        admit(a_record(0)),
        admit(a_record(1, **REFUSED)),
        admit(a_record(2, method="/anything.v1.At/All", operation="")),
        admit(a_record(3, method="/pilote.tracking.v1.EventService/Track")),
        admit(a_record(4, standby=True)),
    )
    await audit.catch_up()
    assert await contracts(audit) == {"pilote.crm": (2, NOW_MS + 1), "pilote.tracking": (1, NOW_MS + 3)}


async def test_the_window_leaves_out_what_is_older_and_tending_deletes_it_but_not_when_it_was(audit: Audit) -> None:
    await append(audit.redis, admit(a_record(0, **ROUTED)), ended(0))
    await audit.catch_up()
    assert counts((await summed(audit, at_ms=NOW_MS + 59_000, window=Duration(seconds=60)))["crm"])[0] == 1
    late = await summed(audit, window=Duration(seconds=60))
    assert (counts(late["crm"])[0], late["crm"].HasField("median_duration")) == (0, False)
    assert late["crm"].last_call_time.ToMilliseconds() == NOW_MS + 5
    await audit.store.tend(now_ms=NOW_MS + 4 * 3_600_000)
    assert counts((await summed(audit))["crm"])[0] == 0
    assert (await contracts(audit))["pilote.crm"] == (0, NOW_MS)


async def test_tenants_see_their_own(audit: Audit) -> None:
    for place, tenant in enumerate(("acme", "globex", "globex")):
        await append(audit.redis, admit(a_record(place, tenant=tenant, **ROUTED)), ended(place), tenant=tenant)
    await audit.catch_up()
    asked: tuple[tuple[Any, list[str]], ...] = (
        (None, []),
        (None, ["acme"]),
        (Asking("globex"), []),
        (Asking("acme", "globex"), ["globex"]),
    )
    assert [counts((await summed(audit, who, tenants=names))["crm"])[0] for who, names in asked] == [3, 1, 2, 2]
    assert await summed(audit, tenants=["initech"]) == {}
    for names in (["acme"], ["acme", "globex"]):
        with pytest.raises(CallEnded) as refused:
            await summed(audit, Asking("globex"), tenants=names)
        assert refused.value.reason is Reason.POLICY_DENIED


@pytest.mark.parametrize("seconds", [0, 59, 61, 90, 3_660, -60])
async def test_a_window_that_is_no_whole_minute_up_to_an_hour_is_refused(audit: Audit, seconds: int) -> None:
    with pytest.raises(CallEnded) as refused:
        await summed(audit, window=Duration(seconds=seconds))
    assert refused.value.reason is Reason.ARGUMENT_INVALID


@given(st.integers(100, 20 * 60 * 1_000_000))
def test_what_is_said_of_a_duration_is_within_five_percent_of_it(took_us: int) -> None:
    assert duration_us(step_of(took_us)) == pytest.approx(took_us, rel=0.05)


@given(st.integers())
def test_every_duration_has_a_step(took_us: int) -> None:
    assert 0 <= step_of(took_us) <= LAST_STEP


@given(st.lists(st.integers(100, 10**8), min_size=1), st.sampled_from([0.5, 0.95]))
def test_at_least_that_share_took_at_most_so_long(durations: list[int], share: float) -> None:
    steps: dict[int, int] = {}
    for each in durations:
        steps[step_of(each)] = steps.get(step_of(each), 0) + 1
    most = quantile_us(steps, share) * 1.05
    assert sum(each <= most for each in durations) >= share * len(durations)


def test_a_contract_is_the_first_two_parts_of_the_package() -> None:
    methods = ("/pilote.crm.v1.DealService/GetDeal", "/inference.GRPCInferenceService/ModelInfer", "/Bare/Call", "")
    assert [contract_of(each) for each in methods] == ["pilote.crm", "inference", "", ""]
