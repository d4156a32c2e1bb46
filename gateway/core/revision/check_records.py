"""Cross-checks of what records hold and how long they are kept: a misspelt name would silently withhold nothing."""

from collections.abc import Sequence

from gateway.core.contract import MethodContract
from gateway.core.fact_values import fact_reader
from gateway.core.policy.document import Document
from gateway.core.revision.counted import applies
from gateway.core.revision.decode import Mistakes
from gateway.core.used import paths_in, whole


def check_records(document: Document, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    """Report names to withhold that no condition can read, and classes of retention that no record can belong to."""
    for index, name in enumerate(document.records.withhold):
        if problem := _problem(name):
            fix = 'write it as conditions do, such as request.message.body, facts.traits["income"] or call.subject'
            mistakes.add(("records", "withhold", index), f"{name!r} {problem}", fix=fix)
    if mistakes.under("contracts"):
        return
    for index, each in enumerate(document.retention):
        if not any(applies(each, contract) for contract in contracts):
            problem = f"the class {each.name!r} covers no described method"
            mistakes.add(("retention", index), problem, fix="widen it, or remove it")


def _problem(name: str) -> str:
    """What is wrong with a name to withhold; empty for one that is good."""
    if whole(name):
        return ""
    found = paths_in(name)
    if [path.name for path in found] != [name]:
        return "is no name of a request field, a fact, or of the call's subject or contact point"
    path = found[0]
    if path.origin == "facts" and fact_reader(path.steps) is None and path.steps not in _WHOLE:
        return "is no fact that rules know"
    return ""


_WHOLE = (("traits",), ("scores",), ("consents",))
"""Maps of facts: withheld as a whole, all that is in them is."""
