"""What is known of an experiment, as tables and sentences for people."""

from gateway.core.texts import day
from services.commands.experiment_texts import say
from services.insights.mismatch import ALARM_P, SEVERAL_SHARE, PhaseFinding, Ratio
from services.insights.report import Line, Report
from services.insights.verdicts import Verdict
from services.tables import Figures, Rows


class Words:
    """Puts a report into one language."""

    def __init__(self, report: Report, *, language: str) -> None:
        self._report = report
        self._language = language
        currency = next((arm.currency for arm in report.arms.values() if arm.currency), "")
        self._figures = Figures(language=language, currency=currency)

    def title(self, since_ms: int) -> str:
        """Which experiment this is, and since when it is looked at."""
        experiment = self._report.experiment
        named = {"name": experiment.name, "state": self._say(experiment.state)}
        if not since_ms:
            return self._say("title-all", **named)
        return self._say("title", **named, since=day(since_ms, language=self._language))

    def arms(self) -> Rows:
        """A row for each variation, below the names of the columns."""
        weights = {arm.name: arm.weight for arm in self._report.experiment.arms}
        return (
            tuple(self._say("arm-columns").split("|")),
            *(
                (
                    name,
                    self._figures.percent(weights[name] / 10_000, 0 if weights[name] % 100 == 0 else 2),
                    *(str(each) for each in (arm.subjects, arm.calls, arm.several, arm.calls_without_subject)),
                )
                for name, arm in self._report.arms.items()
            ),
        )

    def lines(self) -> Rows:
        """A row for each measure of each variation, below the names of the columns."""
        control = next(iter(self._report.arms), "")
        columns = tuple(self._say("line-columns", control=control).split("|"))
        return (columns, *(self._line(each) for each in self._report.lines))

    def sentences(self) -> tuple[str, ...]:
        """What to know about the tables: how sure they are, and whether the assignment was right."""
        report, found = self._report, []
        if report.lines:
            found.append(self._say("certainty", share=self._figures.percent(1 - report.experiment.alpha, 0)))
        else:
            found.append(self._say("no-measures"))
        mismatch = report.mismatch
        found += [self._phase(each) for each in mismatch.phases]
        if mismatch.p_value < ALARM_P and not any(each.ratio is Ratio.MISMATCH for each in mismatch.phases):
            found.append(self._say("ratio-together", p=self._figures.p_value(mismatch.p_value)))
        if mismatch.stray_share > 0:
            found.append(self._say("stray", share=self._figures.percent(mismatch.stray_share, 2)))
        if len(mismatch.phases) > 1:
            found.append(self._say("phases"))
        if report.unknown:
            found.append(self._say("unknown-revisions", count=report.unknown))
        if report.crossing.several:
            key = "crossing-many" if report.crossing.share > SEVERAL_SHARE else "crossing"
            share = self._figures.percent(report.crossing.share, 2)
            found.append(self._say(key, count=report.crossing.several, share=share))
        return tuple(found)

    def _line(self, line: Line) -> tuple[str, ...]:
        compared = line.compared
        if compared.treatment is None or compared.control is None:
            return line.measure, line.variation, "-", "-", "-", "-", self._say("nothing-measured"), "-"
        difference = lift = "-"
        if compared.difference and line.difference:
            difference = self._figures.interval(line.difference, compared.difference.value, line.measure)
        if compared.lift and line.lift:
            lift = self._figures.interval(line.lift, compared.lift.value, None)
        return (
            line.measure,
            line.variation,
            self._figures.value(compared.control, line.measure),
            self._figures.value(compared.treatment, line.measure),
            difference,
            lift,
            self._verdict(line),
            self._figures.percent(compared.variance_reduction, 0) if compared.variance_reduction else "-",
        )

    def _verdict(self, line: Line) -> str:
        few = min(line.compared.treatment_subjects, line.compared.control_subjects)
        values = {"few": few, "wanted": line.compared.min_sample} if line.verdict is Verdict.TOO_FEW else {}
        return self._say(line.verdict, **values)

    def _phase(self, phase: PhaseFinding) -> str:
        if phase.ratio is Ratio.TOO_FEW:
            return self._say("ratio-few", name=phase.name)
        if phase.ratio is Ratio.FINE:
            return self._say("ratio-fine", name=phase.name, p=self._figures.p_value(phase.p_value))
        counted = ", ".join(f"{arm} {phase.counted[arm]}" for arm in phase.expected)
        expected = ", ".join(f"{arm} {round(each)}" for arm, each in phase.expected.items())
        return self._say(
            "ratio-mismatch",
            name=phase.name,
            counted=counted,
            expected=expected,
            p=self._figures.p_value(phase.p_value),
        )

    def _say(self, key: str, **values: object) -> str:
        return say(key, language=self._language, **values)
