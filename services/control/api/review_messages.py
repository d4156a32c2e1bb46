"""What the operations about reviews are asked with, and what they answer."""

import datetime as dt
from typing import Annotated, Literal

import msgspec

from services.control.reviews.shown import ReviewShown
from services.control.routes import VersionShown
from services.control.times import at
from services.insights.review.agreement import Agreement
from services.reviews.evaluation import Evaluation, Part
from services.reviews.item import Item
from services.reviews.numbers import Attention, Wrong
from services.reviews.rules import ReviewRules
from services.reviews.telling import Told

LabelGiven = Literal["RIGHT", "WRONG_SHOULD_ALLOW", "WRONG_SHOULD_DENY", "UNCLEAR"]
_Name = Annotated[str, msgspec.Meta(pattern=r"^decisions/[0-9a-f]{32}\Z")]


class ReviewsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Decisions to judge."""

    reviews: tuple[ReviewShown, ...]
    next_page_token: str = ""


class NextReview(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to take the next one from."""

    tenant: str = ""
    """Empty: any tenant whose decisions one may judge."""


class NextShown(msgspec.Struct, frozen=True, kw_only=True):
    """The next one."""

    review: ReviewShown | None
    """`null`: there is none that one may judge and nobody else looks at."""


class AnswerReview(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody thinks of a decision."""

    label: LabelGiven
    corrected: Literal["", "ALLOW", "DENY", "HOLD", "DEFER"] = ""
    """The verdict that it should have had. Empty: what follows of the label, DENY where it should not have been
    allowed."""
    text: str = ""
    """Why: up to 1000 characters. Name no customer."""


class FlagDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision that somebody should judge."""

    decision: _Name
    """`decisions/{decision}`."""
    text: str
    """Why: 1 to 1000 characters. The log keeps it, so name no customer."""


class ProbedReview(msgspec.Struct, frozen=True, kw_only=True):
    """A probe that was made of a review."""

    suite: str
    """`probes/{tenant}/reviews`."""
    probe: str
    """What it is called there."""


class KnowDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision whose right answer is known."""

    decision: _Name
    """`decisions/{decision}`."""
    label: LabelGiven
    text: str
    """How one knows: 1 to 1000 characters. The log keeps it, so name no customer."""


class RulesShown(msgspec.Struct, frozen=True, kw_only=True):
    """How a tenant's decisions are reviewed."""

    name: str
    """`review-rules/{tenant}`."""
    rules: ReviewRules
    etag: str


class RateShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many decisions of an agent under a version are wrong."""

    agent: str
    model: str
    """That was asked, or that led to them; empty for none."""
    model_version: str
    decisions: int
    """All that could have been drawn, in hours that are wholly reviewed."""
    reviewed: int
    found: int
    """Wrong ones among the reviewed; no share of all, since risky ones are drawn more often."""
    rate: float | None
    """Of all decisions, estimated; `null` below 10 reviews."""
    low: float | None
    """With 95 % confidence; likewise `high`."""
    high: float | None


class AgreementShown(msgspec.Struct, frozen=True, kw_only=True):
    """How far two who judge the same decision agree."""

    items: int
    share: float | None
    """Of items with the same label."""
    kappa: float | None
    """Cohen's; `null` where both always use one label."""
    low: float
    """With 95 % confidence, all there is below 30 items; likewise `high`."""
    high: float
    adjusted: float | None
    """For prevalence (Byrt, Bishop, Carlin 1993)."""


class PartShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of the decisions that a version led to those of one agent, or all."""

    agent: str
    """Empty: of all agents."""
    decisions: int
    """All that could have been drawn, in hours that are wholly reviewed."""
    reviewed: int
    rate: float | None
    """How many of all decisions are wrong, estimated; `null` below 10 reviews."""
    low: float | None
    """With 95 % confidence; likewise `high`."""
    high: float | None


class EvaluationShown(msgspec.Struct, frozen=True, kw_only=True):
    """What reviewers say of the decisions that a version led to, of the last 28 days."""

    settled: int
    """Decisions that people have judged; those too that were not drawn but flagged."""
    found: int
    """Wrong ones among them; no share of all, since risky ones are drawn more often."""
    all: PartShown
    agents: tuple[PartShown, ...]
    """Those with 10 reviews or more, where several agents act on it."""
    agreement: AgreementShown


class VersionEvaluated(VersionShown, frozen=True, kw_only=True, rename="camel"):
    """One version of a model, and what reviewers say of it."""

    name: str
    """`models/{model}/versions/{version}`."""
    reviews: EvaluationShown


class NumbersShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the reviews of the last 28 days tell."""

    tenant: str
    waiting: int
    overdue: int
    settled: int
    labels: dict[str, int]
    """How often each outcome was come to."""
    agreement: AgreementShown
    all: Attention
    """Of all reviewers together."""
    reviewers: tuple[Attention, ...]
    """Oneself; to who sets the rules of reviews everybody."""
    wrong: tuple[RateShown, ...]
    """By agent and version."""
    hours: int
    """Hours that are wholly reviewed, of `hoursDrawn`."""
    hours_drawn: int


class LabelShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a decision was found to be."""

    decision: str
    """`decisions/{decision}`."""
    agent: str
    model: str
    """That was asked, or that led to it; empty for none."""
    model_version: str
    verdict: str
    label: str
    corrected: str
    """The verdict that it should have had."""
    settle_time: dt.datetime
    chance: float | None
    """With which probability it was drawn; `null`: people have flagged it."""


class LabelsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What decisions were found to be, the last ones first."""

    labels: tuple[LabelShown, ...]
    next_page_token: str = ""


def label_shown(item: Item) -> LabelShown:
    """What a settled item says of its decision."""
    return LabelShown(
        decision=f"decisions/{item.decision}",
        agent=item.agent,
        model=item.model,
        model_version=item.model_version,
        verdict=item.verdict,
        label="" if item.outcome is None else item.outcome.value,
        corrected=item.corrected,
        settle_time=at(item.settled_ms),
        chance=item.chance or None,
    )


def numbers_shown(told: Told, *, to: str, everybody: bool) -> NumbersShown:
    """Them as somebody may see them: how single people look only themselves and who sets the rules."""
    found = told.numbers
    return NumbersShown(
        tenant=told.tenant,
        waiting=told.waiting,
        overdue=told.overdue,
        settled=found.settled,
        labels={label.value: count for label, count in found.labels.items()},
        agreement=_agreement(found.agreement),
        all=found.all,
        reviewers=tuple(each for each in found.each if everybody or each.reviewer == to),
        wrong=tuple(_rate(each) for each in found.wrong),
        hours=found.hours,
        hours_drawn=found.hours_drawn,
    )


def evaluated(version: VersionShown, *, model: str, found: Evaluation) -> VersionEvaluated:
    """A version with what reviewers say of it."""
    return VersionEvaluated(
        **msgspec.structs.asdict(version),
        name=f"models/{model}/versions/{version.version}",
        reviews=EvaluationShown(
            settled=found.settled,
            found=found.found,
            all=_part(found.all),
            agents=tuple(_part(each) for each in found.agents),
            agreement=_agreement(found.agreement),
        ),
    )


def _part(part: Part) -> PartShown:
    rate = part.rate
    return PartShown(
        agent=part.agent,
        decisions=part.decisions,
        reviewed=part.reviewed,
        rate=None if rate is None else rate.value,
        low=None if rate is None else rate.low,
        high=None if rate is None else rate.high,
    )


def _agreement(agreed: Agreement) -> AgreementShown:
    return AgreementShown(
        items=agreed.items,
        share=agreed.share,
        kappa=agreed.kappa,
        low=agreed.low,
        high=agreed.high,
        adjusted=agreed.adjusted,
    )


def _rate(wrong: Wrong) -> RateShown:
    rate = wrong.rate
    return RateShown(
        agent=wrong.agent,
        model=wrong.model,
        model_version=wrong.model_version,
        decisions=wrong.decisions,
        reviewed=wrong.sums.reviewed,
        found=wrong.found,
        rate=None if rate is None else rate.value,
        low=None if rate is None else rate.low,
        high=None if rate is None else rate.high,
    )
