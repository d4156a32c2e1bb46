"""What is probed may answer otherwise the next time: what has failed is told all the same."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from hypothesis import given
from hypothesis import strategies as st

from services.probes.asking import Came
from services.probes.running import run
from tests.services.probes.suites import suite


class Fickle:
    """Allows and refuses as it is told beforehand, and then goes on with the last."""

    kind: ClassVar[Literal["policy", "version"]] = "policy"
    name: ClassVar[str] = "fickle"
    digest: ClassVar[str] = "0" * 64

    def __init__(self, answers: list[bool]) -> None:
        self._answers = answers

    def ask(self, call: Mapping[str, Any]) -> Came:
        allowed = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return Came(verdict="ALLOW" if allowed else "DENY")


PROBES = (
    {"kind": "expect", "expect": {"verdict": "ALLOW"}},
    {"kind": "invariance", "vary": [{"field": "facts.traits.city", "values": ["Nice", "Lyon"]}]},
    {"kind": "direction", "along": "contacts", "values": [[], ["1d"], ["1d", "2d"]]},
)


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_whatever_it_answers_each_probe_has_passed_or_has_an_example(answers: list[bool]) -> None:
    report = run(suite(*PROBES), Fickle(answers))
    assert [each.state in {"passed", "failed"} for each in report.results] == [True] * 3
    assert all((each.example is not None) == (each.state == "failed") for each in report.results)
