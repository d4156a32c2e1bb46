"""One look at one rollout: what its step has shown, and what follows from that."""

from collections.abc import Callable
from typing import Literal

import grpc
import msgspec

from gateway.core.policy.learning import Rollout
from gateway.core.rollout_texts import cause_of
from gateway.core.rollouts import SERVING, Wait, decide
from services.arm_sums import SumsWrong
from services.rollouts.counting import Counting
from services.rollouts.judging import Judged

Problem = Literal["", "silent", "refused", "impossible"]
"""The audit service does not answer, or refuses the question, or what it answers cannot be."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a rollout stands."""

    rollout: Rollout
    wait: Wait | None = None
    """What it waits for."""
    due: Rollout | None = None
    """The rollout as it must be now, where it waits for nothing."""
    judged: Judged | None = None
    """What is proven of its step; None where nobody is served, or it could not be asked."""
    problem: Problem = ""
    """Why it could not be asked."""
    detail: str = ""
    """What the audit service said of it."""


async def look_at(rollout: Rollout, counting: Counting, *, number: int, clock_ms: Callable[[], int]) -> Standing:
    """Where it stands under revision `number`. Where nothing can be asked of its arms, it waits.

    Raises:
        RedisError, OSError: the store does not answer.
    """
    judged: Judged | None = None
    problem: Problem = ""
    detail = ""
    if rollout.state in SERVING:
        try:
            judged = await counting.judged(rollout, number=number, now_ms=clock_ms())
        except grpc.aio.AioRpcError as error:
            refused = error.code() is grpc.StatusCode.INVALID_ARGUMENT
            problem = "refused" if refused else "silent"
            detail = (error.details() or "") if refused else error.code().name  # gRPC's own words name hosts
        except SumsWrong as wrong:
            problem, detail = "impossible", str(wrong)
    # Counting takes its time, and the next step begins when it is published.
    found = decide(rollout, judged.evidence if judged else None, now_ms=clock_ms())
    if isinstance(found, Wait):
        return Standing(rollout=rollout, wait=found, judged=judged, problem=problem, detail=detail)
    return Standing(rollout=rollout, due=msgspec.structs.replace(found, reason=cause_of(found)), judged=judged)
