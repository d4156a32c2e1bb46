"""Proposed revisions in Redis: written by one person, they wait until others agree, and then become active at once.

Whatever is stored here is checked again by every process that runs a revision (`gateway.adapters.trust`): a proposal
that somebody writes into the store by hand leads nowhere.
"""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal, cast

import msgspec

from gateway.adapters.revisions import (
    Closing,
    ProposalChanged,
    Published,
    RevisionConflict,
    RevisionStore,
)
from gateway.core import keys
from gateway.core.authority import Authority, Entry, SignedVote, Verify
from gateway.core.movement import NotOnlyMoved, followed
from gateway.core.trust import Distrusted, approving, deciding_about, enough, matches, signed_by_author
from gateway.redis_clients import Client

ATTEMPTS: Final = 300
"""How often a vote begins anew because another came first."""

State = Literal["waiting", "active", "refused", "withdrawn"]
_LOOKS: Final = ("plan", "backtest")
_CHANGE: Final = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""


class Look(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody has looked at what a proposal would do, and this is what they saw. Nobody signs it."""

    at: Literal["plan", "backtest"]
    at_ms: int
    calls: int = 0
    """Of a plan: those of late that it may touch. Of a backtest: those that would have ended otherwise."""
    of: int = 0
    """All calls of late, or all that were replayed."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A revision that waits for people, or did."""

    number: int
    state: State = "waiting"
    published: Published
    entry: Entry
    """Without `after`, which is known once it is active."""
    revision: int = 0
    """The revision that it became."""
    ended: SignedVote | None = None
    """Who refused or withdrew it, and why."""
    looks: tuple[Look, ...] = ()
    """The last of each kind, a plan first."""

    @property
    def stage(self) -> Literal["checked", "planned", "backtested"]:
        """How far it was looked at. What cannot be compiled never becomes a proposal, so all are checked."""
        seen = {look.at for look in self.looks}
        return "backtested" if "backtest" in seen else "planned" if seen else "checked"


class ProposalProblem(Exception):
    """A vote that does not count. `code` names a text of `services.revisions.texts`."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class ProposalConflict(Exception):
    """Another revision than the proposal's base has become active, so that nobody has agreed to this on top of that."""

    def __init__(self, proposal: Proposal, active: int) -> None:
        super().__init__(f"proposal {proposal.number} was made from {proposal.entry.statement.base}, not {active}")
        self.proposal = proposal
        self.active = active


class Proposals:
    """Proposals and votes. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client, *, verify: Verify) -> None:
        self._redis = redis
        self._store = RevisionStore(redis)
        self._verify = verify

    async def propose(self, published: Published, entry: Entry) -> Proposal:
        """Store a proposal that its author has signed.

        Raises:
            RevisionConflict: another revision is active than its base.
            ProposalProblem: the author may not write policies, or has not signed exactly this.
        """
        _, head = await self._store.head()
        if head != entry.statement.base:
            raise RevisionConflict(head)
        await self._authored(published, entry)
        number = int(await self._redis.incr(keys.LAST_PROPOSAL))
        proposal = Proposal(number=number, published=published, entry=entry)
        await self._redis.hset(keys.PROPOSALS, str(number), msgspec.json.encode(proposal))
        return proposal

    async def read(self, number: int) -> Proposal:
        """A proposal.

        Raises:
            ProposalProblem: there is none of that number, or it is damaged.
        """
        proposal, _ = await self._read(number)
        return proposal

    async def all(self) -> tuple[Proposal, ...]:
        """All proposals there ever were, by number; damaged ones are left out."""
        found = []
        for body in (await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(keys.PROPOSALS))).values():
            with contextlib.suppress(msgspec.DecodeError):
                found.append(msgspec.json.decode(body, type=Proposal))
        return tuple(sorted(found, key=lambda each: each.number))

    async def newest(self, count: int, *, before: int = 0) -> tuple[Proposal, ...]:
        """So many proposals, the newest first, of those with a lower number than `before` (0: of all).

        Each brings its whole document along, so these are not many; damaged ones are left out.
        """
        numbers = sorted(await self.numbers(), reverse=True)
        return await self.some([number for number in numbers if not before or number < before][:count])

    async def numbers(self) -> tuple[int, ...]:
        """The numbers of all proposals, in no order."""
        found = await cast("Awaitable[list[bytes]]", self._redis.hkeys(keys.PROPOSALS))
        return tuple(int(key) for key in found if key.isdigit())

    async def some(self, numbers: Sequence[int]) -> tuple[Proposal, ...]:
        """The proposals of these numbers, in that order; damaged ones are left out."""
        if not numbers:
            return ()
        found = []
        wanted = [str(number) for number in numbers]
        for body in await cast("Awaitable[list[bytes | None]]", self._redis.hmget(keys.PROPOSALS, wanted)):
            with contextlib.suppress(msgspec.DecodeError):
                found.append(msgspec.json.decode(body or b"", type=Proposal))
        return tuple(found)

    async def looked(self, number: int, look: Look) -> Proposal:
        """Remember that somebody has looked at what a proposal would do; nothing where it waits no more.

        Raises:
            ProposalProblem: there is none of that number, or it is damaged.
        """
        for _ in range(ATTEMPTS):
            proposal, body = await self._read(number)
            if proposal.state != "waiting":
                return proposal
            known = {each.at: each for each in proposal.looks} | {look.at: look}
            seen = msgspec.structs.replace(proposal, looks=tuple(known[at] for at in _LOOKS if at in known))
            try:
                await self._change(body, seen)
            except ProposalChanged:
                continue
            return seen
        raise ProposalChanged

    async def vote(self, number: int, cast_by: Callable[[Proposal], SignedVote]) -> Proposal:
        """Count a vote; an approval that makes them enough activates the revision in the same step.

        `cast_by` signs what it is shown. It may be asked again where somebody else was faster.

        Raises:
            ProposalProblem: the vote does not count.
            ProposalConflict: another revision than the base is active by now.
            CellsFixed: a tenant has another number of cells than the proposed policy says.
        """
        for _ in range(ATTEMPTS):
            proposal, body = await self._read(number)
            if proposal.state != "waiting":
                raise ProposalProblem("over", number=number, state=proposal.state, revision=proposal.revision)
            signed = cast_by(proposal)
            deciding = await self._deciding(proposal.entry)
            self._counts(proposal, signed, deciding)
            if signed.vote.act == "approve" and deciding.look not in ("none", *(each.at for each in proposal.looks)):
                raise ProposalProblem(f"look-{deciding.look}", number=number)
            try:
                if signed.vote.act == "approve":
                    return await self._approved(proposal, body, signed, deciding)
                state: State = "refused" if signed.vote.act == "refuse" else "withdrawn"
                ended = msgspec.structs.replace(proposal, state=state, ended=signed)
                await self._change(body, ended)
            except ProposalChanged:
                continue
            return ended
        raise ProposalChanged

    async def _approved(self, proposal: Proposal, body: bytes, signed: SignedVote, deciding: Authority) -> Proposal:
        entry = msgspec.structs.replace(proposal.entry, approvals=(*proposal.entry.approvals, signed))
        agreed = msgspec.structs.replace(proposal, entry=entry)
        active, head = await self._store.head()
        published = await self._up_to_date(agreed, head)
        if not enough(entry, deciding, verify=self._verify):
            await self._change(body, agreed)
            return agreed
        number = await self._store.next()
        done = msgspec.structs.replace(agreed, state="active", revision=number)
        closing = Closing(proposal.number, body, msgspec.json.encode(done), number)
        try:
            await self._store.add(
                published, msgspec.structs.replace(entry, after=head), replacing=active, closing=closing
            )
        except RevisionConflict as conflict:
            # It may be this very proposal that another approval has made active.
            raise ProposalChanged from conflict
        return done

    async def _up_to_date(self, proposal: Proposal, active: int) -> Published:
        """What becomes active: the proposed document, with the steps that rollouts have taken since.

        Raises:
            ProposalConflict: something else has changed since.
        """
        base, published = proposal.entry.statement.base, proposal.published
        if not await self._store.only_moved(base, active):
            raise ProposalConflict(proposal, active)
        if active == base:
            return published
        was, now = await self._store.read(base), await self._store.read(active)
        if was is None or now is None:
            raise ProposalConflict(proposal, active)
        try:
            document = followed(bytes(published.document), base=bytes(was.document), active=bytes(now.document))
        except NotOnlyMoved as moved:
            raise ProposalConflict(proposal, active) from moved
        sha256 = hashlib.sha256(document).hexdigest()
        return msgspec.structs.replace(published, document=msgspec.Raw(document), sha256=sha256)

    def _counts(self, proposal: Proposal, signed: SignedVote, deciding: Authority) -> None:
        vote, author = signed.vote, proposal.entry.statement.author
        person = deciding.person(vote.person)
        if person is None:
            raise ProposalProblem("stranger", person=vote.person)
        if vote.act == "withdraw":
            if person.name != author:
                raise ProposalProblem("withdraw", author=author)
        elif person.name == author:
            raise ProposalProblem("self", person=person.name)
        elif not person.may_approve:
            raise ProposalProblem("right", person=person.name)
        said = (vote.statement, self._verify(person.public_key, signed.signature, vote.signed))
        if said != (proposal.entry.statement.sha256, True):
            raise ProposalProblem("key", person=person.name)
        if any(each.vote.person == person.name for each in proposal.entry.approvals) and vote.act == "approve":
            raise ProposalProblem("twice", person=person.name)
        try:
            signed_by_author(proposal.entry, deciding, verify=self._verify)
            approving(proposal.entry, deciding, verify=self._verify)
        except Distrusted as distrusted:
            raise ProposalProblem("altered", number=proposal.number) from distrusted
        document = bytes(proposal.published.document)
        stated = proposal.entry.statement.document == hashlib.sha256(document).hexdigest()
        if not stated or not matches(document, proposal.entry):
            raise ProposalProblem("altered", number=proposal.number)

    async def _authored(self, published: Published, entry: Entry) -> None:
        try:
            signed_by_author(entry, await self._deciding(entry), verify=self._verify)
        except Distrusted as distrusted:
            code = "author" if distrusted.why == "author" else "key"
            raise ProposalProblem(code, person=entry.statement.author) from distrusted
        if not matches(bytes(published.document), entry):
            raise ProposalProblem("key", person=entry.statement.author)

    async def _deciding(self, entry: Entry) -> Authority:
        """The people who decide: those of the base, or of the proposal itself where the base names none."""
        base = await self._store.entry(entry.statement.base)
        if base is not None and base.statement.sha256 != entry.statement.base_sha256:
            raise ProposalProblem("altered", number=entry.statement.base)
        return deciding_about(entry, Authority() if base is None else base.authority)

    async def _read(self, number: int) -> tuple[Proposal, bytes]:
        body = await cast("Awaitable[bytes | None]", self._redis.hget(keys.PROPOSALS, str(number)))
        if body is None:
            raise ProposalProblem("unknown", number=number)
        try:
            return msgspec.json.decode(body, type=Proposal), body
        except msgspec.DecodeError as error:
            raise ProposalProblem("altered", number=number) from error

    async def _change(self, before: bytes, proposal: Proposal) -> None:
        after = msgspec.json.encode(proposal)
        changed: Any = await self._redis.eval(_CHANGE, 1, keys.PROPOSALS, str(proposal.number), before, after)
        if not changed:
            raise ProposalChanged
