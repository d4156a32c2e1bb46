"""Cross-checks of the people: does every key belong to one of them, and can a revision still become active?"""

from gateway.core.policy.document import Document
from gateway.core.revision.decode import Mistakes


def check_people(document: Document, mistakes: Mistakes) -> None:
    """Report keys that two people share, and people who could never publish anything again."""
    if not document.people:
        if document.approvals.required > 1:
            fix = "list them in `people`, or remove `approvals`"
            mistakes.add(("approvals",), "nobody is there to agree: the policy names no people", fix=fix)
        return
    owners: dict[str, str] = {}
    for index, person in enumerate(document.people):
        owner = owners.setdefault(person.public_key, person.name)
        if owner != person.name:
            problem = f"{person.name!r} has the key of {owner!r}, so one of them could agree with themselves"
            mistakes.add(("people", index, "public_key"), problem, fix="make a key for each person: pilote people new")
    if mistakes.under("people"):
        return
    approvers = {person.name for person in document.people if person.may_approve}
    required = document.approvals.required
    if not any(len(approvers - {each.name}) >= required for each in document.people if each.may_write):
        problem = f"nobody could ever publish a policy again: {required} other(s) must agree with whoever writes it"
        fix = "name more people with `may_write` or `may_approve`, or require fewer `approvals`"
        mistakes.add(("people",), problem, fix=fix)
