"""Proposals wait until enough people agree, and then become active once."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.adapters.proposals import Look, Proposal, ProposalConflict, ProposalProblem, Proposals
from gateway.adapters.revisions import Published, RevisionConflict, RevisionStore
from gateway.adapters.trust import Trust
from gateway.core import keys
from gateway.core.authority import SignedVote
from gateway.core.movement import rollouts_in
from gateway.core.trust import Distrusted
from gateway.redis_clients import Client
from gateway.signing import verify
from tests.signatures import PEOPLE, entry, person, published, vote

pytestmark = pytest.mark.every_store


def document(text: str = "", **sections: Any) -> bytes:
    return msgspec.json.encode({"description": text, "people": PEOPLE, **sections}, order="sorted")


class Office:
    """Where people propose and agree."""

    def __init__(self, redis: Client) -> None:
        self.store = RevisionStore(redis)
        self.proposals = Proposals(redis, verify=verify)

    async def propose(self, what: bytes, author: str = "ada") -> int:
        active = await self.store.active()
        revision = published(what, author=author)
        made = entry(revision, base=active, before=await self.store.entry(active), after=0)
        return (await self.proposals.propose(revision, made)).number

    async def vote(self, number: int, name: str, act: Any = "approve", comment: str = "") -> Proposal:
        def cast_by(proposal: Proposal) -> SignedVote:
            return vote(proposal.entry.statement, name, act=act, comment=comment)

        return await self.proposals.vote(number, cast_by)

    async def publish(self, what: bytes, author: str = "ada", approver: str = "bob") -> int:
        return (await self.vote(await self.propose(what, author), approver)).revision

    async def code(self, number: int, name: str, act: Any = "approve") -> str:
        with pytest.raises(ProposalProblem) as problem:
            await self.vote(number, name, act)
        return problem.value.code


@pytest.fixture
async def office(redis: Client) -> Office:
    """An office whose first policy, with its people, is active as revision 1."""
    office = Office(redis)
    await office.publish(document("one"))
    return office


async def test_a_proposal_becomes_active_when_another_person_agrees_and_gateways_trust_it(office: Office) -> None:
    number = await office.propose(document("two"))
    assert await office.store.active() == 1
    done = await office.vote(number, "eve", comment="looked at the plan")
    assert (done.state, done.revision, await office.store.active()) == ("active", 2, 2)
    stored = await office.store.read(2)
    assert stored is not None
    assert bytes(stored.document) == document("two")
    await Trust(office.store).judge(2, stored)
    assert [each.vote.comment for each in done.entry.approvals] == ["looked at the plan"]
    assert (await office.proposals.read(number)) == done


async def test_who_may_not_decide_is_told_why_and_nothing_happens(office: Office) -> None:
    number = await office.propose(document("two"))
    before = await office.proposals.read(number)
    assert await office.code(number, "ada") == "self"
    assert await office.code(number, "dan") == "right"
    assert await office.code(number, "mallory") == "stranger"
    assert await office.code(number, "bob", "withdraw") == "withdraw"
    assert await office.code(99, "bob") == "unknown"
    stolen = SignedVote(
        vote=vote(before.entry.statement, "bob").vote, signature=vote(before.entry.statement, "mallory").signature
    )
    with pytest.raises(ProposalProblem) as problem:
        await office.proposals.vote(number, lambda _: stolen)
    assert problem.value.code == "key"
    assert await office.proposals.read(number) == before
    with pytest.raises(ProposalProblem) as problem:
        await office.propose(document("mine"), author="eve")
    assert problem.value.code == "author"


@pytest.mark.parametrize("wanted", ["plan", "backtest"])
async def test_nobody_agrees_before_somebody_has_looked_where_the_policy_says_so(redis: Client, wanted: Any) -> None:
    office, code = Office(redis), f"look-{wanted}"
    number = await office.propose(document("one", approvals={"look": wanted}))
    assert (await office.proposals.read(number)).stage == "checked"
    assert await office.code(number, "bob") == code
    if wanted == "backtest":  # a plan alone is not enough
        planned = await office.proposals.looked(number, Look(at="plan", at_ms=1, calls=2, of=3))
        assert planned.stage == "planned"
        assert await office.code(number, "bob") == code
    seen = await office.proposals.looked(number, Look(at=wanted, at_ms=2, calls=1, of=3))
    assert [(look.at, look.calls, look.of) for look in seen.looks][-1] == (wanted, 1, 3)
    assert (await office.vote(number, "bob")).state == "active"
    assert (await office.proposals.looked(number, Look(at=wanted, at_ms=9))).looks == seen.looks  # too late to matter


async def test_looks_and_votes_that_come_together_lose_none(redis: Client) -> None:
    office = Office(redis)
    number = await office.propose(document("one", approvals={"required": 3}))
    each: list[Look] = [Look(at="plan", at_ms=n) for n in range(20)] + [Look(at="backtest", at_ms=n) for n in range(20)]
    looks = (office.proposals.looked(number, look) for look in each)
    votes = (office.vote(number, name) for name in ("bob", "eve"))
    await asyncio.gather(*looks, *votes)
    found = await office.proposals.read(number)
    assert (found.stage, {each.vote.person for each in found.entry.approvals}) == ("backtested", {"bob", "eve"})


async def test_a_hundred_who_agree_at_once_activate_it_once(redis: Client) -> None:
    crowd = [person(f"p{n}") for n in range(100)]
    office = Office(redis)
    rules = {"people": [*PEOPLE, *crowd], "approvals": {"required": 3}}
    first = await office.propose(document("one", **rules))
    results = await asyncio.gather(*(office.vote(first, f"p{n}") for n in range(100)), return_exceptions=True)
    done = [each for each in results if isinstance(each, Proposal)]
    assert sorted(each.state for each in done) == ["active", "waiting", "waiting"]
    assert {each.code for each in results if isinstance(each, ProposalProblem)} == {"over"}
    assert (await office.store.active(), await office.store.next()) == (1, 2)
    kept = await office.store.entry(1)
    assert kept is not None
    assert len({each.vote.person for each in kept.approvals}) == 3


async def test_one_person_who_agrees_a_hundred_times_at_once_is_one(redis: Client) -> None:
    office = Office(redis)
    number = await office.propose(document("one", approvals={"required": 2}))
    results = await asyncio.gather(*(office.vote(number, "bob") for _ in range(100)), return_exceptions=True)
    assert len([each for each in results if isinstance(each, Proposal)]) == 1
    assert {each.code for each in results if isinstance(each, ProposalProblem)} == {"twice"}
    assert await office.store.active() == 0


async def test_of_two_proposals_on_one_base_one_becomes_active_and_the_other_conflicts(office: Office) -> None:
    numbers = [await office.propose(document(text)) for text in ("two", "another")]
    results = await asyncio.gather(*(office.vote(number, "bob") for number in numbers), return_exceptions=True)
    (done,) = [each for each in results if isinstance(each, Proposal)]
    (conflict,) = [each for each in results if isinstance(each, ProposalConflict)]
    assert (done.revision, conflict.active, conflict.proposal.entry.statement.base) == (2, 2, 1)
    left = await office.proposals.read(conflict.proposal.number)
    assert (left.state, left.entry.approvals) == ("waiting", ())
    with pytest.raises(ProposalConflict):
        await office.vote(left.number, "eve")
    assert await office.store.active() == 2


async def test_a_proposal_on_what_is_no_longer_active_is_not_even_taken(office: Office) -> None:
    late = published(document("late"), author="ada")
    made = entry(late, base=1, before=await office.store.entry(1), after=0)
    await office.publish(document("two"))
    with pytest.raises(RevisionConflict):
        await office.proposals.propose(late, made)


async def test_refused_and_withdrawn_proposals_take_no_more_votes(office: Office) -> None:
    refused, withdrawn = await office.propose(document("a")), await office.propose(document("b"))
    assert (await office.vote(refused, "bob", "refuse", "no")).state == "refused"
    assert (await office.vote(withdrawn, "ada", "withdraw")).state == "withdrawn"
    assert await office.code(refused, "eve") == "over"
    assert await office.code(withdrawn, "eve") == "over"
    assert [each.state for each in await office.proposals.all()] == ["active", "refused", "withdrawn"]


async def test_steps_of_rollouts_do_not_stand_in_the_way_of_a_proposal_and_are_kept(office: Office) -> None:
    up = {"name": "up", "route": "crm", "arm": "new", "against": "old"}
    base = await office.publish(document("rolling", rollouts=[up]))
    number = await office.propose(document("next", rollouts=[up]))
    rollout = msgspec.structs.replace(rollouts_in(document(rollouts=[up]))[0], state="rolled_back", reason="harm")
    step = await office.store.advance(rollout, base=base, reason="harm", now_ms=5)
    done = await office.vote(number, "bob")
    assert done.revision == step + 1
    stored = await office.store.read(done.revision)
    assert stored is not None
    assert rollouts_in(bytes(stored.document)) == (rollout,)
    await Trust(office.store).judge(done.revision, stored)


@pytest.mark.parametrize("what", ["document", "reason", "approvals", "base"])
async def test_what_somebody_wrote_into_a_proposal_by_hand_cannot_be_approved(
    office: Office, redis: Client, what: str
) -> None:
    number = await office.propose(document("two"))
    proposal = await office.proposals.read(number)
    statement = proposal.entry.statement
    edits: dict[str, dict[str, Any]] = {
        "document": {"published": published(document("evil"), author="ada")},
        "reason": {
            "entry": msgspec.structs.replace(
                proposal.entry, statement=msgspec.structs.replace(statement, reason="other")
            )
        },
        "approvals": {
            "entry": msgspec.structs.replace(proposal.entry, approvals=(vote(statement, "mallory"),)),
        },
        "base": {
            "entry": msgspec.structs.replace(
                proposal.entry, statement=msgspec.structs.replace(statement, base_sha256="0" * 64)
            )
        },
    }
    altered = msgspec.structs.replace(proposal, **edits[what])
    await redis.hset(keys.PROPOSALS, str(number), msgspec.json.encode(altered))
    assert await office.code(number, "bob") == "altered"
    await redis.hset(keys.PROPOSALS, str(number), b"nonsense")
    assert await office.code(number, "bob") == "altered"
    assert await office.store.active() == 1


async def test_what_was_put_into_the_store_past_all_this_is_not_trusted(office: Office) -> None:
    trust = Trust(office.store)
    first = await office.store.read(1)
    assert first is not None
    await trust.judge(1, first)
    evil = published(document("evil"), author="ada")
    made = entry(evil, base=1, before=await office.store.entry(1))
    number = await office.store.add(evil, made)
    with pytest.raises(Distrusted) as distrusted:
        await trust.judge(number, evil)
    assert distrusted.value.why == "approvals"


async def test_every_byte_of_a_stored_revision_counts(office: Office, redis: Client) -> None:
    """Flip each byte of what is stored of a revision: it is refused, or says the very same."""
    trust = Trust(office.store)
    first = await office.store.read(1)
    assert first is not None
    await trust.judge(1, first)
    number = await office.publish(document("two", approvals={"required": 2}))
    pinned = trust.pinned
    for name, kind in ((keys.ALL_REVISIONS, Published), (keys.REVISION_ENTRIES, None)):
        body = await redis.hget(name, str(number))
        assert isinstance(body, bytes)
        for place in range(len(body)):
            altered = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
            await redis.hset(name, str(number), altered)
            try:
                stored = await office.store.read(number)
                assert stored is not None
                await trust.judge(number, stored)
            except (Distrusted, msgspec.DecodeError):
                assert trust.pinned == pinned
                continue
            assert kind is not None, altered
            assert msgspec.json.decode(altered, type=kind) == msgspec.json.decode(body, type=kind)
            trust.pinned = pinned
        await redis.hset(name, str(number), body)
