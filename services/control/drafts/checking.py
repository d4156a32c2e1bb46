"""What is wrong with a draft's text, and which of its rules can do nothing: each with its place in the text."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import yaml

from gateway.activation.loading import load
from gateway.adapters.policy_files import read_text
from gateway.core.analysis.findings import analyse
from gateway.core.analysis.findings import text as worded
from gateway.core.policy.document import Document
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import NOWHERE, Lines, Mistake, PolicyInvalid
from gateway.mistakes.saying import words
from services.control.drafts.layout import composed
from services.control.drafts.places import in_expression, node_at


class Remark(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing to know about a text. Lines and columns count from 1; 0: nowhere in it, such as in a pack."""

    severity: Literal["error", "warning"]
    """"error": it keeps the policy from being used. "warning": a rule that does nothing."""
    path: str
    """Where in the policy: "rules[3].when"."""
    problem: str
    fix: str
    line: int = 0
    column: int = 0
    file: str = ""
    """The pack's, where it does not stand in the text itself."""


class Checked(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is to be said of a text, in its order."""

    remarks: tuple[Remark, ...] = ()
    good: bool
    """Whether it can be used: no remark is an error."""
    complete: bool = True
    """Whether all rules were compared with each other; else there were too many, or nobody asked."""
    counts: dict[str, int] = {}
    """How many parts each section lists; nothing where there are mistakes."""


def checked(text: str, *, language: str, findings: bool = True) -> Checked:
    """All mistakes of a text; where there are none and somebody asks, what it says in vain."""
    try:
        revision, lines = loaded(text)
    except PolicyInvalid as invalid:
        return Checked(remarks=_remarks(invalid.mistakes, text, language=language), good=False, complete=False)
    counts = _counts(revision.document)
    if not findings:
        return Checked(good=True, complete=False, counts=counts)
    analysis = analyse(revision, lines)
    remarks = []
    for finding in analysis.findings:
        problem, fix = worded(finding, language=language)
        index = int(finding.path.partition("[")[2].rstrip("]") or 0)
        remarks.append(
            Remark(
                severity="warning",
                path=finding.path,
                problem=problem,
                fix=fix,
                line=0 if finding.file else finding.line,
                column=0 if finding.file else lines.columns.get(("rules", index), 0),
                file=finding.file,
            )
        )
    return Checked(remarks=tuple(remarks), good=True, complete=analysis.complete, counts=counts)


def loaded(text: str) -> tuple[Revision, Lines]:
    """The text compiled, and where what stands.

    Raises:
        PolicyInvalid: it has mistakes.
    """
    data, lines = read_text(text)
    return load(data, lines=lines), lines


def _counts(document: Document) -> dict[str, int]:
    sections = zip(Document.__struct_encode_fields__, Document.__struct_fields__, strict=True)
    parts = {name: getattr(document, field) for name, field in sections}
    return {name: len(value) for name, value in parts.items() if isinstance(value, tuple)}


def _remarks(mistakes: Sequence[Mistake], text: str, *, language: str) -> tuple[Remark, ...]:
    root: Any = None
    if any(mistake.at != NOWHERE for mistake in mistakes):
        try:
            root = composed(text)
        except (yaml.YAMLError, PolicyInvalid):  # then nothing was found in expressions
            root = None
    found = [_remark(mistake, text, root, language=language) for mistake in mistakes]
    return tuple(sorted(found, key=lambda remark: (remark.file, remark.line, remark.column)))


def _remark(mistake: Mistake, text: str, root: Any, *, language: str) -> Remark:
    line, column = mistake.line, mistake.column
    node = node_at(root, mistake.path) if mistake.at != NOWHERE and not mistake.file else None
    found = isinstance(node, yaml.ScalarNode)
    if isinstance(node, yaml.ScalarNode):
        line, column = in_expression(text, node, line=mistake.at[0], column=mistake.at[1])
    problem, fix = words(mistake, language=language, placed=not found)
    inside = not mistake.file
    return Remark(
        severity="error",
        path=mistake.path,
        problem=problem,
        fix=fix,
        line=line if inside else 0,
        column=column if inside else 0,
        file=mistake.file,
    )
