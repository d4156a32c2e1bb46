"""An officer sees how calls are split, writes other weights into a draft, and moves rollouts that real calls follow."""

from collections import Counter
from typing import Any

from gateway.adapters.revisions import RevisionStore
from pilote.crm.v1.contact_pb2 import Contact
from services.control.access.rights import Role
from tests.console.conftest import Visit
from tests.console.visiting import LOOKS
from tests.console.workplace import Workplace
from tests.e2e.insiders import GOOD, Inside
from tests.e2e.policy import Data, policy
from tests.e2e.requests import get
from tests.e2e.world import credential, told
from tests.fakes.upstream import FakeUpstream, answering, fake_upstream
from tests.signatures import PEOPLE, entry, published

SALES = credential("sales-bot")


def two_arms(old: FakeUpstream, new: FakeUpstream, weights: tuple[int, int], **more: Any) -> Data:
    """A route with two arms."""
    arms = [
        {"name": "old", "upstream": "crm", "weight": weights[0]},
        {"name": "new", "upstream": "crm-2", "weight": weights[1]},
    ]
    data = policy(old.address, routes=[{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms}], **more)
    data["upstreams"].append({"name": "crm-2", "address": new.address, "timeout": "10s"})
    return data


def ramp(old: FakeUpstream, new: FakeUpstream) -> Data:
    """A rollout of the new arm: half of the customers at first, then everybody, once somebody agrees."""
    measured = {"success": [{"measure": "error_rate", "margin": 0.3}], "guardrails": [{"measure": "error_rate"}]}
    steps = [{"share": 5_000, "hold": "1h", "approval": True}, {"share": 10_000, "hold": "1h"}]
    rollout = {"name": "up", "route": "crm", "arm": "new", "against": "old", "steps": steps, **measured}
    return two_arms(old, new, (10_000, 0), rollouts=[rollout])


async def split(work: Workplace, new: FakeUpstream, count: int = 60) -> Counter[str]:
    """Which arm serves so many customers."""
    agent, before = work.world.agent(), (len(work.upstream.asked), len(new.asked))
    for each in range(count):
        await told(agent.contacts.GetContact(get(f"contacts/c-{each}"), metadata=SALES))
    return Counter(old=len(work.upstream.asked) - before[0], new=len(new.asked) - before[1])


async def test_an_officer_ramps_a_candidate_and_the_split_of_real_calls_follows(visit: Visit, work: Workplace) -> None:
    async with fake_upstream() as new:
        work.upstream.behave = new.behave = answering(Contact().SerializeToString())
        await work.publish(ramp(work.upstream, new))
        store = RevisionStore(work.world.redis)
        assert await split(work, new) == Counter(old=60)

        ora = await work.enter(await visit(work.url), "ora", Role.OFFICER)
        page = await ora.go("/models/rollouts")
        await page.get_by_role("link", name="up").click()
        await page.get_by_label("Why").fill("the new one is tested")
        await page.get_by_role("button", name="Start").click()
        await page.get_by_role("status").get_by_text("Started by revision 2.").wait_for()
        await work.world.wait_for(await store.active())
        served = await split(work, new)
        assert 15 <= served["new"] <= 45

        assert await page.get_by_text("The candidate serves 50% of the calls of crm.").is_visible()
        await page.get_by_label("Why").fill("it is worse")
        await page.get_by_role("button", name="Take it back").click()
        await page.get_by_role("status").get_by_text("the candidate serves nobody").wait_for()
        await work.world.wait_for(await store.active())
        assert await split(work, new) == Counter(old=60)


async def test_a_move_needs_a_reason_and_counts_only_for_what_was_seen(visit: Visit, work: Workplace) -> None:
    async with fake_upstream() as new:
        await work.publish(ramp(work.upstream, new))
        for scripts in (True, False):
            ora = await work.enter(
                await visit(work.url, java_script_enabled=scripts), f"ora-{scripts}".lower(), Role.OFFICER
            )
            ora.expected = {422}
            page = await ora.go("/models/rollouts/up")
            await page.get_by_role("button", name="Start").click()
            await page.get_by_text("Say why, in 1 to 900 characters").wait_for()
        other = await work.enter(await visit(work.url), "olaf", Role.OFFICER)
        await other.go("/models/rollouts/up")
        await other.page.get_by_label("Why").fill("first")
        await other.page.get_by_role("button", name="Start").click()
        await other.page.get_by_role("status").get_by_text("Started").wait_for()
        await page.get_by_label("Why").fill("second")
        await page.get_by_role("button", name="Start").click()
        assert await page.get_by_text("has moved since you saw it").is_visible()


