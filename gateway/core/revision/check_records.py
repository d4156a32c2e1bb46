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
        if code := _mistake(name):
            mistakes.add(("records", "withhold", index), code, name=name)
    if mistakes.under("contracts"):
        return
    for index, each in enumerate(document.retention):
        if not any(applies(each, contract) for contract in contracts):
            mistakes.add(("retention", index), "retention-covers-nothing", name=each.name)


def _mistake(name: str) -> str:
    """What is wrong with a name to withhold, as a code; empty for one that is good."""
    if whole(name):
        return ""
    found = paths_in(name)
    if [path.name for path in found] != [name]:
        return "withhold-unknown"
    path = found[0]
    if path.origin == "facts" and fact_reader(path.steps) is None and path.steps not in _WHOLE:
        return "withhold-no-fact"
    return ""


_WHOLE = (("traits",), ("scores",), ("consents",))
"""Maps of facts: withheld as a whole, all that is in them is."""
