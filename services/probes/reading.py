"""From a suite's text to the suite, with every mistake at once, each with its line and what to do."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import Any, Final

from gateway.adapters.policy_files import read_text
from gateway.core.mistakes import near, one_of, told
from gateway.core.revision.decode import Mistake, Mistakes, Path, PolicyInvalid, part
from gateway.mistakes import saying
from services.probes.suite import KINDS, Adversarial, Direction, Expect, Header, Invariance, Probe, Suite, Wanted
from services.probes.texts import MISTAKES

MOST_BYTES: Final = 1_000_000
_NOTHING: Final = told("none")


class SuiteInvalid(PolicyInvalid):
    """A suite has mistakes, all of which are in `mistakes`, in the order of its text."""


def text_in(file: FilePath) -> str:
    """The text of a suite in a file.

    Raises:
        SuiteInvalid: it is no text in UTF-8.
        OSError: the file cannot be read.
    """
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SuiteInvalid((Mistake("(document)", told("document-no-utf8"), line),)) from error


def read_file(file: FilePath) -> Suite:
    """The suite in a file.

    Raises:
        SuiteInvalid: with every mistake.
        OSError: the file cannot be read.
    """
    return read(text_in(file))


def read(text: str, *, named: str = "") -> Suite:
    """The suite that a text describes; `named` is how it must call itself, where that is known.

    Raises:
        SuiteInvalid: with every mistake, in the order of the text.
    """
    try:
        return _read(text, named)
    except PolicyInvalid as invalid:
        raise SuiteInvalid(invalid.mistakes) from invalid


def words(mistake: Mistake, *, language: str) -> saying.Words:
    """What is wrong and how to mend it."""
    return saying.words(mistake, language=language, more=MISTAKES)


def moment_ms(text: str) -> int | None:
    """Milliseconds since the epoch of a time in RFC 3339; `None` where it is none, or names no zone."""
    try:
        found = dt.datetime.fromisoformat(text)
        return None if found.tzinfo is None else round(found.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def _read(text: str, named: str) -> Suite:
    content = text.encode()
    if len(content) > MOST_BYTES:
        raise PolicyInvalid((Mistake("(document)", told("suite-large", most=MOST_BYTES)),))
    data, lines = read_text(text)
    mistakes = Mistakes(lines)
    header = part(Header, data, (), mistakes)
    if not isinstance(data, dict):
        mistakes.raise_if_any()
    probes = tuple(_probe(each, ("probes", index), mistakes) for index, each in enumerate(header.probes))
    mistakes.stand_in()
    if named and header.suite != named:
        mistakes.add(("suite",), "suite-named", name=named)
    _check(header, probes, mistakes)
    mistakes.raise_if_any()
    return Suite(
        name=header.suite,
        sha256=hashlib.sha256(content).hexdigest(),
        description=header.description,
        seed=header.seed,
        cases=header.cases,
        bases={base.name: base for base in header.bases},
        probes=tuple(probe for probe in probes if probe is not None),
    )


def _probe(data: Any, path: Path, mistakes: Mistakes) -> Probe | None:
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        mistakes.add((*path, "kind"), "probe-kind", name=str(kind or ""), choices=tuple(KINDS))
        return None
    return part(KINDS[kind], data, path, mistakes)


def _check(header: Header, probes: Iterable[Probe | None], mistakes: Mistakes) -> None:
    known: set[str] = set()
    for section in ("bases", "probes"):
        if not getattr(header, section):
            mistakes.add((section,), "nothing-listed")
    for index, base in enumerate(header.bases):
        if base.name in known:
            mistakes.add(("bases", index, "name"), "name-taken", name=base.name, section="bases")
        known.add(base.name)
        if moment_ms(base.at) is None:
            mistakes.add(("bases", index, "at"), "base-moment", text=base.at)
    names: set[str] = set()
    for index, probe in enumerate(probes):
        if probe is None:
            continue
        path: Path = ("probes", index)
        if probe.name in names:
            mistakes.add((*path, "name"), "name-taken", name=probe.name, section="probes")
        names.add(probe.name)
        if probe.base not in known:
            hint = near(probe.base, known, one_of(tuple(sorted(known)), _NOTHING))
            mistakes.add((*path, "base"), "base-unknown", name=probe.base, hint=hint.values.get("near", ""))
        _check_probe(probe, path, mistakes)


def _check_probe(probe: Probe, path: Path, mistakes: Mistakes) -> None:
    if isinstance(probe, Expect):
        _check_wanted(probe.expect, (*path, "expect"), mistakes)
    if isinstance(probe, Invariance) and not probe.vary:
        mistakes.add((*path, "vary"), "nothing-listed")
    if isinstance(probe, Invariance | Direction):
        for index, each in enumerate(probe.vary):
            if bool(each.values) == (each.known is not None):
                mistakes.add((*path, "vary", index), "variation-either")
    if isinstance(probe, Direction):
        _check_direction(probe, path, mistakes)
    if isinstance(probe, Adversarial):
        for index, field in enumerate(probe.fields):
            if field in ("contacts", "at"):
                mistakes.add((*path, "fields", index), "field-no-text", field=field)


def _check_direction(probe: Direction, path: Path, mistakes: Mistakes) -> None:
    if (probe.never in ("less", "more")) != bool(probe.of):
        mistakes.add((*path, "never"), "direction-of")
    if any(each.field == probe.along for each in probe.vary):
        mistakes.add((*path, "vary"), "direction-varies", field=probe.along)


def _check_wanted(wanted: Wanted, path: Path, mistakes: Mistakes) -> None:
    if not wanted.answer and all(each is None for each in (wanted.verdict, wanted.reason, wanted.rule)):
        mistakes.add(path, "expect-nothing")
    for index, each in enumerate(wanted.answer):
        ranged = each.least is not None or each.most is not None
        if ranged + sum(one is not None for one in (each.equals, each.contains, each.lacks)) != 1:
            mistakes.add((*path, "answer", index), "answer-one")
