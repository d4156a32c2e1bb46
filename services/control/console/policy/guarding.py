"""Guardrails in a form: one number for each measure that they may watch, empty where it is not watched."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.control.console.policy.field import decimal


def shown(listed: Any, measures: Sequence[str]) -> dict[str, str]:
    """The most that each measure may come to, as text; of a measure that is written twice, the first."""
    found = dict.fromkeys(measures, "")
    there: list[Any] = listed if isinstance(listed, list) else []
    for each in reversed(there):
        if _measure(each) in found and each.get("most") is not None:
            found[_measure(each)] = str(each["most"])
    return found


def read(listed: Any, given: Mapping[str, str]) -> list[Any]:
    """The guardrails as a form says that they are to be, by measure; what it does not show stays as it is."""
    before = listed if isinstance(listed, list) else []
    was, wanted = shown(before, tuple(given)), {measure: text.strip() for measure, text in given.items()}
    kept, seen = list[Any](), set[str]()
    for each in before:
        measure = _measure(each)
        first = measure not in seen
        seen.add(measure)
        if measure not in wanted or not first or wanted[measure] == was[measure]:
            kept.append(each)
        elif wanted[measure]:
            kept.append({**each, "most": decimal(wanted[measure])})
    return [
        *kept,
        *({"measure": name, "most": decimal(text)} for name, text in wanted.items() if text and name not in seen),
    ]


def _measure(guardrail: Any) -> str:
    """Empty where it is not written as one."""
    measure = guardrail.get("measure") if isinstance(guardrail, Mapping) else None
    return measure if isinstance(measure, str) else ""
