"""What customers did, as it is reported over the wire, checked."""

import re
from collections.abc import Iterator
from typing import Final

from gateway.core.errors import CallEnded, Reason
from gateway.core.limits import MOST
from gateway.core.outcomes import OUTCOME_TYPES, answer_problems, event_of
from gateway.core.record import CustomerOutcome
from pilote.decision.v1 import decision_service_pb2

MOST_OUTCOMES: Final = 1_000
LATEST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999, where protobuf's timestamps end."""


def outcomes_in(
    request: decision_service_pb2.ReportOutcomesRequest, *, reporter: str, now_ms: int, traceparent: str = ""
) -> tuple[CustomerOutcome, ...]:
    """What is reported, in that span; an outcome without a time happened now.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming every field that cannot be taken; then none of them is.
    """
    problems = []
    if len(request.outcomes) > MOST_OUTCOMES:
        problems.append(("outcomes", f"at most {MOST_OUTCOMES} are taken at once"))
    for index, outcome in enumerate(request.outcomes[:MOST_OUTCOMES]):
        problems += [(f"outcomes[{index}].{field}", text) for field, text in _outcome_problems(outcome)]
    if problems:
        raise CallEnded(
            Reason.ARGUMENT_INVALID,
            f"{problems[0][0]}: {problems[0][1]}.",
            metadata={"field": problems[0][0]},
            violations=tuple(problems[:100]),
        )
    return tuple(
        CustomerOutcome(
            decision=outcome.decision.removeprefix("decisions/"),
            type=outcome.type,
            occurred_ms=outcome.occur_time.ToMilliseconds() if outcome.HasField("occur_time") else now_ms,
            reported_ms=now_ms,
            reporter=reporter,
            revenue_cents=outcome.revenue_cents,
            currency=outcome.currency_code,
            event=event_of(outcome.event_id, question=outcome.question),
            traceparent=traceparent,
            question=outcome.question,
            answer=outcome.answer,
        )
        for outcome in request.outcomes
    )


def _outcome_problems(outcome: decision_service_pb2.Outcome) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(r"decisions/[0-9a-f]{32}", outcome.decision):
        yield "decision", "must be the name of a decision, decisions/ and 32 hexadecimal digits"
    if outcome.type not in OUTCOME_TYPES:
        yield "type", f"must be one of {', '.join(sorted(OUTCOME_TYPES))}"
    else:
        yield from answer_problems(outcome.type, question=outcome.question, answer=outcome.answer)
    if not re.fullmatch(r"[!-~]{0,128}", outcome.event_id):
        yield "event_id", "must be at most 128 visible ASCII characters"
    if not 0 <= outcome.occur_time.ToMilliseconds() <= LATEST_MS:
        yield "occur_time", "must be a time from 1970 to 9999"
    if abs(outcome.revenue_cents) > MOST:
        yield "revenue_cents", f"must be at most {MOST}, or at least -{MOST}"
    if outcome.revenue_cents and not re.fullmatch(r"[A-Z]{3}", outcome.currency_code):
        yield "currency_code", "must be three capital letters where there is revenue"