async def test_weights_are_written_into_a_draft_and_nothing_changes_before_it_is_approved(
    visit: Visit, work: Workplace
) -> None:
    async with fake_upstream() as new:
        number = await work.publish(two_arms(work.upstream, new, (9_000, 1_000)))
        ora = await work.enter(await visit(work.url), "ora", Role.OFFICER)
        page = await ora.go("/models")
        await page.get_by_role("link", name="Change the weights of crm").click()
        slider = page.get_by_role("slider", name="Slider: weight of new")
        await slider.focus()
        for _ in range(5):
            await page.keyboard.press("ArrowRight")
        assert await page.get_by_label("Weight of old, in percent").input_value() == "85"
        assert await page.get_by_label("Weight of new, in percent").input_value() == "15"
        await page.get_by_text("Of the last 1,000 calls, about 50 would have gone to another arm.").wait_for()
        await page.get_by_label("Weight of new, in percent").fill("12.5")
        assert await page.get_by_label("Weight of old, in percent").input_value() == "87.5"
        await page.get_by_role("button", name="Write into a draft").click()
        await page.get_by_text("The weights are in this draft.").wait_for()
        assert "8750" in await page.content()
        assert await RevisionStore(work.world.redis).active() == number


WRONG = (
    (("70", "20"), "they add up to 90 %"),
    (("120", "-20"), "must be a percentage"),
    (("x", "100"), "must be a percentage"),
    (("99.999", "0.001"), "must be a percentage"),
    (("NaN", "100"), "must be a percentage"),
    (("90", "10"), "These are the weights of now."),
)


async def test_wrong_weights_are_said_also_without_scripts(visit: Visit, work: Workplace) -> None:
    async with fake_upstream() as new:
        await work.publish(two_arms(work.upstream, new, (9_000, 1_000)))
        ora = await work.enter(await visit(work.url, java_script_enabled=False), "ora", Role.OFFICER)
        ora.expected = {422}
        page = await ora.go("/models/routes/crm")
        for typed, said in WRONG:
            for arm, text in zip(("old", "new"), typed, strict=True):
                await page.get_by_label(f"Weight of {arm}, in percent").fill(text)
            await page.get_by_role("button", name="Write into a draft").click()
            assert said in await page.locator("main").inner_text()


@LOOKS
async def test_the_pages_pass_axe_and_fit(visit: Visit, work: Workplace, look: dict[str, object]) -> None:
    async with fake_upstream() as new:
        experiment = {
            "name": "tone",
            "hypothesis": "the new one is as good",
            "route": "crm",
            "arms": [{"name": "a", "weight": 5_000, "arm": "old"}, {"name": "b", "weight": 5_000, "arm": "new"}],
            "measures": ["error_rate", "latency_ms"],
        }
        data = ramp(work.upstream, new) | {"holdouts": [{"name": "quiet", "share": 500}]}
        await work.publish(data)
        ora = await work.enter(await visit(work.url, **look), "ora", Role.OFFICER)
        paths = ["", "/routes/crm", "/versions", "/rollouts", "/rollouts/up", "/shadows", "/holdouts"]
        for path in paths:
            await ora.go(f"/models{path}")
            assert await ora.axe() == [], path
            assert await ora.overflow() <= 0, path
        await work.publish(two_arms(work.upstream, new, (5_000, 5_000), experiments=[experiment]))
        for path in ("/experiments", "/experiments/tone"):
            await ora.go(f"/models{path}")
            assert await ora.axe() == [], path
            assert await ora.overflow() <= 0, path


async def test_without_a_policy_pages_say_what_to_do_first(visit: Visit, work: Workplace) -> None:
    ora = await work.enter(await visit(work.url, locale="fr-FR"), "ora", Role.OFFICER)
    for path, title in (
        ("", "Aucune route pour l’instant"),
        ("/versions", "Aucun modèle pour l’instant"),
        ("/rollouts", "Aucun déploiement pour l’instant"),
        ("/experiments", "Aucune expérience pour l’instant"),
        ("/holdouts", "Aucun groupe témoin pour l’instant"),
    ):
        page = await ora.go(f"/models{path}")
        assert await page.get_by_role("heading", name=title).is_visible()


async def test_where_the_policy_names_people_a_move_is_signed_by_who_retypes_their_password(
    visit: Visit, work: Workplace
) -> None:
    async with fake_upstream() as new:
        work.upstream.behave = new.behave = answering(Contact().SerializeToString())
        session = (await Inside(work.url, work.access).somebody("ora", Role.OFFICER)).session
        account = await work.access.accounts.known("ora")
        data = ramp(work.upstream, new) | {"people": [*PEOPLE, {"name": "ora", "public_key": account.public_key}]}
        signed = published(work.world.document(data), author="ada")
        number = await RevisionStore(work.world.redis).add(signed, entry(signed, "bob"))
        await work.world.wait_for(number)
        await work.follows(number)

        ora = await visit(work.url)
        ora.expected = {403}
        await ora.continues(session)
        page = await ora.go("/models/rollouts/up")
        await page.get_by_label("Why").fill("the new one is tested")
        await page.get_by_role("button", name="Start").click()
        await page.get_by_role("dialog").get_by_label("Password").fill(GOOD)
        await page.keyboard.press("Enter")
        await page.get_by_role("status").get_by_text("Started by revision 2.").wait_for()
        await work.world.wait_for(2)
        assert 15 <= (await split(work, new))["new"] <= 45
