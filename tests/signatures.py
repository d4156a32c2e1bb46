"""People with keys, and what they sign, for tests."""

import hashlib
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.adapters.revisions import Published, stated
from gateway.core.authority import Entry, How, SignedVote, Statement, Vote, authority_in
from gateway.signing import Signer


def signer(name: str) -> Signer:
    """The key of a person of these tests; the same for the same name."""
    return Signer(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


def person(name: str, **rights: Any) -> dict[str, Any]:
    """A person as a policy names them."""
    return {"name": name, "public_key": signer(name).public_key, **rights}


PEOPLE: Final = [person("ada"), person("bob"), person("eve", may_write=False), person("dan", may_approve=False)]
"""ada and bob may do both, eve only approves, dan only writes."""


def vote(statement: Statement, name: str, *, act: Any = "approve", comment: str = "") -> SignedVote:
    """A person's vote."""
    said = Vote(act=act, statement=statement.sha256, person=name, comment=comment, created_ms=2)
    return SignedVote(vote=said, signature=signer(name).sign(said.signed))


def published(document: bytes, *, author: str = "", reason: str = "why", created_ms: int = 1) -> Published:
    """A document as it is stored."""
    sha256 = hashlib.sha256(document).hexdigest()
    return Published(sha256=sha256, author=author, created_ms=created_ms, reason=reason, document=msgspec.Raw(document))


def entry(
    revision: Published,
    *approvers: str,
    base: int = 0,
    before: Entry | None = None,
    how: How = "apply",
    restores: int = 0,
    after: int | None = None,
) -> Entry:
    """Who made a revision, signed by its author, who need not have the right to."""
    statement = stated(revision, how=how, base=base, base_entry=before, restores=restores)
    return Entry(
        statement=statement,
        signature=signer(revision.author).sign(statement.signed) if revision.author else "",
        authority=authority_in(bytes(revision.document)),
        approvals=tuple(vote(statement, name) for name in approvers),
        after=base if after is None else after,
    )
