"""What a digest says is to be done next: each a sentence that follows from what it has told. Pure."""

from collections.abc import Iterator
from typing import Final

from services.digest.goals import at_risk
from services.digest.lines import Line, proven
from services.digest.words import Words
from services.findings.objectives import named
from services.findings.wording import title

MOST: Final = 6
_WORSE: Final = {"pressure_much_too_much": "next-felt", "departure_rate": "next-left"}


def steps(words: Words) -> tuple[str, ...]:
    """At most `MOST`, the most urgent first."""
    found = list(_steps(words))[:MOST]
    return tuple(found) or (words.say("next-none"),)


def _steps(words: Words) -> Iterator[str]:
    told = words.told
    for goal, risk in at_risk(told.goals):
        name = words.goal(goal)
        if risk.part == "budget" and risk.runs_out_ms:
            yield words.say("next-budget", goal=name, day=words.day(risk.runs_out_ms))
        else:
            yield words.say("next-risk", goal=name, measure=named(risk.measure, language=words.language))
    worse: dict[str, Line] = {each.kpi: each for each in proven(told) if each.good is False}
    yield from (words.say(key) for kpi, key in _WORSE.items() if kpi in worse)
    for ruled in told.rules:
        blocked, protected = ruled.blocked, ruled.protected
        if blocked.low is not None and protected.high is not None and blocked.low > protected.high:
            yield words.say("next-blocked", rule=ruled.rule)
    yield from (words.say("next-finding", title=title(each, language=words.language)) for each in told.findings[:2])
    incremental = told.settled.figures.get("incremental_revenue_cents")
    if told.settled.contacts and (incremental is None or incremental.value is None):
        yield words.say("next-holdout")
