"""The people of a policy who have accounts: whoever may write or approve policies is put there, with their own key.

So gateways know whose signatures count, and need not trust the control plane with it. The change is a part of the
policy like any other: it is shown, and somebody else agrees to it.
"""

from collections.abc import Iterable, Sequence

import msgspec

from gateway.core.policy.document import Document
from gateway.core.policy.people import Person
from services.control.drafts.store import DraftProblem


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """An account, as far as the policy knows of it."""

    name: str
    public_key: str
    """Of the key that it signs with; empty until there is one."""
    may_write: bool
    may_approve: bool
    """Both on all tenants: the policy is one for all."""

    @property
    def counts(self) -> bool:
        """Whether it is to stand in the policy."""
        return bool(self.public_key) and (self.may_write or self.may_approve)


def with_people(document: Document, holders: Iterable[Holder]) -> Document:
    """The policy with the accounts among its people; who has no account stays as they are.

    An account that may do neither any more, or is not active, is taken out. Roles of the policy's own are kept.

    Raises:
        DraftProblem: nobody else could agree to what one of them writes.
    """
    by_name = {holder.name: holder for holder in holders}
    kept = [_kept(person, by_name.get(person.name)) for person in document.people]
    people = [person for person in kept if person is not None]
    known = {person.name for person in document.people}
    people += [_person(holder) for _, holder in sorted(by_name.items()) if holder.counts and holder.name not in known]
    if not _can_agree(people, document.approvals.required):
        raise DraftProblem("people-alone")
    return msgspec.structs.replace(document, people=tuple(people))


def _kept(person: Person, holder: Holder | None) -> Person | None:
    if holder is None:
        return person
    if not holder.counts:
        return None
    rights = {"may_write": holder.may_write, "may_approve": holder.may_approve}
    return msgspec.structs.replace(person, public_key=holder.public_key, **rights)


def _person(holder: Holder) -> Person:
    return Person(
        name=holder.name,
        public_key=holder.public_key,
        may_write=holder.may_write,
        may_approve=holder.may_approve,
    )


def _can_agree(people: Sequence[Person], required: int) -> bool:
    approvers = {person.name for person in people if person.may_approve}
    return any(len(approvers - {person.name}) >= required for person in people if person.may_write)
