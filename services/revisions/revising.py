"""Proposing, approving and taking back revisions; what the commands of `services.commands.revision_commands` do."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, NamedTuple

import msgspec

from gateway.activation.loading import canonical, load_stored
from gateway.adapters.proposals import Proposal, ProposalConflict, ProposalProblem, Proposals
from gateway.adapters.revisions import ProposalChanged, Published, RevisionConflict, RevisionStore, stated
from gateway.clock import clock_ms
from gateway.core.authority import Authority, Entry, How, SignedVote, Statement, Vote, authority_in, lasting_in
from gateway.core.changes import Change, changes
from gateway.core.merging import Merge, merge
from gateway.core.movement import NotOnlyMoved, carried, followed, restored
from gateway.core.policy.document import Document
from gateway.core.revision.decode import PolicyInvalid
from gateway.core.trust import Trusted, matches, restores_approved
from gateway.mistakes.saying import Problem
from gateway.redis_clients import Client
from gateway.signing import Signer, verify
from services.not_done import NotDone
from services.probes.gate import Lacking, lacking
from services.probes.store import SuiteStore
from services.revisions.texts import say

ATTEMPTS: Final = 50
MOST_CHARACTERS: Final = 1000


Act = Literal["approve", "refuse", "withdraw"]
"""What people may do about a proposal."""


class Hand(NamedTuple):
    """Somebody who signs."""

    name: str
    signer: Signer


class RevisionProblem(NotDone):
    """It cannot be done; the code is that of a text in `services.revisions.texts`."""

    say = staticmethod(say)

    def said(self, language: str) -> str:
        """In words, also what state a proposal is in."""
        values = dict(self.values)
        if "state" in values:
            values["state"] = say(f"state-{values['state']}", language=language)
        return say(self.code, language=language, **values)


class Conflict(Exception):
    """Two people have edited at once. Nothing was changed; all three documents are here to be compared."""

    def __init__(
        self, *, base: int, active: int, documents: tuple[Document, Document, Document], number: int = 0
    ) -> None:
        super().__init__(f"{active} is active, not {base}")
        self.base = base
        self.active = active
        self.was, self.ours, self.theirs = documents
        self.number = number
        """Of the proposal; 0 for a file."""

    def sides(self) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
        """What they have changed since the base, and what we have."""
        return changes(self.was, self.theirs), changes(self.was, self.ours)


class Draft(NamedTuple):
    """A checked change that nobody has signed yet."""

    published: Published
    entry: Entry
    deciding: Authority
    """The people who decide; nobody where neither the active policy nor this one names any."""
    before: Entry | None
    """What is known of the revision that it follows."""
    active: int
    """The revision that it replaces: another one, where no gateway runs what the store says is active."""


class Made(NamedTuple):
    """What came of an edit: a revision that is active, or a proposal that waits."""

    revision: int
    sha256: str = ""
    proposal: Proposal | None = None
    deciding: Authority = Authority()
    restores: int = 0


class Revising:
    """Works on the revisions of one store. Every method raises `RedisError` when it does not answer."""

    def __init__(self, redis: Client, *, clock_ms: Callable[[], int] = clock_ms) -> None:
        self.store = RevisionStore(redis)
        self.proposals = Proposals(redis, verify=verify)
        self._suites = SuiteStore(redis)
        self._clock_ms = clock_ms

    async def apply(self, document: Document, *, hand: Hand | None, reason: str, expected: int | None) -> Made:
        """Make a policy active, or a proposal where people must agree. `expected` is the revision it was made from.

        Rollouts whose state the policy does not say stay where they are.

        Raises:
            Conflict: another revision is active than `expected`.
            RevisionProblem: somebody must sign, or may not.
            CellsFixed: a tenant has another number of cells.
        """
        return await self._made(
            hand, lambda author: self.draft(document, author=author, reason=reason, expected=expected)
        )

    async def rollback(self, number: int | None, *, hand: Hand | None, reason: str) -> Made:
        """Make an earlier revision's document active again, as a new revision; by default the last one that differs.

        Raises:
            RevisionProblem: there is none, or somebody must sign, or may not.
        """
        return await self._made(hand, lambda author: self.draft_back(number, author=author, reason=reason))

    async def draft(self, document: Document, *, author: str, reason: str, expected: int | None) -> Draft:
        """A policy as its author would sign it; see `apply`."""
        active, head = await self.store.head()
        content = canonical(document)
        if expected is not None and head != expected:
            content = await self._followed(content, base=expected, head=head)
        before = await self.store.read(head) if head else None
        if before is not None:
            content = carried(content, bytes(before.document))
        return await self._drafted(content, base=head, active=active, author=author, reason=reason)

    async def draft_back(self, number: int | None, *, author: str, reason: str) -> Draft:
        """Going back, as its author would sign it; see `rollback`."""
        active, head = await self.store.head()
        entries = await self.store.entries(range(1, head + 1))
        wanted = _before(head, entries) if number is None else number
        target = _steady(wanted, entries)
        now, earlier = await self._stored(head), await self._stored(wanted)
        content = restored(bytes(earlier.document), active=bytes(now.document), now_ms=self._clock_ms(), reason=reason)
        return await self._drafted(
            content, base=head, active=active, author=author, reason=reason, how="rollback", restores=target
        )

    async def drafted(self, content: bytes, statement: Statement) -> Draft:
        """A draft that comes back with its statement, from somebody who was given both.

        Raises:
            Conflict: another revision is active than its base.
            RevisionProblem: they do not belong together, or a rollout would be moved past its own commands.
        """
        await asyncio.to_thread(_usable, content)
        sha256 = hashlib.sha256(content).hexdigest()
        active, head = await self.store.head()
        if statement.base != head:
            raise await self._conflict(statement.base, head, content)
        before = await self.store.entry(head)
        if statement.how == "rollout" or statement.document != sha256:
            raise RevisionProblem("not-drafted")
        if statement.how == "rollback":  # which no suite must have passed: so it must be one
            earlier = await self._stored(statement.restores)
            if lasting_in(bytes(earlier.document)) != lasting_in(content):
                raise RevisionProblem("not-drafted")
        published = Published(
            sha256=sha256,
            author=statement.author,
            created_ms=statement.created_ms,
            reason=statement.reason,
            document=msgspec.Raw(content),
        )
        entry = Entry(statement=statement, authority=authority_in(content), after=head)
        if not matches(content, entry) or statement.base_sha256 != ("" if before is None else before.statement.sha256):
            raise RevisionProblem("not-drafted")
        return Draft(published, entry, _deciding(before, entry.authority), before, active)

    async def submit(self, draft: Draft, *, signature: str) -> Made:
        """Make a signed draft active where nobody else must agree, or a proposal.

        Raises:
            RevisionConflict: another revision has become active since.
            RevisionProblem: the author may not write policies, the signature is wrong, or a suite of probes that must
                have passed has not.
            CellsFixed: a tenant has another number of cells.
        """
        entry = msgspec.structs.replace(draft.entry, signature=signature)
        if entry.statement.how == "apply":
            await self._probed(bytes(draft.published.document), base=entry.statement.base)
        sha256, restores = draft.published.sha256, draft.entry.statement.restores
        if not draft.deciding.people or await self._is_approved(entry, draft.before):
            number = await self.store.add(draft.published, entry, replacing=draft.active)
            return Made(number, sha256, deciding=draft.deciding, restores=restores)
        proposal = await self._proposed(draft.published, msgspec.structs.replace(entry, after=0))
        return Made(0, sha256, proposal, draft.deciding, restores)

    async def changed(self, draft: Draft) -> tuple[Change, ...]:
        """What a draft changes of the active revision."""
        base = draft.entry.statement.base
        return changes(await self.document(base), _decoded(bytes(draft.published.document), base))

    async def changes(self, proposal: Proposal) -> tuple[Change, ...]:
        """What a proposal changes of the revision that it was made from."""
        base = await self.document(proposal.entry.statement.base)
        return changes(base, _decoded(bytes(proposal.published.document), proposal.number))

    async def vote(self, number: int, *, hand: Hand, act: Act, comment: str) -> tuple[Proposal, int]:
        """Approve, refuse or withdraw a proposal; gives it as it is then, and how many more must agree.

        Raises:
            Conflict: another revision is active than its base.
            RevisionProblem: the vote does not count.
            CellsFixed: a tenant has another number of cells.
        """
        return await self.count(number, self.ballot(hand, act=act, comment=comment), approves=act == "approve")

    def ballot(self, hand: Hand, *, act: Act, comment: str) -> Callable[[Proposal], SignedVote]:
        """Signs what somebody says about a proposal, once it is known as it stands.

        Raises:
            RevisionProblem: the comment is too long.
        """
        if len(comment) > MOST_CHARACTERS:
            raise RevisionProblem("comment")

        def cast_by(proposal: Proposal) -> SignedVote:
            said = Vote(
                act=act,
                statement=proposal.entry.statement.sha256,
                person=hand.name,
                comment=comment,
                created_ms=self._clock_ms(),
            )
            return SignedVote(vote=said, signature=hand.signer.sign(said.signed))

        return cast_by

    async def count(
        self, number: int, cast_by: Callable[[Proposal], SignedVote], *, approves: bool
    ) -> tuple[Proposal, int]:
        """Count a signed vote; see `vote`."""
        try:
            proposal = await self.proposals.read(number)
            if approves:
                await asyncio.to_thread(_usable, bytes(proposal.published.document))
                if proposal.entry.statement.how == "apply":
                    await self._probed(bytes(proposal.published.document), base=proposal.entry.statement.base)
            proposal = await self.proposals.vote(number, cast_by)
        except ProposalProblem as problem:
            raise RevisionProblem(problem.code, **problem.values) from problem
        except ProposalChanged as changed:
            raise RevisionProblem("busy") from changed
        except ProposalConflict as conflict:
            base = conflict.proposal.entry.statement.base
            content = bytes(conflict.proposal.published.document)
            raise await self._conflict(base, conflict.active, content, number=number) from conflict
        required = (await self.deciding(proposal)).required
        return proposal, max(0, required - len(proposal.entry.approvals))

    async def rebase(self, content: bytes, *, base: int) -> tuple[Merge, Conflict]:
        """A draft that was made from `base` and what is active by now, together, or where they meet."""
        _, active = await self.store.head()
        three = await self._conflict(base, active, content)
        return merge(three.was, three.ours, three.theirs), three

    async def proposal(self, number: int) -> Proposal:
        """A proposal.

        Raises:
            RevisionProblem: there is none, or it is damaged.
        """
        try:
            return await self.proposals.read(number)
        except ProposalProblem as problem:
            raise RevisionProblem(problem.code, **problem.values) from problem

    async def deciding(self, proposal: Proposal) -> Authority:
        """The people who decide about a proposal."""
        return _deciding(await self.store.entry(proposal.entry.statement.base), proposal.entry.authority)

    async def document(self, number: int) -> Document:
        """The document of a revision; 0 is an empty one.

        Raises:
            RevisionProblem: there is none, or it cannot be read.
        """
        if number == 0:
            return Document(agents=(), upstreams=(), routes=(), rules=())
        return _decoded(bytes((await self._stored(number)).document), number)

    async def _made(self, hand: Hand | None, draft: Callable[[str], Awaitable[Draft]]) -> Made:
        """Draft, sign and submit, again where others are faster."""
        for _ in range(ATTEMPTS):
            drafted = await draft(hand.name if hand else "")
            if drafted.deciding.people and hand is None:
                raise RevisionProblem("who", names=", ".join(each.name for each in drafted.deciding.people))
            asked = hand is not None and drafted.deciding.people
            try:
                return await self.submit(
                    drafted, signature=hand.signer.sign(drafted.entry.statement.signed) if hand and asked else ""
                )
            except RevisionConflict:
                continue
        raise RevisionProblem("busy")

    async def _drafted(
        self,
        content: bytes,
        *,
        base: int,
        active: int,
        author: str,
        reason: str,
        how: How = "apply",
        restores: int = 0,
    ) -> Draft:
        await asyncio.to_thread(_usable, content)
        before = await self.store.entry(base)
        deciding = _deciding(before, authority_in(content))
        if deciding.people and author and not 1 <= len(reason) <= MOST_CHARACTERS:
            raise RevisionProblem("reason")
        revision = Published(
            sha256=hashlib.sha256(content).hexdigest(),
            author=author,
            created_ms=self._clock_ms(),
            reason=reason,
            document=msgspec.Raw(content),
        )
        statement = stated(revision, how=how, base=base, base_entry=before, restores=restores)
        return Draft(
            revision, Entry(statement=statement, authority=authority_in(content), after=base), deciding, before, active
        )

    async def _is_approved(self, entry: Entry, before: Entry | None) -> bool:
        """Whether it brings back what was approved before, and its author may do that."""
        base = entry.statement.base
        if entry.statement.how != "rollback" or before is None or not before.authority.people:
            return False
        person = before.authority.person(entry.statement.author)
        if (
            person is None
            or not person.may_write
            or not verify(person.public_key, entry.signature, entry.statement.signed)
        ):
            return False  # as a proposal it is refused with words
        trusted = Trusted(number=base, sha256=before.statement.sha256, lasting="", authority=before.authority)
        return restores_approved(entry, trusted, await self.store.entries(range(1, base + 1)), verify=verify)

    async def _proposed(self, revision: Published, entry: Entry) -> Proposal:
        try:
            return await self.proposals.propose(revision, entry)
        except ProposalProblem as problem:
            raise RevisionProblem(problem.code, **problem.values) from problem

    async def _probed(self, content: bytes, *, base: int) -> None:
        """See that what must have passed its probes has."""
        document = _decoded(content, base)
        active = await self.document(base) if base else None
        found = await lacking(self._suites, document, content, active=active)
        if found:
            raise RevisionProblem(f"probes-{found[0].why}", **_named(found[0], more=len(found) - 1))

    async def _conflict(self, base: int, active: int, content: bytes, *, number: int = 0) -> Conflict:
        documents = (await self.document(base), _decoded(content, number), await self.document(active))
        return Conflict(base=base, active=active, documents=documents, number=number)

    async def _followed(self, content: bytes, *, base: int, head: int) -> bytes:
        """A document made from `base`, with the steps that rollouts have taken since; anything else is a conflict."""
        if not await self.store.only_moved(base, head):
            raise await self._conflict(base, head, content)
        was, now = await self._stored(base), await self._stored(head)
        try:
            return followed(content, base=bytes(was.document), active=bytes(now.document))
        except NotOnlyMoved as moved:
            raise await self._conflict(base, head, content) from moved

    async def _stored(self, number: int) -> Published:
        try:
            found = await self.store.read(number)
        except msgspec.DecodeError as error:
            raise RevisionProblem("revision-unreadable", number=number) from error
        if found is None:
            raise RevisionProblem("revision-unknown" if number else "no-policy", number=number)
        return found


def _deciding(before: Entry | None, own: Authority) -> Authority:
    return before.authority if before is not None and before.authority.people else own


def _before(active: int, entries: dict[int, Entry]) -> int:
    """The last revision before the active one that says something else."""
    number = active
    while (entry := entries.get(number)) is not None and entry.statement.lasting == entries[active].statement.lasting:
        if entry.after in (0, number):
            raise RevisionProblem("nothing-before" if active else "no-policy", number=number)
        number = entry.after
    if number == active:
        raise RevisionProblem("nothing-before" if active else "no-policy", number=active)
    return number


def _steady(number: int, entries: dict[int, Entry]) -> int:
    """The revision that a step of a rollout belongs to; any other one itself."""
    while (entry := entries.get(number)) is not None and entry.statement.how == "rollout" and entry.after < number:
        number = entry.after
    return number


def _named(lack: Lacking, *, more: int) -> dict[str, Any]:
    """What the texts about a suite fill in: how it is run for exactly this, and how many others lack besides."""
    flags = "--policy FILE" + (f" --version {lack.asked.version}" if lack.asked.version else "")
    return {"suite": lack.asked.suite, "command": f"pilote probe {lack.asked.suite} {flags}", "more": more}


def _decoded(content: bytes, number: int) -> Document:
    try:
        return msgspec.json.decode(content, type=Document)
    except msgspec.DecodeError as error:
        raise RevisionProblem("revision-unreadable", number=number) from error


def _usable(content: bytes) -> None:
    """Check what would become active once more: it may have been put together from two documents."""
    try:
        load_stored(content)
    except PolicyInvalid as invalid:
        first = invalid.mistakes[0]
        raise RevisionProblem(
            "unusable", count=len(invalid.mistakes), path=first.path, problem=Problem(first)
        ) from invalid
    except msgspec.DecodeError as error:
        raise RevisionProblem("revision-unreadable", number="") from error
