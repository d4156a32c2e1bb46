"""Asking the audit service what was counted of arms, for everybody who compares some."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

from google.protobuf.duration_pb2 import Duration

from gateway.rpc.times import timestamp
from pilote.audit.v1 import arms_pb2
from services.insights.report import ArmCount
from services.insights.sums import Sums

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

ANSWER_SECONDS: Final = 60.0


class SumsWrong(Exception):
    """What the audit service answers about an arm cannot be."""

    def __init__(self, arm: str, measure: str, *, fault: str) -> None:
        super().__init__(f"{measure} of {arm} cannot be: {fault}")
        self.arm = arm
        self.measure = measure
        self.fault = fault


async def counted(
    audit: "AuditServiceAsyncStub",
    kind: Literal["route", "experiment"],
    *,
    name: str,
    tenants: tuple[str, ...],
    start_ms: int,
    end_ms: int | None = None,
    measures: tuple[str, ...] = (),
    before_ms: int = 0,
    currency: str = "",
    budget: str = "",
) -> Mapping[str, ArmCount]:
    """What was counted of each arm of a route, or variation of an experiment, over all these tenants.

    Calls count that were received from `start_ms` to before `end_ms`, milliseconds since the epoch; `before_ms` is how
    long before the first of them covariates are summed.

    Raises:
        SumsWrong: what is answered cannot be.
        grpc.aio.AioRpcError: the audit service does not answer, or refuses.
    """
    found: dict[str, ArmCount] = {}
    for tenant in tenants:
        request = arms_pb2.SummarizeArmsRequest(
            tenant=tenant,
            start_time=timestamp(start_ms),
            end_time=None if end_ms is None else timestamp(end_ms),
            measures=measures,
            covariate_window=Duration(seconds=before_ms // 1000),
            currency=currency,
            budget=budget,
        )
        setattr(request, kind, name)
        for arm in (await audit.SummarizeArms(request, timeout=ANSWER_SECONDS)).arms:
            found[arm.arm] = found.get(arm.arm, ArmCount()) + _count(arm)
    return found


def _count(arm: arms_pb2.ArmSummary) -> ArmCount:
    sums = {each.measure: _sums(each) for each in arm.measures}
    for measure, each in sums.items():
        if fault := each.fault():
            raise SumsWrong(arm.arm, measure, fault=fault)
    return ArmCount(
        subjects=arm.subjects,
        calls=arm.calls,
        several=arm.subjects_in_several,
        calls_without_subject=arm.calls_without_subject,
        first={each.revision: each.subjects for each in arm.phases},
        sums=sums,
        currency=next((each.currency for each in arm.measures if each.currency), ""),
        last_call_ms=arm.last_call_time.ToMilliseconds(),
        heard_ms={each.measure: each.last_time.ToMilliseconds() for each in arm.measures if each.HasField("last_time")},
    )


def _sums(measured: arms_pb2.MeasureSums) -> Sums:
    return Sums(**{name: getattr(measured, name) for name in Sums.__struct_fields__})
