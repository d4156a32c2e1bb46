"""What customers do after contacts: which kinds of it there are, and what an answer to a survey may be. Pure.

Answers are words or whole numbers that a policy or an agent names, never free text: what people write about
themselves would be personal, and nobody could count it.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal, get_args

OutcomeType = Literal[
    "delivered", "opened", "clicked", "replied", "converted", "unsubscribed", "complained", "bounced", "answered"
]
OUTCOME_TYPES: Final[tuple[str, ...]] = get_args(OutcomeType)
ANSWERED: Final = "answered"
"""The kind that has a question and an answer."""
WORD: Final = r"^[a-z][a-z0-9_.-]{0,62}\Z"
"""What questions are named by, and answers that are no numbers."""
LARGEST: Final = 1_000
NPS: Final = "nps"
"""The question whose answers, 0 to 10, make the Net Promoter Score."""
PRESSURE: Final = "pressure"
"""The question how much somebody feels contacted: « beaucoup trop », « un peu trop » or « pas sollicité »."""
PRESSURE_ANSWERS: Final = ("much_too_much", "a_bit_too_much", "not_solicited")
"""Its answers; other words are answers, too, of which no number is told."""
_WORD: Final = re.compile(WORD)
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,3})\Z")


def is_answer(text: str) -> bool:
    """Whether it is a word, or a whole number from -`LARGEST` to `LARGEST`."""
    return _WORD.match(text) is not None or (_NUMBER.match(text) is not None and abs(int(text)) <= LARGEST)


def answer_problems(kind: str, *, question: str, answer: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a question and an answer of an outcome of that kind: field and text."""
    if kind != ANSWERED:
        if question or answer:
            yield "question" if question else "answer", f"must be empty, unless the type is {ANSWERED}"
        return
    if not _WORD.match(question):
        yield "question", 'must be a word of at most 63 of a-z, 0-9, "_", "-" and ".", such as nps'
    if not is_answer(answer):
        yield "answer", f"must be such a word, or a whole number from -{LARGEST} to {LARGEST}; never free text"


def nps_score(answer: str) -> int | None:
    """An answer to `NPS` as a number from 0 to 10; `None` for what is none."""
    return int(answer) if _NUMBER.match(answer) and 0 <= int(answer) <= 10 else None


def event_of(event: str, *, question: str) -> str:
    """The id under which an outcome is kept once: one survey asks several questions, each of which has an answer."""
    return f"{question}:{event}" if question else event
