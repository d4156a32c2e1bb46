"""What is wrong with a suite's text, each with its place and what to write instead. Pure."""

from gateway.core.revision.decode import PolicyInvalid
from services.control.drafts.checking import Checked, Remark
from services.probes.reading import read, words


def checked(text: str, *, named: str, language: str) -> Checked:
    """All mistakes of a suite's text; `named` is how it must call itself."""
    try:
        suite = read(text, named=named)
    except PolicyInvalid as invalid:
        remarks = []
        for mistake in invalid.mistakes:
            problem, fix = words(mistake, language=language)
            remarks.append(
                Remark(
                    severity="error",
                    path=mistake.path,
                    problem=problem,
                    fix=fix,
                    line=mistake.line,
                    column=mistake.column,
                )
            )
        return Checked(remarks=tuple(remarks), good=False)
    return Checked(good=True, counts={"bases": len(suite.bases), "probes": len(suite.probes)})
