"""Who may move a rollout, and that gateways believe what they sign."""

from pathlib import Path

import pytest

from gateway.activation.loading import load
from gateway.adapters.trust import Trust
from gateway.core.trust import Distrusted
from gateway.signing import Signer, new_signer
from services.revisions.revising import Hand, Revising
from services.rollouts.moves import RolloutProblem, Rollouts
from tests.policies import policy
from tests.services.rollouts.conftest import ROUTE, T0, Stage, up


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Signer]:
    return {name: new_signer(tmp_path / f"{name}.pem") for name in ("ada", "bob", "eve")}


@pytest.fixture
async def rollouts(stage: Stage, keys: dict[str, Signer]) -> Rollouts:
    """A policy with people is active; bob may only approve."""
    people = [
        {"name": name, "public_key": keys[name].public_key, "may_write": name == "ada"} for name in ("ada", "bob")
    ]
    document = load(policy(routes=[ROUTE], rollouts=[up()], people=people)).document
    revising = Revising(stage.redis, clock_ms=lambda: T0)
    made = await revising.apply(document, hand=Hand("ada", keys["ada"]), reason="first", expected=None)
    assert made.proposal is not None
    await revising.vote(made.proposal.number, hand=Hand("bob", keys["bob"]), act="approve", comment="")
    return Rollouts(stage.redis, language="en", clock_ms=lambda: T0)


async def test_where_the_policy_names_people_one_who_may_write_signs_every_move(
    stage: Stage, rollouts: Rollouts, keys: dict[str, Signer]
) -> None:
    for by, key, text in (
        ("", None, r"say with --by which of them you are \(ada\)"),
        ("eve", "eve", r"eve may not move rollouts; these people may: ada"),
        ("bob", "bob", r"bob may not move rollouts"),
        ("ada", None, r"ada must sign"),
        ("ada", "eve", r"not the private key of ada"),
    ):
        with pytest.raises(RolloutProblem, match=text):
            await rollouts.do("up", "start", reason="try it", by=by, signer=keys[key] if key else None)
    number, _ = await rollouts.do("up", "start", reason="try it", by="ada", signer=keys["ada"])
    await trusted(stage, number)


async def test_no_gateway_believes_that_somebody_has_moved_a_rollout_who_has_not_signed(
    stage: Stage, rollouts: Rollouts, keys: dict[str, Signer]
) -> None:
    moved = await stage.rollout()
    number = await stage.store.advance(moved, base=1, reason="up: hm", now_ms=T0, author="ada")
    with pytest.raises(Distrusted, match="unsigned"):
        await trusted(stage, number)
    number = await stage.store.advance(
        moved, base=number, reason="up: hm", now_ms=T0, author="ada", sign=keys["eve"].sign
    )
    with pytest.raises(Distrusted):
        await trusted(stage, number)


@pytest.mark.parametrize("reason", ["", "  ", "why " * 400])
async def test_a_move_has_a_reason_of_a_sensible_length(
    rollouts: Rollouts, keys: dict[str, Signer], reason: str
) -> None:
    with pytest.raises(RolloutProblem, match="Say why"):
        await rollouts.do("up", "start", reason=reason, by="ada", signer=keys["ada"])


async def trusted(stage: Stage, number: int) -> None:
    """Judge the revision as a gateway does that has run the first one."""
    trust = Trust(stage.store)
    for each in (1, number):
        published = await stage.store.read(each)
        assert published is not None
        await trust.judge(each, published)
