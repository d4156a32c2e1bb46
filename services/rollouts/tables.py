"""Where rollouts stand, as tables and sentences for people."""

import datetime as dt
from collections.abc import Sequence

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.learning import Rollout
from gateway.core.rollout_texts import cause_of, state_of, wait_of
from gateway.core.rollouts import SERVING, compares
from services.insights.ratios import MISMATCH_P
from services.rollouts.judging import Judged, Line, Proof
from services.rollouts.looking import Standing
from services.rollouts.texts import say
from services.tables import Figures, Rows


class Words:
    """Puts rollouts into one language."""

    def __init__(self, *, language: str) -> None:
        self._language = language
        self._figures = Figures(language=language)

    def list(self, rollouts: Sequence[Rollout]) -> Rows:
        """A row for each, below the names of the columns."""
        return (tuple(self._say("list-columns").split("|")), *(self._row(each) for each in rollouts))

    def share(self, rollout: Rollout) -> str:
        """The share that the candidate serves."""
        return self._figures.percent(rollout.share / BASIS_POINTS, 0 if rollout.share % 100 == 0 else 2)

    def unsettled(self, rollouts: Sequence[Rollout]) -> tuple[str, ...]:
        """A sentence for each rollout whose candidate serves people, and that is not over."""
        return tuple(
            self._say("unsettled", **self._named(each), why=cause_of(each, language=self._language))
            for each in rollouts
            if each.state in SERVING
        )

    def title(self, rollout: Rollout) -> str:
        """Which rollout this is, and where it stands."""
        if rollout.state not in SERVING:
            return self._say("title-still", **self._named(rollout))
        return self._say(
            "title",
            **self._named(rollout),
            step=rollout.step + 1,
            steps=len(rollout.steps),
            since=_time(rollout.since_ms),
        )

    def done(self, rollout: Rollout, number: int) -> str:
        """That it was moved."""
        return self._say("done", number=number, **self._named(rollout))

    def arms(self, judged: Judged) -> Rows:
        """What was counted of both arms."""
        return (
            tuple(self._say("arm-columns").split("|")),
            *(
                (name, *(str(each) for each in (arm.subjects, arm.calls, arm.several, arm.calls_without_subject)))
                for name, arm in judged.arms.items()
            ),
        )

    def lines(self, rollout: Rollout, judged: Judged) -> Rows:
        """A row for each guardrail and success, below the names of the columns."""
        columns = tuple(self._say("line-columns", arm=rollout.arm, against=rollout.against).split("|"))
        currency = next((arm.currency for arm in judged.arms.values() if arm.currency), "")
        figures = Figures(language=self._language, currency=currency)
        return (columns, *(self._line(each, figures) for each in judged.lines))

    def sentences(self, standing: Standing) -> tuple[str, ...]:
        """Why it stands there, how sure the verdicts are, and what it waits for."""
        rollout, judged = standing.rollout, standing.judged
        found = [cause_of(rollout, language=self._language)]
        if judged is not None and judged.evidence.since_ms > rollout.since_ms:
            found.append(self._say("changed", since=_time(judged.evidence.since_ms)))
        if judged is not None and not compares(rollout):
            found.append(self._say("everybody"))
        if judged is not None and judged.lines:
            alphas = sorted({line.alpha for line in judged.lines})
            shares = ", ".join(self._figures.percent(1 - alpha, 1) for alpha in alphas)
            found.append(self._say("certainty", shares=shares))
        if judged is not None and compares(rollout) and any(arm.subjects for arm in judged.arms.values()):
            key = "ratio-wrong" if judged.ratio_p < MISMATCH_P else "ratio"
            found.append(self._say(key, p=self._figures.p_value(judged.ratio_p)))
        if standing.due is not None:
            found.append(self._say("due", why=cause_of(standing.due, language=self._language)))
        if standing.wait is not None:
            found.append(wait_of(rollout, standing.wait, language=self._language))
        if standing.problem:
            found.append(self._say(f"problem-{standing.problem}", detail=standing.detail))
        return tuple(found)

    def _row(self, rollout: Rollout) -> tuple[str, ...]:
        return (
            rollout.name,
            state_of(rollout, language=self._language),
            f"{rollout.step + 1} / {len(rollout.steps)}",
            self.share(rollout),
            rollout.arm,
            rollout.against,
            rollout.route,
            _time(rollout.since_ms) if rollout.since_ms else "-",
            cause_of(rollout, language=self._language),
        )

    def _line(self, line: Line, figures: Figures) -> tuple[str, ...]:
        compared, told = line.compared, ["-", "-"]
        effect = compared.lift if line.relative else compared.difference
        if effect is not None and line.bounds is not None:
            told[line.relative] = figures.interval(line.bounds, effect.value, None if line.relative else line.measure)
        margin = (
            figures.percent(line.margin, 1) if line.relative else figures.value(line.margin, line.measure, sign=" ")
        )
        return (
            line.measure,
            self._say("success" if line.decides else "guardrail"),
            "-" if compared.control is None else figures.value(compared.control, line.measure),
            "-" if compared.treatment is None else figures.value(compared.treatment, line.measure),
            *told,
            margin.strip(),
            f"{compared.treatment_subjects} / {compared.control_subjects}",
            self._proof(line),
        )

    def _proof(self, line: Line) -> str:
        if line.proof is not Proof.TOO_FEW:
            return self._say(line.proof)
        few = min(line.compared.treatment_subjects, line.compared.control_subjects)
        return self._say(line.proof, few=few, wanted=line.needed)

    def _named(self, rollout: Rollout) -> dict[str, str]:
        return {
            "name": rollout.name,
            "arm": rollout.arm,
            "route": rollout.route,
            "share": self.share(rollout),
            "state": state_of(rollout, language=self._language),
        }

    def _say(self, key: str, **values: object) -> str:
        return say(key, language=self._language, **values)


def _time(at_ms: int) -> str:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
