"""A report in words, as data, and as JUnit's XML; a failing case as YAML that is a probe by itself."""

from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree

import msgspec
import yaml

from services.probes.running import Example, Report, Result
from services.probes.suite import Expect
from services.probes.texts import say

_LIST: Final = ", "


def why(result: Result, *, language: str) -> str:
    """Why a probe has not passed; empty for one that has."""
    if result.violation is not None:
        found = result.violation
        got = say(found.got, language=language) if found.code == "why-leaks" else found.got
        return say(found.code, language=language, got=got, wanted=found.wanted, fields=_LIST.join(found.fields))
    return say(result.code, language=language, **result.values) if result.code else ""


def as_yaml(example: Example) -> str:
    """The example as a probe, to be pasted under `probes:`."""
    wanted = msgspec.to_builtins(example.expect)
    probe: dict[str, Any] = {"name": f"{example.probe}-example"[:63], "kind": "expect", "base": example.base}
    if example.changes:
        probe["with"] = msgspec.to_builtins(example.changes)
    probe["expect"] = wanted
    plain = _printable(probe)
    return yaml.safe_dump([probe], sort_keys=False, allow_unicode=plain, width=110)


def as_data(report: Report, *, language: str) -> dict[str, Any]:
    """The report for machines, with the words that people read."""
    data: dict[str, Any] = msgspec.to_builtins(report)
    data["passed"] = report.passed
    for told, result in zip(data["results"], report.results, strict=True):
        told["why"] = why(result, language=language)
        if result.example is not None:
            told["yaml"] = as_yaml(result.example)
    return data


def as_junit(report: Report, *, language: str) -> str:
    """The report as JUnit's XML, a test case for each probe."""
    failed = [each for each in report.results if each.state == "failed"]
    broken = [each for each in report.results if each.state == "broken"]
    counts = {"tests": len(report.results), "failures": len(failed), "errors": len(broken), "skipped": 0}
    suite = ElementTree.Element(
        "testsuite", {"name": report.suite, **{name: str(count) for name, count in counts.items()}}
    )
    for result in report.results:
        case = ElementTree.SubElement(
            suite, "testcase", {"name": result.probe, "classname": f"{report.suite}.{result.kind}"}
        )
        if result.state != "passed":
            told = ElementTree.SubElement(
                case,
                "failure" if result.state == "failed" else "error",
                {"message": _plain(why(result, language=language))},
            )
            told.text = "" if result.example is None else _plain(as_yaml(result.example))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def probe_of(name: str, base: str, changes: Mapping[str, Any], **expect: Any) -> Expect:
    """An `expect` probe out of a decision, and the answer that it should have had: `verdict`, `reason`, `rule`.

    Raises:
        msgspec.ValidationError: such a probe cannot be written.
    """
    data = {"name": name, "kind": "expect", "base": base, "with": dict(changes), "expect": expect}
    return msgspec.convert(data, Expect)


def _plain(text: str) -> str:
    """Without what XML 1.0 has no room for."""
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)


def _printable(data: Any) -> bool:
    if isinstance(data, str):
        return data.isprintable()
    if isinstance(data, Mapping):
        return all(_printable(key) and _printable(value) for key, value in data.items())
    return not isinstance(data, list | tuple) or all(map(_printable, data))
