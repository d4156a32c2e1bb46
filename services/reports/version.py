"""What is known of a model version beside its calls: probes, reviews, and rollouts. Pure."""

from collections.abc import Iterator
from typing import Final

from gateway.core.assignment import BASIS_POINTS
from gateway.core.rollout_texts import cause_of, state_of
from gateway.core.texts import moment
from services.findings.wording import number, percent
from services.reports.counted import Judged, Move, Versioned
from services.reports.document import Block, Paragraph, Table
from services.reports.section_texts import say

_NO: Final = "\N{EN DASH}"
_MOVES: Final = 100


class VersionWords:
    """Says it, in one language."""

    def __init__(self, version: Versioned, language: str) -> None:
        self._version = version
        self._language = language

    def probes(self) -> Iterator[Block]:
        """What suites came to."""
        found = self._version.probed
        if not found:
            yield Paragraph(self._say("probes-none" if self._version.known else "probes-unknown"))
            return
        yield Paragraph(self._say("probes-said"))
        rows = tuple(
            (
                each.suite,
                self._say("passed" if each.passed else "failed"),
                ", ".join(each.failed) or _NO,
                self._number(each.cases),
                self._say("run", when=self._at(each.ran_ms), who=each.by or _NO),
            )
            for each in found
        )
        yield Table(self._say("probes-caption", n=self._number(len(rows))), self._head("probes-columns"), rows, (3,))

    def reviews(self) -> Iterator[Block]:
        """What people who judge decisions have found."""
        labels, judged = self._version.labels, self._version.judged
        n = sum(labels.values())
        if not n and not any(each.reviewed for each in judged):
            yield Paragraph(self._say("reviews-none"))
            return
        yield Paragraph(self._say("reviews-said"))
        rows = tuple(
            (self._say(f"label-{label}"), self._number(count), percent(count / n, language=self._language))
            for label, count in labels.items()
            if count
        )
        if rows:
            yield Table(self._say("labels", n=self._number(n)), self._head("labels-columns"), rows, (1, 2))
        if judged:
            told = tuple(self._judged(each) for each in judged)
            yield Table(self._say("wrong"), self._head("wrong-columns"), told, (2, 3, 4))

    def rollouts(self) -> Iterator[Block]:
        """Where rollouts took it, step by step, and why they stopped."""
        moves = self._version.moves
        if not moves:
            yield Paragraph(self._say("rollouts-none"))
            return
        caption = self._say("moves", n=self._number(len(moves)))
        yield Table(caption, self._head("moves-columns"), tuple(self._moved(each) for each in moves[-_MOVES:]), (4, 5))

    def _judged(self, each: Judged) -> tuple[str, ...]:
        rate = self._say("wrong-few")
        if each.rate is not None:
            value, low, high = (percent(one, language=self._language) for one in each.rate)
            rate = self._say("interval", value=value, low=low, high=high)
        numbers = (self._number(one) for one in (each.decisions, each.reviewed, each.wrong))
        return (f"{each.agent} ({each.tenant})", rate, *numbers)

    def _moved(self, move: Move) -> tuple[str, ...]:
        rollout, language = move.rollout, self._language
        why = cause_of(rollout, language=language)
        return (
            self._at(move.at_ms),
            rollout.name,
            state_of(rollout, language=language),
            self._say("moves-by", why=why, who=move.author) if move.author else why,
            percent(rollout.share / BASIS_POINTS, language=language),
            str(move.revision),
        )

    def _say(self, key: str, **values: object) -> str:
        return say(key, language=self._language, **values)

    def _head(self, key: str) -> tuple[str, ...]:
        return tuple(self._say(key).split("|"))

    def _number(self, value: float) -> str:
        return number(value, language=self._language)

    def _at(self, at_ms: int) -> str:
        return moment(at_ms // 1000 * 1000, language=self._language)
