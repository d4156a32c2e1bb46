"""How a tenant's decisions are reviewed: how many, by how many people, by when, and what is too bad. Pure."""

from typing import Annotated, Final

import msgspec

MOST_PER_HOUR: Final = 500
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ReviewRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The rules of one tenant. Rates are probabilities, 0 to 1; of several that concern a decision the largest counts.

    With a `random` rate of 0 none is drawn, and only what people flag is reviewed.
    """

    random: _Share = 0.0
    """Of any decision."""
    risk: _Share = 0.0
    """Of a decision of the highest risk; in proportion below it."""
    disagreement: _Share = 0.0
    """Of a decision whose shadow said something else."""
    known: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.1
    """For each decision that is drawn, the probability that one whose answer is known joins it; up to 0.5."""
    most_per_hour: Annotated[int, msgspec.Meta(ge=1, le=MOST_PER_HOUR)] = 20
    """About so many are drawn of an hour at most: of busier hours all probabilities are less, 1 to 500."""
    reviewers: Annotated[int, msgspec.Meta(ge=1, le=2)] = 2
    """How many judge a decision, 1 or 2. With 1 nothing is known of their agreement."""
    due_hours: Annotated[int, msgspec.Meta(ge=1, le=720)] = 72
    """By when a decision should be settled, from when it joins the queue, 1 to 720."""
    least_kappa: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.4
    """Agreement of reviewers surely below it becomes a finding: Cohen's kappa, 0 to 1."""
    least_caught: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.8
    """A reviewer who surely notices fewer of the wrong decisions that are known becomes a finding; between 0 and 1."""
    most_wrong: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.05
    """A share of wrong decisions surely above it becomes a finding, of each agent and version; between 0 and 1."""


OFF: Final = ReviewRules()
"""Where nobody has said anything: nothing is drawn."""
