"""The controller over a real store: what it publishes, what it leaves, and what happens when something is away."""

import asyncio
import contextlib
import itertools
import logging
import random
from collections.abc import Awaitable

import grpc
import msgspec
import pytest

from gateway.core.movement import rollouts_in
from gateway.core.policy.learning import Rollout
from services.rollouts.moves import RolloutProblem, Rollouts
from tests.services.rollouts.conftest import ARMS, HOUR_MS, T0, Stage, up


async def test_a_good_candidate_goes_from_one_to_a_hundred_percent_and_every_step_is_a_revision(stage: Stage) -> None:
    await stage.publish(up())
    controller = stage.controller()
    await controller.look()
    assert (await stage.rollout()).state == "pending"  # nobody has started it
    await stage.do("start")
    shares = []
    for hours in range(1, 7):
        shares.append((await stage.rollout()).share)
        stage.now_ms = T0 + hours * HOUR_MS
        await stage.people(600_000)
        await controller.look()
        await controller.look()  # at once again: the next step has only begun
    assert shares == [100, 500, 2_500, 5_000, 10_000, 10_000]
    done = await stage.rollout()
    assert (done.state, done.share, done.since_ms) == ("completed", 10_000, T0 + 5 * HOUR_MS)
    proven = "up: The candidate is proven not to be worse than its margins allow."
    assert await stage.reasons() == [
        "",
        "up: because",
        *[proven] * 4,
        "up: The candidate has served everybody for as long as the last step asks.",
    ]


async def test_a_harmful_candidate_is_taken_back_before_its_step_is_over(stage: Stage) -> None:
    await stage.publish(up())
    await stage.do("start")
    stage.now_ms += 60_000
    await stage.people(40_000, rates=(0.2, 0.02))
    (standing,) = await stage.controller().look()
    assert (standing.rollout.state, standing.rollout.share, standing.rollout.about) == (
        "rolled_back",
        0,
        ("error_rate",),
    )
    assert (await stage.reasons())[-1] == (
        "up: The candidate is proven to be worse by more than its margin in error_rate."
    )
    assert await stage.controller().look()  # and nothing more comes of it
    assert len(await stage.reasons()) == 3


async def test_what_is_not_proven_stays_for_days_and_publishes_nothing(stage: Stage) -> None:
    await stage.publish(up(success=[{"measure": "error_rate", "margin": 0.0001}]))
    await stage.do("start")
    for days in range(1, 6):
        stage.now_ms = T0 + days * 24 * HOUR_MS
        await stage.people(200_000)
        (standing,) = await stage.controller().look()
        assert standing.wait is not None
        assert (standing.wait.code, standing.wait.about) == ("unproven", ("error_rate",))
    assert await stage.store.active() == 2


async def test_an_audit_service_that_is_away_holds_everything_and_is_said_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.publish(up())
    await stage.do("start")
    controller = stage.controller()
    stage.now_ms += HOUR_MS
    await stage.people(600_000)
    stage.sums.fails = grpc.StatusCode.UNAVAILABLE
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            (standing,) = await controller.look()
            assert standing.wait is not None
            assert (standing.wait.code, standing.problem, standing.detail) == ("unmeasured", "silent", "UNAVAILABLE")
    assert [each.message for each in caplog.records].count("a rollout cannot be measured: it stays") == 1
    assert (await stage.rollout()).step == 0
    stage.sums.fails = None
    await controller.look()
    assert (await stage.rollout()).step == 1


async def test_sums_that_cannot_be_hold_it_too(stage: Stage) -> None:
    await stage.publish(up())
    await stage.do("start")
    stage.now_ms += HOUR_MS
    await stage.people(600_000)
    stage.sums.arms[0].measures[0].yy = -1
    (standing,) = await stage.controller().look()
    assert (standing.problem, standing.detail) == ("impossible", "error_rate of new cannot be: yy is negative")
    assert (await stage.rollout()).step == 0


