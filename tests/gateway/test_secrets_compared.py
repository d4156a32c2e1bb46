"""Secrets are compared in constant time wherever they are compared at all: looked for in the code itself."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SECRET: Final = ("csrf", "digest", "hmac", "mac", "password", "secret", "signature", "token", "api_key", "credential")
"""Parts of names of what an attacker must not find out byte by byte."""
NOT_SECRET: Final = {
    # What is told of content that its reader has anyway: hashes that prove, names of pages, words of a text.
    "page_token", "next_page_token", "tokens", "token_type", "scheme", "kind",
}  # fmt: skip
PUBLIC: Final = ("services/proof/", "services/audit/", "services/sentences/", "services/probes/", "services/crm/")
"""Where digests are of what is public to who compares them: of records, pages and files."""
REVIEWED: Final = {
    # Digests of a policy, of what an agent's contracts are, of a request or of a question: their readers have these.
    "gateway/core/trust.py: statement.authority != digest_of(entry.authority)",
    "gateway/core/trust.py: statement.authority == digest_of(authority_in(document))",
    "gateway/core/trust.py: entry.statement.authority != digest_of(entry.authority)",
    "gateway/core/trust.py: statement.authority != digest_of(before.authority)",
    "gateway/core/trust.py: each.statement.authority != digest_of(each.authority)",
    "services/agents/catalogue.py: digest.digest() == self._digest",
    "services/control/api/idempotency.py: kept.digest != digest",
    "services/intake/audience_pages.py: place.question != _digest(question)",
    "services/intake/repeats.py: before[:_DIGEST_BYTES] != digest",
    # Names of a header and of a kind of field, and a mark of progress.
    "services/agents/mcp/door.py: name != API_KEY",
    "services/control/console/forms.py: field.type == Secret",
    "services/control/console/pages/guide.py: progress.token == seen",
}
"""Comparisons that were looked at and tell nothing."""


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.id if isinstance(node, ast.Name) else ""


def _is_secret(node: ast.expr) -> bool:
    name = _name(node).lower()
    words = set(name.strip("_").split("_"))
    return name not in NOT_SECRET and any(part in words or part == name.strip("_") for part in SECRET)


def compared(source: str) -> Iterator[str]:
    """Comparisons of two values by == or !=, of which one is called like a secret and neither is written out."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not all(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            continue
        sides = (node.left, *node.comparators)
        if any(isinstance(side, ast.Constant) for side in sides):
            continue
        if any(_is_secret(side) for side in sides):
            yield ast.unparse(node)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("token.digest != _digest(text)", True),
        ("session.csrf == given", True),
        ("signature == expected", True),
        ("hmac.compare_digest(token.digest, other)", False),
        ("page_token == ''", False),
        ("token == ''", False),
        ("request.name == other.name", False),
    ],
)
def test_a_comparison_that_tells_by_its_time_is_found(source: str, *, found: bool) -> None:
    assert bool(list(compared(source))) is found


def test_no_secret_is_compared_by_a_comparison_that_ends_at_the_first_difference() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {each}"
        for folder in ("gateway", "services")
        for path in (ROOT / folder).rglob("*.py")
        if not str(path.relative_to(ROOT)).startswith(PUBLIC)
        for each in compared(path.read_text("utf-8"))
    }
    assert found - REVIEWED == set()
    assert found >= REVIEWED, "what is not there any more need not be reviewed"
