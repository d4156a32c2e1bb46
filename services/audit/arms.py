"""What is asked and answered of arms: their calls, their subjects, and the sums of what was measured. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Final, get_args

import msgspec
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.errors import CallEnded, Reason, invalid
from gateway.core.policy.learning import Measure
from gateway.rpc.times import timestamp
from pilote.audit.v1 import arms_pb2

MEASURES: Final = frozenset(get_args(Measure))
ATTRIBUTION_MS: Final = 7 * 86_400_000
LONGEST_MS: Final = 366 * 86_400_000
"""Longest window; beyond it a mistyped unit is likelier than a wish."""
OF_CALLS: Final = {
    "error_rate": ("failed", "alone.ended"),
    "latency_ms": ("ms", "alone.settled"),
    "refusal_rate": ("refused", "alone.calls"),
    "cost": ("cost", "1"),
}
"""Measures of calls: the column of a store that is their numerator, and their denominator."""
OF_CONTACTS: Final = {
    "complaint_rate": "complained",
    "opt_out_rate": "unsubscribed",
    "bounce_rate": "bounced",
    "delivery_rate": "delivered",
    "open_rate": "opened",
    "click_rate": "clicked",
    "reply_rate": "replied",
    "conversion_rate": "converted",
}
"""Measures of contacts, and the kind of outcome that they count."""
PRODUCTS: Final = (
    *("y{0}", "d{0}", "x{0}", "y{0} * y{0}", "d{0} * d{0}", "x{0} * x{0}", "y{0} * d{0}", "y{0} * x{0}", "d{0} * x{0}"),
)
"""What is summed over the subjects for a measure of that number, in the order of `Sums`."""

_NEVER_MS: Final = 1 << 53


class ArmsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to sum. Times are milliseconds since the epoch, windows milliseconds."""

    tenant: str
    kind: str
    """"route" or "experiment"."""
    name: str
    start_ms: int
    end_ms: int
    """Calls received before it count."""
    measures: tuple[str, ...]
    attribution_ms: int = ATTRIBUTION_MS
    covariate_ms: int = 0
    currency: str = ""
    budget: str = ""


class Sums(msgspec.Struct, frozen=True):
    """Sums over subjects of numerator y, denominator d, covariate x and their products."""

    n: int
    y: float
    d: float
    x: float
    yy: float
    dd: float
    xx: float
    yd: float
    yx: float
    dx: float


class Measured(msgspec.Struct, frozen=True):
    """One measure of one arm."""

    measure: str
    sums: Sums
    last_ms: int | None = None
    """When anything was last heard that feeds it."""
    currency: str = ""


class Arm(msgspec.Struct, frozen=True):
    """One arm; see the contract's `ArmSummary`."""

    name: str
    subjects: int
    calls: int
    last_call_ms: int
    subjects_in_several: int
    calls_without_subject: int
    measures: tuple[Measured, ...]
    phases: tuple[tuple[int, int], ...]
    """(revision, subjects first seen under it)."""


def asked(request: arms_pb2.SummarizeArmsRequest) -> ArmsQuery:
    """What a request asks.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field.
    """
    kind = request.WhichOneof("scope")
    if not request.tenant:
        raise invalid("tenant", "tenant is required: arms of several tenants are never summed together.")
    if kind is None or not (request.route or request.experiment):
        raise invalid("route", "Name a route or an experiment.")
    for measure in request.measures:
        if measure not in MEASURES:
            raise invalid("measures", f"measures must be among {', '.join(sorted(MEASURES))}.")
    if not re.fullmatch(r"([A-Z]{3})?", request.currency):
        raise invalid("currency", "currency must be three capital letters.")
    start_ms = _ms(request, "start_time", Timestamp.ToMilliseconds, absent=0)
    end_ms = _ms(request, "end_time", Timestamp.ToMilliseconds, absent=_NEVER_MS)
    if end_ms <= start_ms:
        raise invalid("end_time", "end_time must be later than start_time.")
    return ArmsQuery(
        tenant=request.tenant,
        kind=kind,
        name=request.route or request.experiment,
        start_ms=start_ms,
        end_ms=end_ms,
        measures=tuple(dict.fromkeys(request.measures)),
        attribution_ms=_ms(request, "attribution_window", Duration.ToMilliseconds, absent=ATTRIBUTION_MS),
        covariate_ms=_ms(request, "covariate_window", Duration.ToMilliseconds, absent=0),
        currency=request.currency,
        budget=request.budget,
    )


def answered(arms: tuple[Arm, ...]) -> arms_pb2.SummarizeArmsResponse:
    """The answer as its contract has it."""
    return arms_pb2.SummarizeArmsResponse(arms=[_arm(arm) for arm in arms])


def concerns_contacts(query: ArmsQuery) -> bool:
    """Whether anything is measured of contacts."""
    return "revenue_cents" in query.measures or any(measure in OF_CONTACTS for measure in query.measures)


def measured_of(
    query: ArmsQuery, sums: Mapping[str, Sums], *, ended_ms: int | None, heard_ms: int | None, currency: str
) -> tuple[Measured, ...]:
    """The measures of an arm whose last call ended then, and of whose contacts somebody last told then."""
    return tuple(
        Measured(
            measure,
            sums[measure],
            ended_ms if measure in OF_CALLS else heard_ms,
            currency if measure == "revenue_cents" else "",
        )
        for measure in query.measures
    )


def several_currencies(found: tuple[str, ...]) -> CallEnded:
    """The refusal of sums of several currencies."""
    text = f"Revenue came in {', '.join(found)}: say in currency which of them to sum."
    return CallEnded(
        Reason.ARGUMENT_INVALID,
        text,
        metadata={"field": "currency", "currencies": ", ".join(found)},
        violations=(("currency", text),),
    )


def _arm(arm: Arm) -> arms_pb2.ArmSummary:
    return arms_pb2.ArmSummary(
        arm=arm.name,
        subjects=arm.subjects,
        calls=arm.calls,
        last_call_time=timestamp(arm.last_call_ms),
        subjects_in_several=arm.subjects_in_several,
        calls_without_subject=arm.calls_without_subject,
        measures=[_measured(measured) for measured in arm.measures],
        phases=[arms_pb2.PhaseSubjects(revision=revision, subjects=count) for revision, count in arm.phases],
    )


def _measured(measured: Measured) -> arms_pb2.MeasureSums:
    return arms_pb2.MeasureSums(
        measure=measured.measure,
        **msgspec.structs.asdict(measured.sums),
        last_time=None if measured.last_ms is None else timestamp(measured.last_ms),
        currency=measured.currency,
    )


def _ms(request: arms_pb2.SummarizeArmsRequest, field: str, read: Callable[..., int], *, absent: int) -> int:
    """A time or a window in milliseconds."""
    if not request.HasField(field):  # type: ignore[arg-type]
        return absent
    value = read(getattr(request, field))
    if value < 0 or (field.endswith("_window") and value > LONGEST_MS):
        raise invalid(field, f"{field} must be 0 or more, and a window at most 366 days.")
    return value
