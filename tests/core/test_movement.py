"""Rollouts move, and nothing else of a document does."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activation.loading import canonical, load
from gateway.core.authority import authority_in, digest_of, lasting_in
from gateway.core.movement import NotOnlyMoved, carried, followed, restored, rollouts_in, with_moved
from gateway.core.policy.learning import Rollout, RolloutStep
from tests.policies import policy

ARMS = [{"name": "old", "upstream": "crm"}, {"name": "new", "upstream": "crm", "weight": 0}]
ROUTES = [{"name": f"crm{n}", "methods": ["/pilote.*"], "arms": ARMS} for n in range(3)]
ADA, BOB, EVE = ({"name": name, "public_key": "ed25519:" + name[0] * 64} for name in ("ada", "bob", "eve"))


def rollout(n: int = 0, **more: object) -> dict[str, object]:
    """A rollout as a person writes it."""
    return {"name": f"up{n}", "route": f"crm{n}", "arm": "new", "against": "old", **more}


def document(*rollouts: dict[str, object], **more: object) -> bytes:
    """A policy's canonical JSON."""
    return canonical(load(policy(routes=ROUTES, rollouts=list(rollouts), **more)).document)


def moved(document: bytes, **fields: object) -> Rollout:
    """Its first rollout, somewhere else."""
    return msgspec.structs.replace(rollouts_in(document)[0], **fields)


MOVEMENTS = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["pending", "ready", "running", "paused", "completed", "rolled_back"]),
        "step": st.integers(0, 4),
        "since_ms": st.integers(0, 2**41),
        "cause": st.sampled_from(["", "harm", "proven", "paused"]),
        "about": st.lists(st.sampled_from(["error_rate", "cost"]), max_size=2).map(tuple),
        "reason": st.text(max_size=20),
    }
)


@given(first=MOVEMENTS, second=MOVEMENTS)
def test_moving_a_rollout_leaves_the_rest_byte_for_byte_and_what_lasts_the_same(
    first: dict[str, object], second: dict[str, object]
) -> None:
    before = document(rollout(0), rollout(1), description="a policy")
    there = with_moved(before, [moved(before, **first)])
    assert lasting_in(there) == lasting_in(before)
    assert rollouts_in(there)[0] == moved(before, **first)
    assert with_moved(there, [moved(there, **second)]) == with_moved(before, [moved(before, **second)])
    assert with_moved(there, [rollouts_in(before)[0]]) == before


@pytest.mark.parametrize("change", [{"stale_after": "1h"}, {"steps": (RolloutStep(share=9_000),)}, {"name": "other"}])
def test_a_rollout_that_would_change_in_more_than_where_it_stands_is_refused(change: dict[str, object]) -> None:
    before = document(rollout())
    with pytest.raises(NotOnlyMoved):
        with_moved(before, [moved(before, state="running", **change)])


def test_what_lasts_tells_every_other_change_but_people() -> None:
    before = document(rollout())
    assert lasting_in(before) != lasting_in(document(rollout(), description="other"))
    assert lasting_in(before) != lasting_in(document(rollout(alpha=0.01)))
    assert lasting_in(before) == lasting_in(document(rollout(), people=[ADA, BOB]))
    assert digest_of(authority_in(before)) != digest_of(authority_in(document(rollout(), people=[ADA, BOB])))


def test_a_file_that_says_nothing_of_states_moves_no_rollout() -> None:
    stands = document(rollout(0, state="running", step=2, since_ms=5, reason="proven"), rollout(1, state="completed"))
    draft = document(rollout(0), rollout(1, seed="other"), rollout(2), description="new")
    kept = rollouts_in(carried(draft, stands))
    assert [(each.name, each.state, each.step) for each in kept] == [
        ("up0", "running", 2),
        ("up1", "pending", 0),  # another rollout than the one that is completed
        ("up2", "pending", 0),
    ]
    said = document(rollout(0, state="paused", step=1))
    assert carried(said, stands) == said


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"alpha": 0.01, "stale_after": "2h", "guardrails": [{"measure": "opt_out_rate"}]}, True),
        ({"steps": [{"share": 100}, {"share": 500}, {"share": 10_000}]}, True),
        ({"steps": [{"share": 100}, {"share": 400}, {"share": 10_000}]}, False),
        ({"steps": [{"share": 100}]}, False),
        ({"seed": "other"}, False),
    ],
)
def test_who_changes_what_is_measured_of_a_rollout_moves_nobody(change: dict[str, object], *, kept: bool) -> None:
    stands = document(rollout(0, state="running", step=1, since_ms=5, cause="proven"))
    (found,) = rollouts_in(carried(document(rollout(0, **change)), stands))
    assert (found.state, found.step, found.since_ms, found.cause) == (
        ("running", 1, 5, "proven") if kept else ("pending", 0, 0, "")
    )
    (drafted,) = rollouts_in(document(rollout(0, **change)))
    assert (found.alpha, found.steps, found.guardrails) == (drafted.alpha, drafted.steps, drafted.guardrails)


def test_a_completed_rollout_stays_so_whatever_becomes_of_its_steps() -> None:
    stands = document(rollout(0, state="completed", step=4, since_ms=5, cause="finished"))
    (found,) = rollouts_in(carried(document(rollout(0, steps=[{"share": 300}])), stands))
    assert (found.state, found.step, found.share) == ("completed", 0, 10_000)


def test_a_draft_follows_the_steps_taken_meanwhile_unless_it_moves_that_rollout_itself() -> None:
    base = document(rollout(0, state="running"), rollout(1))
    active = document(rollout(0, state="rolled_back", reason="harm"), rollout(1))
    draft = document(rollout(0, state="running"), rollout(1), description="new")
    result = followed(draft, base=base, active=active)
    assert rollouts_in(result)[0].state == "rolled_back"
    assert lasting_in(result) == lasting_in(draft)
    with pytest.raises(NotOnlyMoved):
        followed(document(rollout(0, state="completed"), rollout(1)), base=base, active=active)


def test_going_back_keeps_people_and_revives_no_candidate_that_was_found_harmful() -> None:
    earlier = document(rollout(0, state="running", step=1), rollout(1, state="running"), rollout(2), people=[ADA, BOB])
    active = document(rollout(0, state="rolled_back", reason="harm"), people=[BOB, EVE], description="later")
    back = restored(earlier, active=active, now_ms=7, reason="back to 1")
    assert [(each.state, each.step, each.since_ms, each.reason) for each in rollouts_in(back)] == [
        ("rolled_back", 0, 0, "harm"),
        ("paused", 0, 7, "back to 1"),
        ("pending", 0, 0, ""),
    ]
    assert [person.name for person in authority_in(back).people] == ["bob", "eve"]
    assert lasting_in(back) == lasting_in(earlier)
    assert load(msgspec.json.decode(back)).sha256
