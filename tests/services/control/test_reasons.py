"""Whatever is raised because something is not done has a status, and words in both languages."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import services
from gateway.adapters import proposals
from gateway.core.errors import Reason
from gateway.core.texts import LANGUAGES
from services.control.api.statuses import STATUSES
from services.not_done import NotDone

FOLDER = Path(services.__file__).parent
SCOPES = ("services.control", "services.revisions", "services.report_making")
LATER = {
    "AccountProblem": {
        *("account-changed", "account-last-admin", "account-linked", "account-not-first", "account-there"),
        *("password-common", "password-long", "password-name", "password-same", "password-short"),
    },
    "RevisionProblem": {"author", "look-backtest", "look-plan", "probes-failed", "probes-never", "probes-unknown"},
    "EditRefused": {"edit-name", "edit-after", "edit-list", "edit-taken", "edit-unnamed"},
}
"""Codes that are put together, or come from elsewhere."""


def _families() -> dict[str, type[NotDone]]:
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if module.name.startswith(SCOPES):
            importlib.import_module(module.name)
    found, further = dict[str, type[NotDone]](), [NotDone]
    while further:
        for each in further.pop().__subclasses__():
            found[each.__name__] = each
            further.append(each)
    return found


FAMILIES = _families()


def _raised() -> Iterator[tuple[str, str, str]]:
    """Family, code and, where it is said, the reason of all that the sources make, as far as they write it out."""
    names = re.compile(rf"\b({'|'.join((*FAMILIES, 'Refused', 'ProposalProblem'))})\(")
    for path in (*sorted(FOLDER.rglob("*.py")), Path(proposals.__file__)):
        text = path.read_text()
        if not names.search(text):  # reading it as Python takes long, in every process that collects tests
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            name, given = node.func.id, list(node.args)
            if name == "Refused":
                name, given = "AccountProblem", [each.value for each in node.keywords if each.arg == "code"]
            name = "RevisionProblem" if name == "ProposalProblem" else name
            reason = ""
            if name == "Undone" and isinstance(given[0], ast.Attribute):
                reason = Reason[given[0].attr].value
            for code in _codes(given[name == "Undone"]) if name in FAMILIES and given else ():
                yield name, code, reason


def _codes(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*_codes(node.body), *_codes(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


RAISED = sorted({*_raised(), *((name, code, "") for name, codes in LATER.items() for code in codes)})


def test_the_sources_are_read() -> None:
    assert len(RAISED) > 100
    assert {"Undone", "AccountProblem", "DraftProblem", "RevisionProblem", "Unmatched", "Unasked"} <= {
        name for name, _, _ in RAISED
    }


@pytest.mark.parametrize(("name", "code", "reason"), RAISED)
def test_every_code_has_a_status_and_words_in_both_languages(name: str, code: str, reason: str) -> None:
    family = FAMILIES[name]
    assert (reason or (name == "Undone" and "ARGUMENT_INVALID") or family(code).reason) in STATUSES
    english, french = (family.say(code, language=language) for language in LANGUAGES)
    assert english
    assert french


def test_no_status_is_kept_for_what_nothing_says() -> None:
    said = {code.upper().replace("-", "_") for _, code, _ in RAISED}
    own = {"PERSON_UNAUTHENTICATED", "RIGHT_MISSING", "CONFIRMATION_NEEDED"}
    fixed = {"CSRF", "DRAFT_CHANGED", "JOBS_FULL", "JOB_UNKNOWN", "OVERTAKEN", "LOGIN_BUSY"}
    assert set(STATUSES) - {reason.value for reason in Reason} <= said | own | fixed
