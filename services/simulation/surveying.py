"""Surveys: each customer is asked once a quarter, and some answer. What is true of those who are asked is added up."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from gateway.core.outcomes import ANSWERED
from gateway.core.record import CustomerOutcome
from services.simulation.chance import normal, uniform
from services.simulation.ledger import Surveyed
from services.simulation.living import Lives
from services.simulation.plan import Plan
from services.simulation.truths import NPS, PRESSURE, feelings, feels, promoters, recommends


class Surveys:
    """When everybody is asked, and what they answer."""

    def __init__(self, plan: Plan, people: int) -> None:
        self._plan: Final = plan
        first = min(plan.truths.days_to_survey, plan.days - 1)
        self._days = first + np.floor(uniform(plan.seed, "survey", people) * (plan.days - first)).astype(np.int64)
        self._answers = uniform(plan.seed, "answers", people)
        self._luck = normal(plan.seed, "felt", (2, people))

    def on(self, day: int) -> list[int]:
        """Who is asked on that day."""
        found: list[int] = np.flatnonzero(self._days == day).tolist()
        return found

    def ask(
        self, person: int, decision: str, *, at_ms: int, lives: Lives, known: Surveyed
    ) -> Iterator[CustomerOutcome]:
        """Ask somebody about the contact `decision`; `known` is told what is true of them."""
        truths = self._plan.truths
        fatigue, likes = float(lives.fatigue[person]), float(lives.hidden.likes[person])
        known.ask(promoters(truths, likes, fatigue=fatigue), feelings(truths, fatigue))
        if self._answers[person] >= truths.answers:
            return
        luck = self._luck[:, person].tolist()
        for question, answer in (
            (NPS, str(recommends(truths, likes, fatigue=fatigue, luck=luck[0]))),
            (PRESSURE, feels(truths, fatigue, luck=luck[1])),
        ):
            yield self._plan.told(decision, ANSWERED, at_ms, question=question, answer=answer, event=f"survey-{person}")
