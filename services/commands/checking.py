"""What `pilote check` and `pilote apply` say of a policy: mistakes, and rules that can do nothing."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from gateway.activation.loading import load
from gateway.adapters.policy_files import read
from gateway.core.analysis.findings import analyse, text
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import Path as Place
from gateway.core.revision.decode import PolicyInvalid
from gateway.mistakes.saying import words
from services.texts import say


def checked(err: Console, file: Path, *, language: str) -> tuple[Revision, int] | None:
    """The policy, and how many findings there are besides; `None` where it has mistakes. All of them are told.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        data, lines = read(file)
        revision = load(data, lines=lines)
    except PolicyInvalid as invalid:
        err.print(say("policy-bad", language=language, file=file, count=len(invalid.mistakes)), markup=False)
        for mistake in invalid.mistakes:
            problem, fix = words(mistake, language=language)
            _tell(err, mistake.file or file, line=mistake.line, what=f"{mistake.path}: {problem}", fix=fix)
        return None
    return revision, _tell_findings(err, file, revision=revision, lines=lines, language=language)


def _tell_findings(err: Console, file: Path, *, revision: Revision, lines: Mapping[Place, int], language: str) -> int:
    analysis = analyse(revision, lines)
    if analysis.findings:
        err.print(say("policy-findings", language=language, file=file, count=len(analysis.findings)), markup=False)
    for finding in analysis.findings:
        problem, fix = text(finding, language=language)
        _tell(err, finding.file or file, line=finding.line, what=f"{finding.path}: {problem}", fix=fix)
    if not analysis.complete:
        err.print(say("policy-large", language=language), markup=False, soft_wrap=True)
    return len(analysis.findings)


def _tell(err: Console, file: Path | str, *, line: int, what: str, fix: str) -> None:
    where = f"{file}:{line}" if line else str(file)
    err.print(f"  {where}: {what}\n      {fix}", markup=False, soft_wrap=True)
