"""Whether a revision may be trusted: does it follow, step by step properly signed, from one that is?

Pure: who asks brings what is known of all revisions (`Entry`, no documents), the revision that it trusts already, and
a way to verify signatures.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec

from gateway.core.authority import (
    Authority,
    Entry,
    SignedVote,
    Statement,
    Verify,
    authority_in,
    digest_of,
    lasting_in,
)

Why = Literal["altered", "unsigned", "author", "approvals", "forked", "rollout", "strangers", "damaged"]
WORDS: Final[Mapping[Why, tuple[str, str]]] = {
    "altered": (
        "it is not what its author signed; find out who wrote to the store",
        "elle n’est pas ce que son auteur a signé ; cherchez qui a écrit dans le stockage",
    ),
    "unsigned": (
        "the policy names people, but nobody signed it; publish it with `pilote apply --author --key`",
        "la politique nomme des personnes, mais personne ne l’a signée ; publiez-la avec `pilote apply --author --key`",
    ),
    "author": (
        "its author is nobody who may write policies; see `people` of the revision before",
        "son auteur n’a pas le droit d’écrire des politiques ; voyez `people` de la révision précédente",
    ),
    "approvals": (
        "too few people other than its author have agreed; find out who wrote to the store",
        "trop peu de personnes autres que son auteur l’ont approuvée ; cherchez qui a écrit dans le stockage",
    ),
    "forked": (
        "it does not follow from the revision that runs; find out who wrote to the store",
        "elle ne découle pas de la révision en cours ; cherchez qui a écrit dans le stockage",
    ),
    "rollout": (
        "it claims to move a rollout, but changes something else; find out who wrote to the store",
        "elle prétend faire avancer un déploiement, mais change autre chose ; cherchez qui a écrit dans le stockage",
    ),
    "strangers": (
        "none of the trusted people has signed anything that leads to it; see PILOTE_TRUSTED_PEOPLE_FILE",
        "aucune des personnes de confiance n’a signé ce qui y mène ; voyez PILOTE_TRUSTED_PEOPLE_FILE",
    ),
    "damaged": ("it cannot be read", "elle est illisible"),
}


class Distrusted(Exception):
    """The revision must not run; `why` is a key of `WORDS`."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


class Trusted(msgspec.Struct, frozen=True, kw_only=True):
    """A revision that was found to be right; what follows must follow from it."""

    number: int = 0
    sha256: str = ""
    """Digest of its statement."""
    lasting: str = ""
    authority: Authority = Authority()


def judge(
    number: int,
    entries: Mapping[int, Entry],
    *,
    pinned: Trusted | None,
    root: Authority | None,
    verify: Verify,
) -> Trusted:
    """The revision as one to trust from now on.

    `pinned` is the one that is trusted so far; without it trust begins with what the people of `root` have signed, and
    without those with the first revision there is: on first use.

    Raises:
        Distrusted: it must not run.
    """
    chain = list(_ancestors(number, entries))  # newest first
    if not chain:
        raise Distrusted("unsigned")
    trust, rest = _begin(chain, entries, pinned=pinned, root=root, verify=verify)
    for each in rest:
        trust = _follow(trust, each, entries, verify=verify)
    return trust


def matches(document: bytes, entry: Entry) -> bool:
    """Whether the document is the one that the statement speaks of.

    Where steps of rollouts came between base and activation, it is another in where its rollouts stand.
    """
    statement = entry.statement
    if entry.after in (0, statement.base) and statement.document != hashlib.sha256(document).hexdigest():
        return False
    return statement.authority == digest_of(authority_in(document)) and statement.lasting == lasting_in(document)


def enough(entry: Entry, deciding: Authority, *, verify: Verify) -> bool:
    """Whether as many people as must agree have agreed.

    Raises:
        Distrusted: an approval is not what somebody who may approve has signed.
    """
    return len(approving(entry, deciding, verify=verify)) >= deciding.required


def approving(entry: Entry, deciding: Authority, *, verify: Verify) -> set[str]:
    """The people other than the author who have agreed.

    Raises:
        Distrusted: an approval is not what somebody who may approve has signed.
    """
    return {_voter(entry.statement, each, deciding, verify=verify) for each in entry.approvals}


def deciding_about(entry: Entry, before: Authority) -> Authority:
    """Who decides about a revision: the people of the one before; where that names none, its own."""
    return before if before.people else entry.authority


def signed_by_author(entry: Entry, deciding: Authority, *, verify: Verify) -> None:
    """Check the author's right and signature.

    Raises:
        Distrusted: the author may not write policies, or has not signed this.
    """
    if not entry.signature:
        raise Distrusted("unsigned")
    person = deciding.person(entry.statement.author)
    if person is None or not person.may_write:
        raise Distrusted("author")
    if not verify(person.public_key, entry.signature, entry.statement.signed):
        raise Distrusted("altered")


def _ancestors(number: int, entries: Mapping[int, Entry]) -> Iterator[int]:
    """The revision and all that it follows from, newest first, as far as they are known."""
    while (entry := entries.get(number)) is not None:
        yield number
        if entry.after >= number:
            return
        number = entry.after


