"""Test & learn: experiments, who is held out, and rollouts of a candidate step by step."""

from typing import Annotated, Any, Final, Literal, get_args

import msgspec

from gateway.core.call import Operation
from gateway.core.policy.vocabulary import BasisPoints, Count, Duration, Expression, Name, Part, Text

Measure = Literal[
    "error_rate", "latency_ms", "refusal_rate", "complaint_rate", "opt_out_rate", "bounce_rate", "delivery_rate",
    "open_rate", "click_rate", "reply_rate", "conversion_rate", "revenue_cents", "cost",
]  # fmt: skip
"""What can be measured of an arm. Rates are shares of 0 to 1: the first and third of calls, the others of contacts that
follow from the arm's calls. Revenue and cost are means per subject, in whole units; latency is a mean per call."""

HARMFUL: Final = frozenset(
    {"error_rate", "latency_ms", "refusal_rate", "complaint_rate", "opt_out_rate", "bounce_rate", "cost"}
)
"""Measures of which less is better."""

SHARES: Final = frozenset(name for name in get_args(Measure) if name.endswith("_rate"))
"""Measures that count events among calls or contacts, so lie between 0 and 1."""


class ExperimentArm(Part, frozen=True, kw_only=True):
    """One variation. The first of an experiment is what the others are compared with."""

    name: Name
    weight: BasisPoints
    """Share of the experiment's subjects; the weights of an experiment add up to 10,000."""
    arm: Name | None = None
    """The route's arm that its calls take; null: the one that they would take without the experiment."""
    value: Any = None
    """What feature flags evaluate to: JSON. null: the variation's name."""


class Experiment(Part, frozen=True, kw_only=True):
    """Who gets which variation, decided by the hash of the subject alone, so the same everywhere and for ever.

    A subject is in it where its place in the layer is within `first` to `last`, and its place in the experiment within
    its variation's part of `coverage`. As coverage grows nobody changes the variation.
    """

    name: Name
    hypothesis: str = ""
    state: Literal["running", "stopped"] = "running"
    """"stopped": nobody is exposed any more; its assignments can still be read."""
    layer: Name | None = None
    """Experiments of one layer share no subject; those of different ones are independent. null: a layer of its own. The
    place in a layer is hashed with the seed "layer:" and its name."""
    first: BasisPoints = 0
    last: BasisPoints = 10_000
    """The layer's slots that belong to it, `last` not included."""
    methods: tuple[Text, ...] = ()
    operations: tuple[Operation, ...] = ()
    """Which calls expose a subject; both empty: those of `route`, or with no route none (then only flags are read).
    With a route too, the arm is chosen there, and these calls expose, whatever route they take."""
    route: Name | None = None
    when: Expression | None = None
    """CEL over `request`, `agent`, `call` and `facts`: which of these calls count; null: all."""
    unit: Literal["subject", "session"] = "subject"
    seed: str = ""
    """Seed of the assignment; empty: the experiment's name."""
    coverage: BasisPoints = 10_000
    arms: tuple[ExperimentArm, ...]
    measures: tuple[Measure, ...] = ()
    min_sample: Count = 1000
    """Subjects in each variation before anything is said of a difference."""
    alpha: Annotated[float, msgspec.Meta(gt=0, lt=0.5)] = 0.05


class Holdout(Part, frozen=True, kw_only=True):
    """Customers whom no agent may contact, so that it can be measured what all contacts together bring."""

    name: Name
    share: BasisPoints
    seed: str = ""
    """Seed of the choice; empty: the holdout's name."""
    categories: tuple[Name, ...] = ()
    """Categories of contacts that are refused; empty: all but the exempt ones."""
    exempt: tuple[Name, ...] = ("transactional", "legal")
    channels: tuple[Name, ...] = ()
    """Channels that are refused; empty: all."""


RolloutState = Literal["pending", "ready", "running", "paused", "completed", "rolled_back"]
""""pending": not begun. "ready": the step is done, and somebody must let it go on. "paused": the candidate serves its
share, and nothing moves until somebody resumes it. "completed": the candidate serves all. "rolled_back": it serves
nobody."""

RolloutCause = Literal[
    "", "started", "proven", "waits_for_approval", "approved", "finished", "harm", "mismatch", "stale", "paused",
    "resumed", "aborted",
]  # fmt: skip
"""Why a rollout stands where it stands; empty as long as it has never moved. `gateway.core.rollouts` has the words."""


class Guardrail(Part, frozen=True, kw_only=True):
    """A harm that ends the rollout: the measure of the candidate is proven to be worse by more than `margin`."""

    measure: Measure
    margin: Annotated[float, msgspec.Meta(ge=0, le=1_000_000_000)] = 0.0
    """In the measure's own unit, or with `relative` as a share of what is measured of the other arm."""
    relative: bool = False


class Success(Guardrail, frozen=True, kw_only=True):
    """What must be proven of the candidate before it goes further: that it is not worse by more than `margin`."""


LEAST_SAMPLE: Final = 500
"""Subjects in each arm before anything is proven for a candidate: from there on it was measured what the statistics
promise."""


class RolloutStep(Part, frozen=True, kw_only=True):
    """A share of the route's subjects that the candidate serves, and what must be there before the next step."""

    share: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    hold: Duration = "1h"
    """Shortest time on this step."""
    min_sample: Count = 1000
    """Fewest subjects of the candidate on this step."""
    approval: bool = False
    """Whether somebody must let it go on to the next step."""


class Rollout(Part, frozen=True, kw_only=True):
    """A candidate that takes over a route step by step. The controller moves it, each time by a new revision.

    Guardrails roll it back. It goes on only where every `success` is proven not to be worse; what is neither proven nor
    refuted waits. Where a measure stops coming it pauses.
    """

    name: Name
    route: Name
    arm: Name
    """The candidate: an arm of the route, whose weight is 0 until the rollout is completed."""
    against: Name
    """The arm that it is compared with."""
    seed: str = ""
    """Seed of the choice of subjects; empty: the rollout's name."""
    steps: tuple[RolloutStep, ...] = tuple(RolloutStep(share=share) for share in (100, 500, 2_500, 5_000, 10_000))
    """At most 100."""
    guardrails: tuple[Guardrail, ...] = ()
    success: tuple[Success, ...] = ()
    alpha: Annotated[float, msgspec.Meta(gt=0, lt=0.5)] = 0.05
    currency: Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{3})?\Z")] = ""
    """Which revenue is measured, three capital letters; empty: the one there is."""
    budget: Name | None = None
    """Whose amounts "cost" sums; null: those of all budgets, which means something where their units are the same."""
    stale_after: Duration = "30m"
    """A measure that nothing has been heard of for so long, while calls came, pauses the rollout."""
    state: RolloutState = "pending"
    step: Annotated[int, msgspec.Meta(ge=0, le=99)] = 0
    """The current step, from 0."""
    since_ms: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Since when what is measured counts for this step, or when it was completed or rolled back: milliseconds since the
    epoch. Becoming ready or paused leaves it; resuming begins anew."""
    cause: RolloutCause = ""
    about: tuple[Measure, ...] = ()
    """The measures that the cause is about."""
    reason: str = ""
    """The same in words: the controller's, or those of whoever moved it."""

    @property
    def share(self) -> int:
        """Basis points of the route's subjects that the candidate serves now."""
        if self.state in ("pending", "rolled_back"):
            return 0
        return 10_000 if self.state == "completed" else self.steps[self.step].share