async def test_twenty_controllers_at_once_publish_one_revision_for_each_step(stage: Stage) -> None:
    await stage.publish(up())
    await stage.do("start")
    for hours in range(1, 6):
        stage.now_ms = T0 + hours * HOUR_MS
        await stage.people(600_000)
        await asyncio.gather(*(stage.controller().look() for _ in range(20)))
        assert await stage.store.active() == 2 + hours
    assert (await stage.rollout()).state == "completed"


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_at_once_every_revision_is_one_legal_move(stage: Stage, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    await stage.publish(up(steps=[{"share": share, "hold": "1m"} for share in (5_000, 6_000, 7_000, 8_000, 10_000)]))

    async def something() -> None:
        match rng.randrange(8):
            case 0:
                await _tried(stage.do(rng.choice(["start", "approve", "pause", "resume"])))
            case 1:
                stage.sums.fails = None if stage.sums.fails else grpc.StatusCode.UNAVAILABLE
            case 2:
                stage.now_ms += rng.choice([-30_000, 61_000, 40 * 60_000])
            case 3:
                await stage.people(20_000, rates=(rng.choice([0.02] * 9 + [0.2]), 0.02))
            case _:
                await stage.controller().look()

    for _ in range(60):
        await asyncio.gather(*(something() for _ in range(4)))
    seen = [await _rollout_of(stage, number) for number in range(1, await stage.store.active() + 1)]
    assert len(seen) > 5
    for before, after in itertools.pairwise(seen):
        _legal(before, after)


def _legal(before: Rollout, after: Rollout) -> None:
    assert after.cause
    if after.cause == "started":
        assert (before.share, after.step, after.state) == (0, 0, "running")
    elif after.share < before.share:
        assert after.cause == "harm"
    elif (after.share, after.step) != (before.share, before.step):
        assert after.cause in ("proven", "approved", "finished")
        assert after.step - before.step in (0, 1)


async def _tried(move: Awaitable[object]) -> None:
    with contextlib.suppress(RolloutProblem):
        await move


async def _rollout_of(stage: Stage, number: int) -> Rollout:
    published = await stage.store.read(number)
    assert published is not None
    return rollouts_in(bytes(published.document))[0]


async def test_what_was_shown_before_the_arms_changed_proves_nothing_of_them(stage: Stage) -> None:
    await stage.publish(up(), upstreams=[{"name": "crm", "address": "127.0.0.1:1", "version": "1"}])
    await stage.do("start")
    stage.now_ms = T0 + HOUR_MS - 1
    running = msgspec.to_builtins(await stage.rollout())
    await stage.publish(running, upstreams=[{"name": "crm", "address": "127.0.0.1:1", "version": "2"}])
    stage.now_ms += HOUR_MS - 1
    await stage.people(600_000)
    await stage.publish(running, upstreams=[{"name": "crm", "address": "127.0.0.1:2", "version": "2"}])  # it has moved
    (standing,) = await stage.controller().look()
    assert standing.wait is not None
    assert (standing.wait.code, standing.wait.until_ms) == ("hold", T0 + 2 * HOUR_MS - 1)
    assert stage.sums.asked[0].start_time.ToMilliseconds() == T0 + HOUR_MS - 1
    stage.now_ms += 1
    await stage.people(600_000)
    await stage.controller().look()
    assert (await stage.rollout()).step == 1


async def test_a_measure_that_stops_coming_while_calls_come_pauses_it(stage: Stage) -> None:
    await stage.publish(up())
    await stage.do("start")
    stage.now_ms += 2 * HOUR_MS
    await stage.people(200_000, heard_ms=T0 + HOUR_MS)
    await stage.controller().look()
    paused = await stage.rollout()
    assert (paused.state, paused.share, paused.cause, paused.about) == ("paused", 100, "stale", ("error_rate",))
    stage.now_ms += HOUR_MS
    await stage.people(600_000)
    await stage.controller().look()
    assert (await stage.rollout()).state == "paused"  # a person must say that it is repaired
    resumed = await stage.do("resume")
    assert (resumed.state, resumed.step, resumed.since_ms) == ("running", 0, stage.now_ms)


async def test_a_paused_candidate_that_does_harm_is_taken_back_all_the_same(stage: Stage) -> None:
    await stage.publish(up())
    await stage.do("start")
    await stage.do("pause")
    stage.now_ms += HOUR_MS
    await stage.people(40_000, rates=(0.3, 0.02))
    await stage.controller().look()
    assert (await stage.rollout()).state == "rolled_back"


async def test_no_traffic_is_said_and_moves_nothing(stage: Stage) -> None:
    await stage.publish(up())
    await stage.do("start")
    stage.now_ms += HOUR_MS
    stage.sums.arms = []
    (standing,) = await stage.controller().look()
    assert standing.wait is not None
    assert standing.wait.code == "no_traffic"
    assert await stage.store.active() == 2


async def test_people_who_come_in_other_shares_than_the_step_gives_pause_it(stage: Stage) -> None:
    await stage.publish(up(steps=[{"share": 5_000}, {"share": 10_000}]))
    await stage.do("start")
    stage.now_ms += HOUR_MS
    await stage.people(4_000)
    stage.sums.arms[0].phases[0].subjects //= 2
    await stage.controller().look()
    paused = await stage.rollout()
    assert (paused.state, paused.cause) == ("paused", "mismatch")


async def test_a_step_that_asks_for_approval_is_ready_until_a_person_approves(stage: Stage) -> None:
    await stage.publish(up(steps=[{"share": 100, "approval": True}, {"share": 10_000}]))
    await stage.do("start")
    controller = stage.controller()
    for hours in (1, 2, 3):
        stage.now_ms = T0 + hours * HOUR_MS
        await stage.people(600_000)
        await controller.look()
        assert (await stage.rollout()).state == "ready"
    assert await stage.store.active() == 3
    assert (await stage.do("approve")).share == 10_000


async def test_a_rollout_at_the_first_of_two_routes_does_not_wait_for_the_other(stage: Stage) -> None:
    methods = {"crm": "/pilote.crm.v1.ContactService/*", "crm-writes": "/pilote.crm.v1.DealService/*"}
    routes = [{"name": name, "methods": [method], "arms": ARMS} for name, method in methods.items()]
    await stage.publish(up(), up(name="down", route="crm-writes"), routes=routes)
    await stage.do("start")
    await stage.do("start", name="down")
    stage.now_ms += HOUR_MS
    await stage.people(200_000, rates=(0.2, 0.02))
    await stage.controller().look()
    assert [(await stage.rollout(name)).state for name in ("up", "down")] == ["rolled_back", "rolled_back"]
    assert await stage.store.active() == 5


async def test_only_what_is_possible_in_its_state_can_be_done_and_a_refusal_says_what(stage: Stage) -> None:
    await stage.publish(up())
    with pytest.raises(RolloutProblem, match="up is pending: only one that is ready can be approved"):
        await stage.do("approve")
    with pytest.raises(RolloutProblem, match="There is no rollout down; there are: up"):
        await stage.do("start", name="down")
    french = Rollouts(stage.redis, language="fr", clock_ms=lambda: T0)
    with pytest.raises(RolloutProblem, match="up est à lancer : il n’y a rien à retirer"):
        await french.do("up", "abort", reason="pourquoi", by="")
    assert await stage.store.active() == 1


async def test_a_rollout_cannot_start_where_another_one_serves_the_route(stage: Stage) -> None:
    await stage.publish(up(), up(name="down"))
    await stage.do("start")
    with pytest.raises(RolloutProblem, match="both serve the route 'crm'"):
        await stage.do("start", name="down")