def _begin(
    chain: list[int],
    entries: Mapping[int, Entry],
    *,
    pinned: Trusted | None,
    root: Authority | None,
    verify: Verify,
) -> tuple[Trusted, list[int]]:
    """What is trusted already, and what follows from it, oldest first."""
    if pinned is not None and (pinned.authority.people or root is not None):
        if pinned.number not in chain or entries[pinned.number].statement.sha256 != pinned.sha256:
            raise Distrusted("forked")
        return pinned, chain[: chain.index(pinned.number)][::-1]
    oldest_first = chain[::-1]
    if root is None:
        return Trusted(number=entries[oldest_first[0]].after), oldest_first
    for place, number in enumerate(oldest_first):
        if _vouched(entries[number], root, verify=verify):
            return _trusted(number, entries[number]), oldest_first[place + 1 :]
    raise Distrusted("strangers")


def _vouched(entry: Entry, root: Authority, *, verify: Verify) -> bool:
    if entry.statement.how != "apply" or entry.statement.authority != digest_of(entry.authority):
        return False
    try:
        signed_by_author(entry, root, verify=verify)
        return enough(entry, root, verify=verify)
    except Distrusted:
        return False


def _follow(before: Trusted, number: int, entries: Mapping[int, Entry], *, verify: Verify) -> Trusted:
    entry = entries[number]
    statement = entry.statement
    if statement.authority != digest_of(entry.authority):
        raise Distrusted("altered")
    deciding = deciding_about(entry, before.authority)
    if not deciding.people:
        return _trusted(number, entry)
    if statement.how == "rollout" and before.authority.people:
        if (statement.lasting, statement.authority) != (before.lasting, digest_of(before.authority)):
            raise Distrusted("rollout")
        if (statement.base, statement.base_sha256) != (before.number, before.sha256):
            raise Distrusted("forked")
        if entry.signature or statement.author:  # a person moved it, or somebody says so
            signed_by_author(entry, deciding, verify=verify)
        return _trusted(number, entry)
    _built_on(entry, before, entries)
    signed_by_author(entry, deciding, verify=verify)
    if not enough(entry, deciding, verify=verify) and not restores_approved(entry, before, entries, verify=verify):
        raise Distrusted("approvals")
    return _trusted(number, entry)


def _built_on(entry: Entry, before: Trusted, entries: Mapping[int, Entry]) -> None:
    """Between base and what was active before there may be steps of rollouts only; statements link each to the next."""
    if not before.authority.people and not before.sha256:
        return  # the first revision there is
    number, sha256 = before.number, before.sha256
    while number != entry.statement.base:
        step = entries.get(number)
        if step is None or step.statement.how != "rollout" or step.statement.base >= number:
            raise Distrusted("forked")
        number, sha256 = step.statement.base, step.statement.base_sha256
    if sha256 != entry.statement.base_sha256:
        raise Distrusted("forked")


def restores_approved(entry: Entry, before: Trusted, entries: Mapping[int, Entry], *, verify: Verify) -> bool:
    """Whether it brings back, with the people of now, what others than its author have approved before."""
    statement = entry.statement
    if statement.how != "rollback" or statement.authority != digest_of(before.authority):
        return False
    number, sha256 = before.number, before.sha256
    while (older := entries.get(number)) is not None and older.statement.sha256 == sha256:
        if number == statement.restores:
            return older.statement.lasting == statement.lasting and _approved(number, entries, verify=verify)
        if older.statement.base >= number:
            return False
        number, sha256 = older.statement.base, older.statement.base_sha256
    return False


def _approved(number: int, entries: Mapping[int, Entry], *, verify: Verify) -> bool:
    """Whether the revision's document was approved when it became active; steps of rollouts are part of what was."""
    entry = entries.get(number)
    if entry is None:
        return False
    base = entries.get(entry.statement.base)
    before = Authority() if base is None else base.authority
    if base is not None and base.statement.sha256 != entry.statement.base_sha256:
        return False
    # Only statements are linked to each other: who else is named beside them must be who they name.
    if any(each.statement.authority != digest_of(each.authority) for each in (entry, base) if each is not None):
        return False
    if entry.statement.how == "rollout":
        follows = base is not None and base.statement.lasting == entry.statement.lasting
        return follows and entry.statement.base < number and _approved(entry.statement.base, entries, verify=verify)
    deciding = deciding_about(entry, before)
    try:
        if not deciding.people or not enough(entry, deciding, verify=verify):
            raised = _trusted(entry.statement.base, base) if base is not None else Trusted()
            return restores_approved(entry, raised, entries, verify=verify)
    except Distrusted:
        return False
    return True


def _trusted(number: int, entry: Entry) -> Trusted:
    statement = entry.statement
    return Trusted(number=number, sha256=statement.sha256, lasting=statement.lasting, authority=entry.authority)


def _voter(statement: Statement, each: SignedVote, deciding: Authority, *, verify: Verify) -> str:
    vote, person = each.vote, deciding.person(each.vote.person)
    if person is None or not person.may_approve or person.name == statement.author or vote.act != "approve":
        raise Distrusted("approvals")
    if vote.statement != statement.sha256 or not verify(person.public_key, each.signature, vote.signed):
        raise Distrusted("altered")
    return person.name
