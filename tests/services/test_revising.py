"""Writing, agreeing and going back, as the commands and the HTTP API do it."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.activation.loading import canonical, load
from gateway.adapters.cells import CellsFixed
from gateway.adapters.trust import Trust
from gateway.core import keys
from gateway.core.changes import Place
from gateway.core.movement import rollouts_in
from gateway.core.policy.document import Document
from gateway.core.policy.learning import Rollout
from gateway.core.trust import Distrusted
from gateway.redis_clients import Client
from services.revisions.revising import Conflict, Hand, Made, Revising, RevisionProblem
from services.revisions.tables import conflict, history
from tests.policies import policy
from tests.signatures import PEOPLE, entry, published, signer

ADA, BOB, EVE = (Hand(name, signer(name)) for name in ("ada", "bob", "eve"))
ARMS = [{"name": "old", "upstream": "crm"}, {"name": "new", "upstream": "crm", "weight": 0}]
ROLLING: dict[str, Any] = {
    "routes": [{"name": "crm", "methods": ["/pilote.*"], "arms": ARMS}],
    "rollouts": [{"name": "up", "route": "crm", "arm": "new", "against": "old"}],
}


def document(**sections: Any) -> Document:
    return load(policy(**sections)).document


def peopled(**sections: Any) -> Document:
    return document(people=PEOPLE, **sections)


def rules(*names: str, effect: str = "allow") -> list[dict[str, str]]:
    return [{"name": name, "effect": effect} for name in names]


@pytest.fixture
def revising(redis: Client) -> Revising:
    """On an empty store; the time stands still."""
    return Revising(redis, clock_ms=lambda: 1_000)


async def put(revising: Revising, what: Document, *, reason: str = "why") -> int:
    """Apply a policy with people, and have it approved."""
    made = await revising.apply(what, hand=ADA, reason=reason, expected=None)
    assert made.proposal is not None
    proposal, left = await revising.vote(made.proposal.number, hand=BOB, act="approve", comment="")
    assert left == 0
    return proposal.revision


async def trusted(revising: Revising) -> None:
    """Check that a gateway that begins now would run what is active."""
    active = await revising.store.active()
    stored = await revising.store.read(active)
    assert stored is not None
    await Trust(revising.store).judge(active, stored)


async def test_where_a_policy_names_nobody_it_is_active_at_once(revising: Revising) -> None:
    made = await revising.apply(document(), hand=None, reason="", expected=None)
    assert (made.revision, made.deciding.people) == (1, ())
    assert (await revising.apply(document(), hand=None, reason="", expected=1)).revision == 2


async def test_where_it_names_people_it_must_be_signed_have_a_reason_and_wait(revising: Revising) -> None:
    for hand, reason, code in (
        (None, "why", "who"),
        (ADA, "", "reason"),
        (ADA, "x" * 1001, "reason"),
        (EVE, "x", "author"),
    ):
        with pytest.raises(RevisionProblem) as problem:
            await revising.apply(peopled(), hand=hand, reason=reason, expected=None)
        assert problem.value.code == code
    with pytest.raises(RevisionProblem) as problem:
        await revising.apply(peopled(), hand=Hand("ada", signer("bob")), reason="x", expected=None)
    assert problem.value.code == "key"
    assert await put(revising, peopled()) == 1
    await trusted(revising)
    with pytest.raises(RevisionProblem) as problem:  # a file that names nobody any more asks those of now
        await revising.apply(document(), hand=None, reason="x", expected=None)
    assert problem.value.code == "who"
    assert await put(revising, document(), reason="no people any more") == 2
    assert (await revising.apply(document(), hand=None, reason="", expected=None)).revision == 3
    await trusted(revising)


async def test_two_who_edit_at_once_see_what_both_have_changed_and_how_to_go_on(revising: Revising) -> None:
    await put(revising, peopled(rules=rules("open"), description="one"))
    ours = peopled(rules=[*rules("open"), *rules("mine", effect="deny")], description="one")
    late = await revising.apply(ours, hand=ADA, reason="mine", expected=1)
    assert late.proposal is not None
    await put(revising, peopled(rules=rules("open"), description="two"))
    with pytest.raises(Conflict) as caught:
        await revising.vote(late.proposal.number, hand=BOB, act="approve", comment="")
    assert (caught.value.base, caught.value.active) == (1, 2)
    merged, _ = await revising.rebase(canonical(ours), base=1)
    assert merged.document == peopled(rules=[*rules("open"), *rules("mine", effect="deny")], description="two")
    text = "\n".join(conflict(caught.value, merged, language="en"))
    assert "Revision 2 became active in the meantime" in text
    assert "the rule mine: it refuses whatever it covers" in text
    assert "pilote rebase 2 > merged.yaml" in text
    french = "\n".join(conflict(caught.value, merged, language="fr"))
    assert "La révision 2 est devenue active entre-temps" in french
    assert (await revising.proposals.read(late.proposal.number)).state == "waiting"


async def test_what_both_touch_is_named_and_not_put_together(revising: Revising) -> None:
    await revising.apply(document(rules=rules("open"), description="one"), hand=None, reason="", expected=None)
    await revising.apply(document(rules=rules("open"), description="two"), hand=None, reason="", expected=None)
    ours = document(rules=rules("open"), description="mine")
    with pytest.raises(Conflict) as caught:
        await revising.apply(ours, hand=None, reason="", expected=1)
    merged, _ = await revising.rebase(canonical(ours), base=1)
    assert merged.conflicts == (Place("description"),)
    lines = conflict(caught.value, merged, language="en")
    assert lines[-2:] == (
        "  description",
        "Edit these from revision 2 on (pilote revisions show 2), then apply.",
    )
    assert await revising.store.active() == 2


async def test_going_back_is_one_step_of_one_writer(revising: Revising) -> None:
    await put(revising, peopled(description="one"))
    await put(revising, peopled(description="two"))
    back = await revising.rollback(None, hand=BOB, reason="two was wrong")
    assert (back.revision, back.restores, back.proposal) == (3, 1, None)
    assert await revising.document(3) == peopled(description="one")
    await trusted(revising)
    made = await revising.store.entry(3)
    assert made is not None
    assert (made.statement.how, made.statement.restores, made.statement.author) == ("rollback", 1, "bob")
    forth = await revising.rollback(2, hand=ADA, reason="it was right")
    assert (await revising.document(forth.revision)).description == "two"
    await trusted(revising)


async def test_going_back_is_refused_where_it_cannot_be(revising: Revising) -> None:
    with pytest.raises(RevisionProblem) as problem:
        await revising.rollback(None, hand=None, reason="x")
    assert problem.value.code == "no-policy"
    await put(revising, peopled())
    for number, hand, code in (
        (None, ADA, "nothing-before"),
        (7, ADA, "revision-unknown"),
        (1, None, "who"),
        (1, EVE, "author"),
    ):
        with pytest.raises(RevisionProblem) as problem:
            await revising.rollback(number, hand=hand, reason="x")
        assert problem.value.code == code
    assert await revising.store.active() == 1


async def test_going_back_to_what_nobody_approved_needs_another_person(revising: Revising) -> None:
    await revising.apply(document(description="free"), hand=None, reason="", expected=None)
    await put(revising, peopled(description="with people"))
    back = await revising.rollback(1, hand=ADA, reason="before people")
    assert (back.revision, await revising.store.active()) == (0, 2)
    assert back.proposal is not None
    proposal, _ = await revising.vote(back.proposal.number, hand=EVE, act="approve", comment="")
    assert proposal.revision == 3
    assert await revising.document(3) == peopled(description="free")
    await trusted(revising)


async def test_without_people_going_back_asks_nobody(revising: Revising) -> None:
    await revising.apply(document(description="one"), hand=None, reason="", expected=None)
    await revising.apply(document(description="two"), hand=None, reason="", expected=None)
    assert (await revising.rollback(None, hand=None, reason="")).revision == 3
    assert (await revising.document(3)).description == "one"


async def test_a_file_that_says_no_state_leaves_rollouts_where_they_are_and_going_back_pauses_them(
    revising: Revising,
) -> None:
    first = await put(revising, peopled(**ROLLING))
    rollout = await moved(revising, first, state="running", step=1, since_ms=5, reason="started")
    second = await put(revising, peopled(**ROLLING, description="other"))
    assert rollouts_in(await content(revising, second)) == (rollout,)
    back = await revising.rollback(2, hand=ADA, reason="back")  # 2 is a step of revision 1's rollout
    assert back.restores == 1
    (now,) = rollouts_in(await content(revising, back.revision))
    assert (now.state, now.step, now.since_ms, now.reason) == ("paused", 1, 1_000, "back")
    await trusted(revising)


async def moved(revising: Revising, base: int, **where: Any) -> Rollout:
    """Move the rollout of a revision."""
    rollout = msgspec.structs.replace(rollouts_in(await content(revising, base))[0], **where)
    await revising.store.advance(rollout, base=base, reason="step", now_ms=5)
    return rollout


async def content(revising: Revising, number: int) -> bytes:
    """What is stored of a revision."""
    stored = await revising.store.read(number)
    assert stored is not None
    return bytes(stored.document)


async def test_another_number_of_cells_is_refused_when_it_would_become_active(revising: Revising) -> None:
    await put(revising, peopled())
    made = await revising.apply(peopled(tenants=[{"name": "acme", "cells": 4}]), hand=ADA, reason="more", expected=None)
    assert made.proposal is not None
    with pytest.raises(CellsFixed):
        await revising.vote(made.proposal.number, hand=BOB, act="approve", comment="")
    assert await revising.store.active() == 1


async def test_many_who_apply_at_once_lose_nothing(revising: Revising) -> None:
    made = await asyncio.gather(
        *(revising.apply(document(description=str(n)), hand=None, reason="", expected=None) for n in range(12))
    )
    assert sorted(each.revision for each in made if isinstance(each, Made)) == list(range(1, 13))


async def test_what_somebody_wrote_into_the_store_does_not_stop_people_from_going_on(revising: Revising) -> None:
    await put(revising, peopled(description="one"))
    await put(revising, peopled(description="two"))
    trust = Trust(revising.store)

    async def runs(number: int) -> None:
        stored = await revising.store.read(number)
        assert stored is not None
        await trust.judge(number, stored)

    await runs(2)
    evil = published(canonical(peopled(description="evil")), author="ada")
    base = await revising.store.entry(2)
    await revising.store.add(evil, entry(evil, base=2, before=base))
    with pytest.raises(Distrusted):
        await runs(3)
    fourth = await put(revising, peopled(description="four"))
    await runs(fourth)
    again = await revising.store.entry(2)
    assert again is not None
    await revising.store.add(evil, msgspec.structs.replace(again, after=fourth))  # a copy of what was signed once
    back = await revising.rollback(2, hand=BOB, reason="evil")
    await runs(back.revision)
    entries = await revising.store.entries(range(1, 7))
    rows = history(entries, range(6, 0, -1), head=back.revision, language="en")
    assert [row[3] for row in rows[1:]] == [
        "rolled back to 2",
        "never run: not properly signed",
        "applied",
        "never run: not properly signed",
        "applied",
        "applied",
    ]


async def test_an_active_revision_that_was_set_back_by_hand_is_not_built_on(revising: Revising, redis: Client) -> None:
    await put(revising, peopled(description="one"))
    await put(revising, peopled(description="two"))
    await redis.set(keys.ACTIVE_REVISION, "1")
    await redis.hset(keys.REVISION_ENTRIES, "2000", b"nonsense")
    assert await put(revising, peopled(description="three")) == 3
    made = await revising.store.entry(3)
    assert made is not None
    assert (made.after, made.statement.base) == (2, 2)
    await trusted(revising)


async def test_steps_of_rollouts_are_no_conflict_for_who_edits_a_file(revising: Revising) -> None:
    first = await put(revising, peopled(**ROLLING))
    exported = await revising.document(first)
    moved_to = await moved(revising, first, state="running", step=1, since_ms=5)
    edited = msgspec.structs.replace(exported, description="edited")
    made = await revising.apply(edited, hand=ADA, reason="why", expected=first)
    assert made.proposal is not None
    assert rollouts_in(bytes(made.proposal.published.document)) == (moved_to,)
    jumping = msgspec.structs.replace(exported, rollouts=(msgspec.structs.replace(moved_to, state="completed"),))
    with pytest.raises(Conflict):
        await revising.apply(jumping, hand=ADA, reason="why", expected=first)
