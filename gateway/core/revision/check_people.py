"""Cross-checks of the people: does every key belong to one of them, and can a revision still become active?"""

from gateway.core.policy.document import Document
from gateway.core.revision.decode import Mistakes


def check_people(document: Document, mistakes: Mistakes) -> None:
    """Report keys that two people share, and people who could never publish anything again."""
    if not document.people:
        if document.approvals.required > 1:
            mistakes.add(("approvals",), "approvals-of-nobody")
        return
    owners: dict[str, str] = {}
    for index, person in enumerate(document.people):
        owner = owners.setdefault(person.public_key, person.name)
        if owner != person.name:
            mistakes.add(("people", index, "public_key"), "person-key-shared", name=person.name, owner=owner)
    if mistakes.under("people"):
        return
    approvers = {person.name for person in document.people if person.may_approve}
    required = document.approvals.required
    if not any(len(approvers - {each.name}) >= required for each in document.people if each.may_write):
        mistakes.add(("people",), "people-too-few", required=required)
