"""Who may change the policy: what people sign, who has agreed to what, and the digests that both rest on.

Everything signed begins with a domain of its own, so that a signature for one purpose is none for another, and is the
canonical JSON of a struct here. A further field changes what is signed: give the domain another version then.
"""

import hashlib
from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec

from gateway.core.policy.document import Document
from gateway.core.policy.people import Approvals, LookAt, Person
from gateway.core.policy.vocabulary import Sha256

STATEMENT: Final = b"pilote.dev/revision/v1\n"
VOTE: Final = b"pilote.dev/vote/v1\n"
AUTHORITY: Final = b"pilote.dev/authority/v1\n"
LASTING: Final = b"pilote.dev/lasting/v1\n"
MOVEMENT: Final = ("about", "cause", "reason", "since_ms", "state", "step")
"""The fields of a rollout that a move changes, the controller's or a person's."""

How = Literal["apply", "rollback", "rollout"]
Signature = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{128})?\Z")]
"""Ed25519, 64 bytes in hexadecimal digits; empty: unsigned."""
Verify = Callable[[str, str, bytes], bool]
"""Whether a signature is right: public key and signature in hexadecimal digits, and what was signed."""


class Authority(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The people of a policy. Where it names none, nobody is asked."""

    people: tuple[Person, ...] = ()
    required: Annotated[int, msgspec.Meta(ge=1)] = 1
    """How many people other than the author must agree."""
    look: LookAt = "none"
    """What must have been looked at before."""

    def person(self, name: str) -> Person | None:
        """The person of that name."""
        return next((person for person in self.people if person.name == name), None)


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an author says of a revision, and signs."""

    how: How = "apply"
    document: Sha256
    """Of the document's canonical JSON."""
    lasting: Sha256
    """See `lasting_in`."""
    authority: Sha256
    """See `digest_of`: of the people that this revision names."""
    base: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The revision that it was made from; 0 for none."""
    base_sha256: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    """Digest of that revision's statement: so every statement vouches for all that came before it."""
    restores: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Of a rollback: the revision whose document comes back."""
    author: str = ""
    reason: str = ""
    created_ms: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def signed(self) -> bytes:
        """The bytes that the author signs."""
        return STATEMENT + msgspec.json.encode(self, order="sorted")

    @property
    def sha256(self) -> str:
        """Its digest, by which votes and later statements name it."""
        return hashlib.sha256(self.signed).hexdigest()


class Vote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says of a proposal: of exactly that document on exactly that base."""

    act: Literal["approve", "refuse", "withdraw"] = "approve"
    statement: Sha256
    """Digest of the proposal's statement."""
    person: str
    comment: str = ""
    created_ms: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def signed(self) -> bytes:
        """The bytes that the person signs."""
        return VOTE + msgspec.json.encode(self, order="sorted")


class SignedVote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vote and its signature."""

    vote: Vote
    signature: Signature


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One revision without its document: who made it, from what, and who has agreed."""

    statement: Statement
    signature: Signature = ""
    """The author's."""
    authority: Authority = Authority()
    """The people that this revision names; they decide about the next one."""
    approvals: tuple[SignedVote, ...] = ()
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The revision that was active before. Between it and the base there may be steps of rollouts, nothing else."""

    @property
    def activated_ms(self) -> int:
        """When it became active: when it was made, or the last of those who had to agree did, in milliseconds."""
        return max([self.statement.created_ms, *(each.vote.created_ms for each in self.approvals)])


class _Parts(msgspec.Struct, frozen=True):
    people: tuple[Person, ...] = ()
    approvals: Approvals = Approvals()


def authority(people: tuple[Person, ...], approvals: Approvals) -> Authority:
    """The people and how they must agree."""
    return Authority(people=people, required=approvals.required, look=approvals.look)


def authority_of(document: Document) -> Authority:
    """The people of a document."""
    return authority(document.people, document.approvals)


def authority_in(document: bytes) -> Authority:
    """The people of a document given as JSON; nobody where it is no policy, which gateways then say."""
    try:
        parts = msgspec.json.decode(document, type=_Parts)
    except msgspec.DecodeError:
        return Authority()
    return authority(parts.people, parts.approvals)


def digest_of(authority: Authority) -> str:
    """SHA-256 of an authority."""
    return hashlib.sha256(AUTHORITY + msgspec.json.encode(authority, order="sorted")).hexdigest()


def sections_in(document: bytes) -> dict[str, msgspec.Raw]:
    """The sections of a document given as JSON; none where it is no policy."""
    try:
        return msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return {}


def lasting_in(document: bytes) -> str:
    """SHA-256 of a document but for its people and where its rollouts stand.

    So it can be told without the documents at hand that a revision only moves rollouts, or brings an earlier one back.
    """
    digest = hashlib.sha256(LASTING)
    sections = sections_in(document)
    if not sections:
        digest.update(document)
    for name in sorted(sections):
        if name not in ("people", "approvals"):
            section = _unmoved(sections[name]) if name == "rollouts" else bytes(sections[name])
            digest.update(msgspec.json.encode([name, len(section)]))
            digest.update(section)
    return digest.hexdigest()


def _unmoved(rollouts: msgspec.Raw) -> bytes:
    try:
        parts = msgspec.json.decode(rollouts, type=list[dict[str, msgspec.Raw]])
    except msgspec.DecodeError:
        return bytes(rollouts)
    still = [{name: value for name, value in part.items() if name not in MOVEMENT} for part in parts]
    return msgspec.json.encode(still, order="sorted")
