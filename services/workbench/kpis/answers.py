"""Answers to surveys, of which a customer has one in a while: what is answered again is not counted again.

A second answer of the same customer to the same question within `SURVEY_DAYS` of one that counts is ignored, however it
came (another event, another source, another contact). The first one counts: a form that is sent twice, or that somebody
comes back to until it is as they want it, changes nothing. All of them stay in the log.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from gateway.core.outcomes import NPS, PRESSURE, nps_score
from services.cockpit.days import DAY_MS, FOLLOW_DAYS
from services.insights.kpis.nps import DETRACTOR, PROMOTER
from services.workbench.columns.database import Desk

SURVEY_DAYS: Final = 28
_SAID: Final = f"""SELECT CAST(followed.id AS VARCHAR) AS id, CAST(subject AS VARCHAR) AS subject, question, answer,
  followed.at_ms AS at_ms FROM followed JOIN admitted ON admitted.id = followed.id
 WHERE followed.tenant = $tenant AND admitted.tenant = $tenant AND type = 'answered'
  AND question IN ('{NPS}', '{PRESSURE}') AND operation = 'CONTACT' AND subject IS NOT NULL
  AND followed.at_ms - admitted.at_ms BETWEEN 0 AND {FOLLOW_DAYS * DAY_MS - 1}
 ORDER BY followed.at_ms, followed.leaf"""  # noqa: S608 - our own texts
_COUNTED: Final = """SELECT key, day, question, answer, count(*) AS n FROM answers JOIN keyed USING (id)
 WHERE day >= $start GROUP BY ALL"""


def listen(ask: Desk, tenant: str) -> None:
    """Make the table `answers`, of those that count, as what they count as."""
    found = ask(_SAID, {"tenant": tenant})
    last: dict[tuple[str, str], int] = {}
    ids, questions, answers = [], [], []
    for decision, subject, question, answer, at_ms in zip(
        *(found[name].tolist() for name in ("id", "subject", "question", "answer", "at_ms")), strict=True
    ):
        means = answer if question == PRESSURE else _kind(answer)
        before = last.get((subject, question))
        if not means or (before is not None and at_ms - before < SURVEY_DAYS * DAY_MS):
            continue
        last[subject, question] = at_ms
        ids.append(decision)
        questions.append(question)
        answers.append(means)
    made = "CREATE OR REPLACE TEMP TABLE answers AS SELECT CAST(id AS UUID) AS id, question, answer FROM batch"
    if not ids:
        ask("CREATE OR REPLACE TEMP TABLE answers (id UUID, question VARCHAR, answer VARCHAR)")
        return
    columns = {"id": ids, "question": questions, "answer": answers}
    ask(made, beside={"batch": {name: np.array(each, dtype=object) for name, each in columns.items()}})


def answers(ask: Desk, *, start_day: int) -> Iterator[tuple[str, int, str, str, int]]:
    """Key, day of the contact, question, answer and how many."""
    found = ask(_COUNTED, {"start": start_day})
    yield from zip(*(found[name].tolist() for name in ("key", "day", "question", "answer", "n")), strict=True)


PROMOTERS: Final = "promoter"
DETRACTORS: Final = "detractor"
PASSIVES: Final = "passive"


def _kind(answer: str) -> str:
    """What an answer from 0 to 10 counts as; empty for what is none."""
    score = nps_score(answer)
    if score is None:
        return ""
    return PROMOTERS if score >= PROMOTER else DETRACTORS if score <= DETRACTOR else PASSIVES
