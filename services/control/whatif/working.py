"""The job that tries policies on recorded calls, as its process does it: one, or two side by side.

It is the backtest, run once for each policy over the very same calls; what that means for customers is added up from
what the backtest says of each call.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.core.converting import rates_of
from gateway.core.policy.reporting import Reporting
from services.commands.planning import as_applied
from services.commands.simulating import Simulated, Span
from services.control.drafts.edits import Edit
from services.control.drafts.working import Asked, Sources, backtest_told, backtested, policies, span_asked
from services.control.jobs import Progress
from services.control.whatif.telling import arms_told, figures
from services.insights.whatif.trial import Trial
from services.insights.whatif.weighing import weighed

ALPHA = 0.05


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A policy to try."""

    about: str
    """Where it comes from: "policy-drafts/{draft}" or "revisions/{number}"."""
    text: str
    """With the edits made."""
    edits: tuple[Edit, ...] = ()


class Trying(msgspec.Struct, frozen=True, kw_only=True):
    """Which policies, over which calls."""

    tried: tuple[Tried, ...]
    """One or two."""
    span_ms: int
    now_ms: int
    most: int = 0
    tenant: str = ""


def what_if(sources: Sources, trying: Trying, progress: Progress) -> bytes:
    """What recorded calls would have come to under each of the policies, and how these differ: as JSON.

    Raises:
        JobFailed: a policy has mistakes, or nobody answers.
    """
    begun = time.perf_counter()
    asked = [_asked(trying, each) for each in trying.tried]
    loaded = [policies(sources, each) for each in asked]
    active = loaded[0][1]
    reporting = (loaded[0][0] if active is None else active).document.reporting
    span = span_asked(sources, asked[0])
    persons: dict[str, int] = {}
    found: list[Simulated] = []
    for place, (each, (new, _)) in enumerate(zip(asked, loaded, strict=True)):
        found.append(
            backtested(
                sources,
                each,
                as_applied(new, active),
                span=span,
                progress=_part(progress, place, len(asked)),
                trial=lambda: _trial(reporting, persons),
            )
        )
    return msgspec.json.encode(_told(trying, found, span, reporting, begun))


def _asked(trying: Trying, tried: Tried) -> Asked:
    return Asked(text=tried.text, span_ms=trying.span_ms, now_ms=trying.now_ms, most=trying.most, tenant=trying.tenant)


def _trial(reporting: Reporting, persons: dict[str, int]) -> Trial:
    return Trial(rates=rates_of(reporting), persons=persons)


def _part(progress: Progress, place: int, parts: int) -> Callable[[int, int], None]:
    return lambda done, total: progress(place * total + done, parts * total)


def _told(trying: Trying, found: list[Simulated], span: Span, reporting: Reporting, begun: float) -> dict[str, Any]:
    weights = [weighed(each.contacts, alpha=ALPHA) if each.contacts is not None else None for each in found]
    return {
        "startMs": found[0].forecast_start_ms,
        "endMs": span.end_ms,
        "currency": reporting.currency,
        "counted": all(each.counted for each in found),
        "figures": figures(weights, alpha=ALPHA),
        "tried": [
            {
                "about": tried.about,
                "edits": tried.edits,
                "arms": [] if each.contacts is None else arms_told(each.contacts, alpha=ALPHA),
                **backtest_told(each, begun),
            }
            for tried, each in zip(trying.tried, found, strict=True)
        ],
    }
