"""Numbers of a digest in words, in one language. Pure."""

from gateway.core.texts import day
from services.cockpit import wording
from services.cockpit.measures import BY_NAME
from services.digest.lines import Line
from services.digest.texts import say
from services.digest.told import Goal, Told
from services.findings import wording as findings_wording
from services.insights.kpis.figures import Figure

NOTHING = "\N{EN DASH}"


class Words:
    """Says what a digest has."""

    def __init__(self, told: Told, language: str) -> None:
        self.told = told
        self.language = language

    def say(self, key: str, **values: object) -> str:
        """A text."""
        return say(key, language=self.language, **values)

    def number(self, value: float) -> str:
        """With three digits that count."""
        return findings_wording.number(value, language=self.language)

    def percent(self, share: float) -> str:
        """A share of 1."""
        return findings_wording.percent(share, language=self.language)

    def day(self, at_ms: int) -> str:
        """A date."""
        return day(at_ms, language=self.language)

    def kpi(self, name: str) -> str:
        """A KPI as it is called."""
        return wording.say(f"kpi-{name}", language=self.language)

    def value(self, name: str, value: float) -> str:
        """In its unit; money in whole ones."""
        if BY_NAME[name].unit == "money":
            return self.money(value)
        return wording.value_of(name, value, currency=self.told.currency, language=self.language)

    def money(self, cents: float) -> str:
        """Whole units are enough at a glance."""
        return f"{self.number(round(cents / 100))}\N{NO-BREAK SPACE}{self.told.currency}"

    def figure(self, name: str, figure: Figure) -> str:
        """A KPI with its interval, or that there are too few."""
        if figure.value is None or figure.low is None:
            return wording.say("kpi-insufficient", n=self.number(figure.n), language=self.language)
        value, low = self.value(name, figure.value), self.value(name, figure.low)
        if figure.high is None:
            return self.say("value-least", value=value, low=low)
        return self.say("value", value=value, low=low, high=self.value(name, figure.high))

    def called(self, line: Line) -> str:
        """What is proven of it."""
        if line.difference is None or line.called not in {"more", "less"}:
            return self.say(f"called-{line.called}")
        by = abs(line.difference.value)
        if BY_NAME[line.kpi].unit == "share":
            told = self.say("points", by=self.number(by * 100))
        else:
            told = self.value(line.kpi, by)
        return self.say(f"called-{line.called}", by=told)

    def goal(self, goal: Goal) -> str:
        """An objective as people call it."""
        return goal.title.get(self.language) or goal.name

    def amount(self, goal: Goal, value: float) -> str:
        """A value of an objective's KPI."""
        return self.measured(goal.kpi, value)

    def measured(self, measure: str, value: float) -> str:
        """A value of a KPI, guardrail or budget."""
        return findings_wording.amount(value, measure=measure, currency=self.told.currency, language=self.language)
