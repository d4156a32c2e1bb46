"""Stories of officers who steer models and routes, each from logging in to which upstream real calls reach."""

import json
import math

import pytest
from playwright.async_api import expect

from gateway.clock import clock_ms
from pilote.crm.v1.contact_pb2 import Contact
from services.rollouts.controller import Controller
from tests.console.stage import Stage, approves, confirms, submits
from tests.console.test_models import two_arms
from tests.e2e.policy import Data
from tests.e2e.requests import get
from tests.e2e.waiting import eventually
from tests.e2e.world import credential, together
from tests.fakes.upstream import answering

pytestmark = pytest.mark.one_store
SALES = credential("sales-bot")
MANY = 400
ENOUGH = 1_200
"""People of whom each arm of two gets 500, the fewest of which anything is said."""


def may_be_chance(count: int, *, of: int, share: float) -> bool:
    """Whether so many of so many are not too unlikely: beyond these bounds on both sides is one case in 10^9.

    Chernoff's bound: n times the divergence of what was found from what is expected.
    """
    found = count / of
    parts = ((found, share), (1 - found, 1 - share))
    return of * sum(a * math.log(a / b) for a, b in parts if a) < math.log(2e9)


async def served(stage: Stage, people: int) -> int:
    """How many of so many customers, each read once, the candidate serves; the other upstream serves the others."""
    stage.work.upstream.behave = stage.new.behave = answering(Contact().SerializeToString())
    agent, old, new = stage.work.world.agent(), len(stage.work.upstream.asked), len(stage.new.asked)
    for first in range(0, people, 100):
        batch = range(first, min(first + 100, people))
        ended = await together(*(agent.contacts.GetContact(get(f"contacts/c-{n}"), metadata=SALES) for n in batch))
        assert {each.reason for each in ended} == {""}
    assert len(stage.work.upstream.asked) - old + len(stage.new.asked) - new == people
    return len(stage.new.asked) - new


async def test_an_officer_gives_a_canary_a_share_by_the_slider_and_real_calls_are_split_so(stage: Stage) -> None:
    await stage.begins(two_arms(stage.work.upstream, stage.new, (10_000, 0)))
    assert await served(stage, 100) == 0

    ora = await stage.comes("ora", "/models")
    page = ora.page
    await ora.snap("canary-1-routes")
    await page.get_by_role("link", name="Change the weights of crm").click()
    await page.get_by_role("slider", name="Slider: weight of new").focus()
    for _ in range(25):
        await page.keyboard.press("ArrowRight")
    await page.get_by_text("Of the last 1,000 calls, about 250 would have gone to another arm.").wait_for()
    await ora.snap("canary-2-weights")
    await page.get_by_role("button", name="Write into a draft").click()
    await page.get_by_text("The weights are in this draft.").wait_for()
    await ora.snap("canary-3-review")
    proposal = await submits(ora, "The new one is tested.")
    assert await served(stage, 100) == 0

    carl = await stage.comes("carl", proposal, phone=True)
    await carl.snap("canary-4-proposal")
    await approves(carl, proposal)
    await stage.runs()
    assert may_be_chance(await served(stage, MANY), of=MANY, share=0.25)
    page = await ora.go("/models")
    await expect(page.locator("#routes")).to_contain_text("25%")
    await ora.snap("canary-5-split")


def ramp(stage: Stage) -> Data:
    """A rollout: half of the customers at first, then everybody, once somebody agrees."""
    measured = {"success": [{"measure": "error_rate", "margin": 0.3}], "guardrails": [{"measure": "error_rate"}]}
    first = {"share": 5_000, "hold": "1ms", "min_sample": 500, "approval": True}
    rollout = {"name": "up", "route": "crm", "arm": "new", "against": "old", **measured}
    rollout["steps"] = [first, {"share": 10_000, "hold": "1h"}]
    return two_arms(stage.work.upstream, stage.new, (10_000, 0), rollouts=[rollout])


async def test_an_officer_starts_a_ramp_and_lets_it_go_on_once_it_is_proven(stage: Stage) -> None:
    await stage.begins(ramp(stage))
    ora = await stage.comes("ora", "/models/rollouts")
    ora.expected.add(403)  # she retypes her password
    page = ora.page
    await page.get_by_role("link", name="up").click()
    await ora.snap("ramp-1-pending")
    await page.get_by_label("Why").fill("the new one is tested")
    await page.get_by_role("button", name="Start").click()
    await confirms(ora)
    await page.get_by_role("status").get_by_text("Started by revision").wait_for()
    await stage.runs()
    await ora.snap("ramp-2-running")
    assert may_be_chance(await served(stage, ENOUGH), of=ENOUGH, share=0.5)

    controller = Controller(stage.store, stage.work.auditor.stub, clock_ms=clock_ms)

    async def proven() -> bool | None:
        (standing,) = await controller.look()
        return standing.rollout.state == "ready" or None

    await eventually(proven, what="enough people in both arms")
    await stage.runs()
    # Her page, which brings by itself how it stands, says that more can be done to it now.
    await page.get_by_role("link", name="See what can be done now").click()
    await expect(page.locator("#standing .badge").first).to_have_text("ready")
    await ora.snap("ramp-3-ready")
    await page.get_by_label("Why").fill("nothing went wrong")
    await page.get_by_role("button", name="Approve the next step").click()
    await page.get_by_role("status").get_by_text("Goes on by revision").wait_for()
    await stage.runs()
    assert await served(stage, 100) == 100
    await ora.snap("ramp-4-everybody")


HOUR_MS = 3_600_000
TONE = {
    "name": "tone",
    "hypothesis": "the new one is as good",
    "route": "crm",
    "arms": [{"name": "a", "weight": 5_000, "arm": "old"}, {"name": "b", "weight": 5_000, "arm": "new"}],
    "measures": ["error_rate"],
    "min_sample": 1,
}


async def test_an_officer_sees_what_is_known_of_an_experiment_from_hour_to_hour(stage: Stage) -> None:
    arms = two_arms(stage.work.upstream, stage.new, (5_000, 5_000), experiments=[TONE])
    await stage.begins(arms, age_ms=3 * HOUR_MS)
    await served(stage, MANY)

    ora = await stage.comes("ora", "/models/experiments")
    page = ora.page
    await page.get_by_role("link", name="tone").click()
    figure = page.locator("#looks figure").first
    await figure.locator("canvas").wait_for()
    made = json.loads(await figure.locator(".chart").get_attribute("data-chart") or "")
    values, lows, highs = (each["values"] for each in made["data"]["series"])
    assert len(made["data"]["at"]) == len(values) >= 3
    assert (lows[0], highs[0]) == (None, None)  # nobody had called by then
    assert lows[-1] < values[-1] < highs[-1]
    assert await ora.axe() == []
    await ora.snap("experiment-chart")
