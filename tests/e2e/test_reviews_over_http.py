"""People judge decisions over HTTP: blind, one at a time, and the log says who did."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import yaml

from pilote.audit.v1.personal_pb2 import ListNotesRequest
from services.control.access.rights import Role
from services.findings.store import FindingStore
from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.item import Label, Why
from services.reviews.ruling import RuleBook
from services.reviews.store import ReviewStore
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import send
from tests.e2e.steering import Steering, steering
from tests.e2e.world import Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.services.findings.test_finding import seen
from tests.services.reviews.test_item import item

pytestmark = pytest.mark.one_store
OFFICER = {"acme": [Role.OFFICER]}
SALES = credential("sales-bot")
NEXT = "/v1/reviews:next"


@pytest.fixture
async def people(world: World, upstream: FakeUpstream, auditor: Auditor) -> AsyncIterator[Steering]:
    await world.publish(policy(upstream.address, rules=[allow_all()]))
    async with steering(world, audit=auditor.address) as found:
        yield found


async def decided(world: World, auditor: Auditor) -> str:
    """The name of a decision."""
    ended = await told(world.agent().messages.SendMessage(send(), metadata=SALES))
    await auditor.decision(ended.decision)
    return f"decisions/{ended.decision}"


async def judged(people: Steering, who: str, label: str, **more: str) -> tuple[int, Any]:
    """What somebody says of the next one."""
    _, taken = await people.ask("POST", NEXT, {}, who=who)
    return await people.ask("POST", f"/v1/{taken['review']['name']}:answer", {"label": label, **more}, who=who)


async def test_a_flagged_decision_is_judged_by_two_others_neither_of_whom_knows_what_the_other_says(
    people: Steering, world: World, auditor: Auditor
) -> None:
    decision = await decided(world, auditor)
    flag = {"decision": decision, "text": "a customer called"}
    status, flagged = await people.ask("POST", "/v1/reviews:flag", flag)
    assert (status, flagged["decision"], flagged["state"], flagged["why"]) == (201, decision, "OPEN", "")
    assert (await people.ask("POST", NEXT, {}))[1] == {"review": None}  # not by who has flagged it
    path = f"/v1/{flagged['name']}"

    _, first = await people.ask("POST", NEXT, {}, who="ada")
    assert (first["review"]["name"], first["review"]["holder"]) == (flagged["name"], "ada")
    assert (await people.ask("POST", NEXT, {}, who="bob"))[1] == {"review": None}
    assert (await people.ask("POST", f"{path}:answer", {"label": "RIGHT"}, who="bob"))[1]["reason"] == "CONFLICT"
    assert (await people.ask("POST", f"{path}:renew", who="ada"))[0] == 200
    wrong = {"label": "WRONG_SHOULD_DENY", "corrected": "DEFER", "text": "too late in the evening"}
    assert (await people.ask("POST", f"{path}:answer", wrong, who="ada"))[0] == 200

    for who in ("bob", "zoe", "a stranger"):
        seen = (await people.ask("GET", path, who=who))[1]
        assert (seen["answers"], seen["outcome"], seen["state"]) == ([], "", "OPEN")
    status, done = await judged(people, "bob", "WRONG_SHOULD_DENY")
    assert (status, done["state"], done["outcome"], done["corrected"]) == (200, "SETTLED", "WRONG_SHOULD_DENY", "")
    assert [(each["by"], each["corrected"]) for each in done["answers"]] == [("ada", "DEFER"), ("bob", "DENY")]
    assert [each["name"] for each in (await people.ask("GET", "/v1/reviews?state=SETTLED"))[1]["reviews"]] == [
        flagged["name"]
    ]
    assert (await people.ask("POST", "/v1/reviews:flag", flag))[1]["reason"] == "CONFLICT"
    _, labels = await people.ask("GET", "/v1/review-labels", roles=OFFICER)
    assert [(each["decision"], each["label"], each["chance"]) for each in labels["labels"]] == [
        (decision, "WRONG_SHOULD_DENY", None)
    ]

    notes = (await auditor.stub.ListNotes(ListNotesRequest(kind="change", resource=flagged["name"]))).notes
    assert [(each.change.operation, each.person) for each in reversed(notes)] == [
        ("flag", "zoe"), ("judge", "ada"), ("judge", "bob"),
    ]  # fmt: skip
    assert "WRONG" not in str(notes)


async def test_what_was_found_wrong_becomes_a_probe_of_what_it_should_have_come_to_once(
    people: Steering, world: World, auditor: Auditor
) -> None:
    decision = (await decided(world, auditor)).removeprefix("decisions/")
    one = item(decision=decision, verdict="ALLOW", created_ms=world.clock(), due_ms=world.clock())
    assert await ReviewStore(world.redis).put(one)
    path = f"/v1/reviews/acme/{one.id}:probe"
    assert (await people.ask("POST", path))[1]["reason"] == "ARGUMENT_INVALID"  # nobody has judged it yet
    await judged(people, "ada", "WRONG_SHOULD_DENY", corrected="HOLD")
    await judged(people, "bob", "WRONG_SHOULD_DENY", corrected="HOLD")
    assert (await people.ask("POST", path))[1]["reason"] == "ARGUMENT_INVALID"  # zoe may not see what they have said
    for who in ("ada", "bob"):
        status, made = await people.ask("POST", path, who=who)
        assert (status, made) == (200, {"suite": "probes/acme/reviews", "probe": f"review-{one.id}"})
    _, suite = await people.ask("GET", "/v1/probes/acme/reviews")
    (probe,) = yaml.safe_load(suite["text"])["probes"]
    assert (probe["name"], probe["expect"]) == (f"review-{one.id}", {"verdict": "HOLD"})
    assert (await people.ask("POST", path, who="ada", roles={"acme": [Role.AUDITOR]}))[0] == 403
    gone = item(2, verdict="ALLOW", created_ms=world.clock(), due_ms=world.clock())
    assert await ReviewStore(world.redis).put(gone)
    for who in ("ada", "bob"):
        await judged(people, who, "WRONG_SHOULD_DENY")
    assert (await people.ask("POST", f"/v1/reviews/acme/{gone.id}:probe", who="ada"))[1]["reason"] == "ARGUMENT_INVALID"


async def test_where_two_do_not_agree_a_third_sees_what_they_say_and_not_who(people: Steering, world: World) -> None:
    assert await ReviewStore(world.redis).put(item(created_ms=world.clock()))
    await judged(people, "ada", "RIGHT", text="as the rule says")
    status, second = await judged(people, "bob", "UNCLEAR")
    assert (status, second["state"], len(second["answers"])) == (200, "OPEN", 1)
    _, third = await people.ask("POST", NEXT, {}, who="eve")
    review = third["review"]
    assert (review["state"], [(each["by"], each["label"]) for each in review["answers"]]) == (
        "DISPUTED", [("", "RIGHT"), ("", "UNCLEAR")],
    )  # fmt: skip
    status, done = await judged(people, "eve", "RIGHT")
    assert (done["outcome"], done["answers"][2]["by"]) == ("RIGHT", "eve")


async def test_a_known_answer_looks_like_any_other_and_tells_whether_people_look(
    people: Steering, world: World, auditor: Auditor
) -> None:
    decision = await decided(world, auditor)
    known = {"decision": decision, "label": "WRONG_SHOULD_DENY", "text": "the customer had opted out"}
    assert (await people.ask("POST", "/v1/reviews:know", known, roles=OFFICER))[0] == 200
    unfit = known | {"label": "WRONG_SHOULD_ALLOW"}
    assert (await people.ask("POST", "/v1/reviews:know", unfit, roles=OFFICER))[1]["reason"] == "ARGUMENT_INVALID"
    assert (await people.ask("POST", "/v1/reviews:know", known))[1]["reason"] == "RIGHT_MISSING"
    (kept,) = await RuleBook(world.redis).known("acme")
    assert (kept.known, kept.barred, kept.why) == (Label.WRONG_SHOULD_DENY, ("zoe",), Why.KNOWN)
    store, now_ms = ReviewStore(world.redis), world.clock()
    seeded = item(1, why=Why.KNOWN, known=kept.known, verdict="ALLOW", created_ms=now_ms, due_ms=now_ms + 1)
    plain = item(2, chance=0.5, verdict="ALLOW", created_ms=now_ms, due_ms=now_ms + 2)
    assert await store.add("acme", [seeded, plain]) == "done"
    first = (await people.ask("POST", NEXT, {}, who="ada"))[1]["review"]
    await judged(people, "ada", "RIGHT")
    second = (await people.ask("POST", NEXT, {}, who="ada"))[1]["review"]
    differs = {name for name, value in first.items() if value != second[name]}
    assert differs <= {"name", "decision", "dueTime", "leaseExpireTime"}
    await judged(people, "bob", "WRONG_SHOULD_DENY")
    _, told = await people.ask("GET", "/v1/review-numbers/acme", who="ada")
    assert (told["all"]["caught"]["count"], told["all"]["caught"]["of"], told["settled"]) == (1, 2, 0)
    assert [(each["reviewer"], each["caught"]["value"]) for each in told["reviewers"]] == [("ada", 0.0)]
    _, all_of_them = await people.ask("GET", "/v1/review-numbers/acme", roles=OFFICER)
    assert [each["reviewer"] for each in all_of_them["reviewers"]] == ["ada", "bob"]


async def test_who_sets_the_rules_writes_over_nobody_elses_and_the_log_has_both(
    people: Steering, auditor: Auditor
) -> None:
    path = "/v1/review-rules/acme"
    _, before = await people.ask("GET", path)
    assert before["rules"]["random"] == 0
    rules = {"random": 0.01, "risk": 0.2, "dueHours": 48}
    assert (await people.ask("PUT", path, rules))[1]["reason"] == "RIGHT_MISSING"
    status, after = await people.ask("PUT", path, rules, roles=OFFICER, if_match=before["etag"])
    assert (status, after["rules"]["dueHours"], after["rules"]["reviewers"]) == (200, 48, 2)
    status, late = await people.ask("PUT", path, {}, roles=OFFICER, if_match=before["etag"])
    assert (status, late["reason"]) == (412, "REVIEW_RULES_CHANGED")
    assert (await people.ask("PUT", path, {}, roles=OFFICER, if_match=after["etag"]))[0] == 200
    assert (await people.ask("PUT", path, rules, roles=OFFICER))[0] == 200
    notes = (await auditor.stub.ListNotes(ListNotesRequest(kind="change", resource="review-rules/acme"))).notes
    assert len(notes) >= 3


@pytest.mark.parametrize(
    "rules",
    [{"random": 2}, {"random": -0.1}, {"reviewers": 3}, {"mostPerHour": 0}, {"colour": "red"}, [], {"known": 1}],
)
async def test_rules_that_cannot_be_are_refused(people: Steering, rules: object) -> None:
    status, told = await people.ask("PUT", "/v1/review-rules/acme", rules, roles=OFFICER)
    assert (status, told["reason"]) == (400, "ARGUMENT_INVALID")


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        (":answer", {"label": "FINE"}),
        (":answer", {"label": "RIGHT", "corrected": "DENY"}),
        (":answer", {"label": "RIGHT", "text": "x" * 1_001}),
        (":answer", {}),
        (":answer", []),
    ],
)
async def test_what_nobody_can_say_of_a_decision_is_refused_and_it_stays_theirs(
    people: Steering, world: World, verb: str, body: object
) -> None:
    assert await ReviewStore(world.redis).put(item(created_ms=world.clock()))
    taken = (await people.ask("POST", NEXT, {}))[1]["review"]
    status, told = await people.ask("POST", f"/v1/{taken['name']}{verb}", body)
    assert (status, told["reason"]) == (400, "ARGUMENT_INVALID")
    assert (await people.ask("POST", NEXT, {}))[1]["review"]["name"] == taken["name"]
    assert (await people.ask("POST", f"/v1/{taken['name']}:release"))[1]["holder"] == ""


async def test_somebody_has_one_decision_at_a_time_in_whatever_tenant_and_lists_say_so(
    people: Steering, world: World
) -> None:
    store, both = ReviewStore(world.redis), {"*": [Role.MODERATOR]}
    assert await store.put(item(1, tenant="globex", created_ms=world.clock()))
    assert (await people.ask("POST", NEXT, {}, roles=both))[1]["review"]["tenant"] == "globex"
    for number in (2, 3):
        assert await store.put(item(number, created_ms=world.clock()))
    for asked in ({}, {"tenant": "acme"}):
        assert (await people.ask("POST", NEXT, asked, roles=both))[1]["review"]["tenant"] == "globex"
    _, told = await people.ask("GET", "/v1/reviews", who="ada", roles=both)
    assert [(each["tenant"], each["holder"]) for each in told["reviews"]] == [
        ("globex", "zoe"), ("acme", ""), ("acme", ""),
    ]  # fmt: skip


async def test_who_judges_is_not_told_which_decisions_were_judged_before(people: Steering, world: World) -> None:
    assert await ReviewStore(world.redis).put(item(created_ms=world.clock()))
    await judged(people, "ada", "RIGHT")
    await judged(people, "bob", "RIGHT")
    settled = "/v1/reviews?state=SETTLED"
    for who, roles, count in (("ada", None, 1), ("eve", None, 0), ("otto", OFFICER, 1)):
        _, told = await people.ask("GET", settled, who=who, roles=roles or {"acme": [Role.MODERATOR]})
        assert len(told["reviews"]) == count, who


async def test_in_other_tenants_there_is_nothing_to_judge_or_see(people: Steering, world: World) -> None:
    foreign = item(1, tenant="globex", created_ms=world.clock())
    assert await ReviewStore(world.redis).put(foreign)
    assert (await people.ask("POST", NEXT, {}))[1] == {"review": None}
    for method, path in (("GET", ""), ("POST", ":answer"), ("POST", ":renew"), ("POST", ":release")):
        status, told = await people.ask(method, f"/v1/reviews/globex/{foreign.id}{path}", {"label": "RIGHT"})
        assert (status, told["reason"]) == (404, "NOT_FOUND")
    assert (await people.ask("GET", "/v1/reviews"))[1]["reviews"] == []
    assert (await people.ask("GET", "/v1/reviews/acme/0123456789abcdef"))[0] == 404


async def test_a_version_is_told_with_what_reviewers_say_of_its_decisions(
    people: Steering, world: World, upstream: FakeUpstream
) -> None:
    model = {"name": "lead-score", "versions": [{"version": "2", "upstream": "crm"}]}
    await world.publish(policy(upstream.address, rules=[allow_all()], models=[model]))
    await people.follow()
    path = "/v1/models/lead-score/versions/2"
    _, before = await people.ask("GET", path)
    assert (before["reviews"]["settled"], before["reviews"]["all"]["rate"]) == (0, None)
    now_ms = world.clock()
    hour = now_ms // HOUR_MS - 1
    drawn = [
        item(
            number,
            model="lead-score",
            model_version="2",
            verdict="ALLOW",
            chance=0.5,
            received_ms=hour * HOUR_MS,
            created_ms=now_ms,
            due_ms=now_ms + number,
        )
        for number in range(1, 12)
    ]
    there = msgspec.json.encode(Drawn(11, (("sales-bot", "lead-score", "2", 22),)))
    assert await ReviewStore(world.redis).add("acme", drawn, hour=hour, drawn=there) == "done"
    for each in drawn:
        for who in ("ada", "bob"):
            label = "WRONG_SHOULD_DENY" if each is drawn[0] else "RIGHT"
            assert (await judged(people, who, label))[0] == 200
    _, after = await people.ask("GET", path)
    said = after["reviews"]
    assert (after["name"], after["upstream"]) == (path.removeprefix("/v1/"), "crm")
    assert (said["settled"], said["found"], said["all"]["decisions"], said["all"]["reviewed"]) == (11, 1, 22, 11)
    assert said["all"]["rate"] == pytest.approx(1 / 11)
    assert said["all"]["low"] < 1 / 11 < said["all"]["high"]
    assert (said["agreement"]["items"], said["agreement"]["share"]) == (11, 1.0)
    _, labels = await people.ask("GET", "/v1/review-labels?model=lead-score&modelVersion=2", roles=OFFICER)
    assert len(labels["labels"]) == 11
    assert (await people.ask("GET", "/v1/review-labels?model=writer", roles=OFFICER))[1]["labels"] == []
    for name in ("models/lead-score/versions/9", "models/writer/versions/2"):
        status, refused = await people.ask("GET", f"/v1/{name}")
        assert (status, refused["reason"]) == (404, "NOT_FOUND")


async def test_the_decisions_of_a_finding_are_put_into_the_queue_once_and_linked_both_ways(
    people: Steering, world: World, auditor: Auditor
) -> None:
    decisions = [(await decided(world, auditor)).removeprefix("decisions/") for _ in range(2)]
    store, gone = FindingStore(world.redis), "0" * 32
    (finding,) = await store.see([seen(decisions=(*decisions, gone))], now_ms=world.clock())
    name = f"findings/acme/{finding.id}"
    status, told = await people.ask("POST", f"/v1/{name}:review")
    reviews = [each["name"] for each in told["links"] if each["kind"] == "review"]
    assert (status, len(reviews), told["comments"][-1]["what"]) == (200, 2, "reviews=2")
    assert {each.decision for each in await ReviewStore(world.redis).open("acme")} == set(decisions)
    # Anybody may ask again, and nothing more comes of it; who has asked judges none of them.
    _, again = await people.ask("POST", f"/v1/{name}:review", who="ada")
    assert (again["links"], len(again["comments"])) == (told["links"], len(told["comments"]))
    assert (await people.ask("POST", NEXT, {}))[1] == {"review": None}
    for _ in decisions:
        for who in ("ada", "bob"):
            _, taken = await people.ask("POST", NEXT, {}, who=who)
            assert (taken["review"]["why"], taken["review"]["findings"]) == ("", [])
            path = f"/v1/{taken['review']['name']}:answer"
            _, done = await people.ask("POST", path, {"label": "RIGHT"}, who=who)
    assert (done["why"], done["findings"]) == ("FLAGGED", [name])
    status, late = await people.ask("POST", f"/v1/{name}:review", who="eve")
    assert (status, late["reason"]) == (409, "CONFLICT")
    (bare,) = await store.see([seen(kind="novelty")], now_ms=world.clock())
    status, refused = await people.ask("POST", f"/v1/findings/acme/{bare.id}:review")
    assert (status, refused["reason"]) == (400, "ARGUMENT_INVALID")
    assert (await people.ask("POST", f"/v1/{name}:review", roles={"acme": [Role.AUDITOR]}))[0] == 403
