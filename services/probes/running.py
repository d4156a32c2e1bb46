"""Runs a suite: makes each probe's calls, and of the first that fails the smallest example."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from services.probes import cases, judging
from services.probes.asking import Came, Target, Unaskable
from services.probes.judging import Violation
from services.probes.places import NoPlace, call_of
from services.probes.shrinking import shrunk
from services.probes.suite import Adversarial, Changes, Direction, Expect, Invariance, Probe, Suite, Wanted

Progress = Callable[[int, int], None]
Looked = tuple[Violation, Wanted]
Choices = Mapping[str, Sequence[Any]] | None
"""The values that a field may have; `None`: any.

A case is made small by them alone: a shorter text need not be another spelling of the same."""


class Example(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A failing case, as small as it could be made."""

    probe: str
    base: str
    changes: Mapping[str, Any]
    """What of the base is different, by its place; the probe's own changes are among them."""
    expect: Wanted
    """What should have come of it."""
    changed: int
    """Fields that the case changed before it was made small, beside the probe's own."""


class Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of one probe."""

    probe: str
    kind: str
    state: Literal["passed", "failed", "broken"]
    """"broken": it does not fit what is probed, which counts as not passed."""
    cases: int
    violation: Violation | None = None
    example: Example | None = None
    code: str = ""
    """Of a broken one: a text of `services.probes.texts`, which `values` fills."""
    values: Mapping[str, str] = {}


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of a suite."""

    suite: str
    suite_sha256: str
    kind: str
    target: str
    digest: str
    """Of exactly what was probed."""
    seed: int
    cases: int
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether all probes hold."""
        return all(each.state == "passed" for each in self.results)


def run(suite: Suite, target: Target, *, progress: Progress = lambda _done, _of: None) -> Report:
    """Make all of a suite's calls. The same suite and policy always give the same report."""
    results: list[Result] = []
    allowance = max(2, suite.cases // len(suite.probes))
    progress(0, len(suite.probes))
    for probe in suite.probes:
        results.append(_Running(suite, probe, target, allowance).result())
        progress(len(results), len(suite.probes))
    return Report(
        suite=suite.name,
        suite_sha256=suite.sha256,
        kind=target.kind,
        target=target.name,
        digest=target.digest,
        seed=suite.seed,
        cases=sum(each.cases for each in results),
        results=tuple(results),
    )


class _Running:
    """One probe of a run."""

    def __init__(self, suite: Suite, probe: Probe, target: Target, allowance: int) -> None:
        self._probe = probe
        self._base = suite.bases[probe.base]
        self._target = target
        self._most: Final = allowance
        self._draw = cases.drawing(suite.seed, probe.name)
        self._cases = 0

    def result(self) -> Result:
        """What came of it."""
        probe = self._probe
        try:
            match probe:
                case Expect():
                    return self._looked_through([{}], self._expected(probe))
                case Invariance():
                    plain = self._ask({})
                    some = cases.varied(probe, self._call({}), most=self._most - 1, draw=self._draw)
                    choices = {each.field: cases.values_of(each, self._call({})) for each in probe.vary}
                    return self._looked_through(some, self._same(probe, plain), choices=choices)
                case Direction():
                    return self._gone_along(probe)
                case Adversarial():
                    plain = self._ask({})
                    some = cases.harmful(probe, most=self._most - 1, draw=self._draw)
                    return self._looked_through(some, self._unharmed(probe, plain))
            raise AssertionError(probe.kind)
        except Unaskable as cannot:
            return self._broken(cannot.code, cannot.values)
        except NoPlace as missing:
            return self._broken("broken-place", {"place": missing.place})

    def _expected(self, probe: Expect) -> Callable[[Changes], Looked | None]:
        def look(changes: Changes) -> Looked | None:
            found = judging.meets(self._ask(changes), probe.expect)
            return None if found is None else (found, probe.expect)

        return look

    def _same(self, probe: Invariance, plain: Came) -> Callable[[Changes], Looked | None]:
        wanted = judging.wanted_of(plain, same=probe.same, answer=probe.answer)

        def look(changes: Changes) -> Looked | None:
            found = judging.differs(
                self._ask(changes), plain, same=probe.same, answer=probe.answer, fields=tuple(changes)
            )
            return None if found is None else (found, wanted)

        return look

    def _unharmed(self, probe: Adversarial, plain: Came) -> Callable[[Changes], Looked | None]:
        def look(changes: Changes) -> Looked | None:
            ((field, text),) = changes.items()
            came = self._ask(changes)
            found = judging.harmed(came, plain, text=str(text), field=field, verdict=probe.verdict, lacks=probe.lacks)
            return None if found is None else (found, judging.wanted_unharmed(came, plain, lacks=probe.lacks))

        return look

    def _gone_along(self, probe: Direction) -> Result:
        def look(changes: Changes) -> Looked | None:
            others, pair = {**changes}, changes[probe.along]
            del others[probe.along]
            before, after = (self._ask({**others, probe.along: value}) for value in pair)
            found = judging.turns(probe, before, after)
            if found is None:
                return None
            return found, judging.wanted_along(probe, before)

        for others in cases.courses(probe, self._call({}), most=self._most, draw=self._draw):
            before = self._ask({**others, probe.along: probe.values[0]})
            for low, high in zip(probe.values, probe.values[1:], strict=False):
                after = self._ask({**others, probe.along: high})
                turn = judging.turns(probe, before, after)
                if turn is not None:
                    seen = turn, judging.wanted_along(probe, before)
                    return self._failed_along(probe, others, low, high, look, seen=seen)
                before = after
        return self._passed()

    def _failed_along(
        self,
        probe: Direction,
        others: Changes,
        low: Any,
        high: Any,
        look: Callable[[Changes], Looked | None],
        *,
        seen: Looked,
    ) -> Result:
        """`seen` is how it failed with `others`; a model need not answer the same when it is asked once more."""
        made = self._cases
        looked = look({probe.along: (low, high)})
        self._cases = made
        small = others if looked is None else {}
        return self._failed(*(looked or seen), {**small, probe.along: high}, changed=len(others) + 1)

    def _looked_through(
        self, some: list[Changes], look: Callable[[Changes], Looked | None], *, choices: Choices = None
    ) -> Result:
        for changes in some:
            seen = look(changes)
            if seen is None:
                continue
            made = self._cases

            def fails(less: Changes) -> bool:
                nonlocal seen  # of the smallest that has failed: a model need not answer the same when asked once more
                try:
                    looked = look(less)
                except (Unaskable, NoPlace):
                    return False
                seen = looked or seen
                return looked is not None

            small = shrunk(changes, fails, choices=choices) if changes else changes
            self._cases = made  # those that only made it small are none of the suite's
            return self._failed(*seen, small, changed=len(changes))
        return self._passed()

    def _call(self, changes: Changes) -> Mapping[str, Any]:
        return call_of(self._base, self._probe.changes, changes)

    def _ask(self, changes: Changes) -> Came:
        self._cases += 1
        return self._target.ask(self._call(changes))

    def _passed(self) -> Result:
        return Result(probe=self._probe.name, kind=self._probe.kind, state="passed", cases=self._cases)

    def _broken(self, code: str, values: Mapping[str, str]) -> Result:
        probe = self._probe
        return Result(probe=probe.name, kind=probe.kind, state="broken", cases=self._cases, code=code, values=values)

    def _failed(self, violation: Violation, wanted: Wanted, changes: Changes, *, changed: int) -> Result:
        probe = self._probe
        return Result(
            probe=probe.name,
            kind=probe.kind,
            state="failed",
            cases=self._cases,
            violation=violation,
            example=Example(
                probe=probe.name,
                base=probe.base,
                changes={**probe.changes, **changes},
                expect=wanted,
                changed=changed,
            ),
        )
