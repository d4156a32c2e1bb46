"""Who is contacted too much or never, as the workbench may have worked it out."""

from typing import Any

from services.findings.targeting import Targeting, TargetingCause, TargetingSkew

DAY_MS = 86_400_000


def skew(
    segment: str, question: str, *, standing: str = "NOT_PROVEN", cause: TargetingCause | None = None
) -> TargetingSkew:
    """A segment whose customers are twice as often among those who are meant."""
    return TargetingSkew(
        segment=segment, question=question, events=20, people=100, other_events=30, other_people=300, ratio=2.0,
        ratio_low=1.25, ratio_high=3.5, level=0.9875, p_value=0.001, standing=standing, ceiling=4, cause=cause,
    )  # fmt: skip


def targeting(tenant: str = "acme") -> Targeting:
    """Gold customers get too much, those of the country nothing for a cap, those of the coast for a rule."""
    share: dict[str, Any] = {"share": 0.8, "share_low": 0.6, "share_high": 0.9}
    return Targeting(
        tenant=tenant,
        start_ms=365 * DAY_MS,
        end_ms=393 * DAY_MS,
        people=400,
        skews=(
            skew("gold", "much", standing="MORE",
                 cause=TargetingCause(agent="loud-bot", campaign="spring", part=80, whole=100, **share)),
            skew("country", "never", standing="MORE",
                 cause=TargetingCause(reason="CAP_EXCEEDED", rule="pressure", part=16, whole=20)),
            skew("coast", "never", standing="MORE",
                 cause=TargetingCause(reason="POLICY_DENIED", rule="no-coast", part=16, whole=20, **share)),
            skew("islands", "never", standing="MORE",
                 cause=TargetingCause(reason="CONSENT_MISSING", rule="opt-in", part=16, whole=20, **share)),
            skew("gold", "never"),
            skew("few", "much", standing="TOO_FEW"),
        ),
    )  # fmt: skip
