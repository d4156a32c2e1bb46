"""What a report tells of a version beside its calls is what the store has of it: probes, reviews, steps of rollouts."""

import hashlib
from typing import Any

import msgspec

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.movement import rollouts_in
from gateway.redis_clients import Client
from services.probes.digests import digest_of, version_in
from services.probes.running import Report, Result
from services.probes.store import SuiteStore
from services.report_versions import Versions
from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.item import Label
from services.reviews.store import ReviewStore
from tests.policies import demo
from tests.services.probes.suites import text
from tests.services.reviews.test_item import item, says

SPAN: dict[str, Any] = {"tenants": ("acme",), "start_ms": 0, "end_ms": 10 * HOUR_MS}


async def published(redis: Client, **sections: Any) -> tuple[RevisionStore, int]:
    """A policy with a rollout whose candidate is version 2."""
    data = demo()
    route = data["routes"][1]
    for arm, weight in zip(route["arms"], (10_000, 0), strict=True):
        arm["weight"] = weight
    names = [arm["name"] for arm in route["arms"]]
    data["rollouts"] = [{"name": "up", "route": route["name"], "arm": names[1], "against": names[0]}]
    revision = load(data | sections)
    document = msgspec.Raw(canonical(revision.document))
    store = RevisionStore(redis)
    number = await store.publish(Published(sha256=revision.sha256, author="", created_ms=1, document=document))
    return store, number


async def test_only_the_steps_of_its_own_rollouts_are_told_each_once(redis: Client) -> None:
    store, number = await published(redis)
    first = await store.read(number)
    assert first is not None
    (rollout,) = rollouts_in(bytes(first.document))
    one = await store.advance(
        msgspec.structs.replace(rollout, state="running"), base=number, reason="go", now_ms=5, author="ada"
    )
    stopped = msgspec.structs.replace(rollout, state="rolled_back", cause="aborted", reason="it drifts")
    two = await store.advance(stopped, base=one, reason="stop", now_ms=6)
    found = await Versions(redis).about("lead-score", "2", moved=(one, two), **SPAN)
    assert [(each.revision, each.at_ms, each.author, each.rollout.state) for each in found.moves] == [
        (one, 5, "ada", "running"),
        (two, 6, "", "rolled_back"),
    ]
    for model, version in (("lead-score", "1"), ("other", "2"), ("lead-score", "9")):
        assert (await Versions(redis).about(model, version, moved=(one, two), **SPAN)).moves == ()


async def test_what_suites_came_to_is_told_for_exactly_the_version_and_only_to_its_tenant(redis: Client) -> None:
    store, number = await published(redis)
    revision = await store.read(number)
    assert revision is not None
    document = load(msgspec.json.decode(revision.document)).document
    version = version_in(document, "lead-score", "2")
    assert version is not None
    suites = SuiteStore(redis)
    kept = await suites.save("acme", text({"kind": "expect", "expect": {"verdict": "ALLOW"}}), by="ada", now_ms=1)
    report = Report(
        suite=kept.suite,
        suite_sha256=hashlib.sha256(kept.text.encode()).hexdigest(),
        kind="version",
        target="lead-score/2",
        digest=digest_of(document, "lead-score", version),
        seed=1,
        cases=3,
        results=(Result(probe="names", kind="expect", state="failed", cases=3),),
    )
    await suites.note(kept.name, report, by="ada", now_ms=7)
    (found,) = (await Versions(redis).about("lead-score", "2", moved=(), **SPAN)).probed
    assert (found.suite, found.passed, found.failed, found.by) == (kept.name, False, ("names",), "ada")
    for model, other, tenants in (("lead-score", "1", ("acme",)), ("lead-score", "2", ("globex",))):
        told = await Versions(redis).about(model, other, moved=(), **SPAN | {"tenants": tenants})
        assert (told.known, told.probed) == (True, ())
    assert not (await Versions(redis).about("lead-score", "9", moved=(), **SPAN)).known


async def test_reviews_are_those_of_the_version_and_of_calls_of_the_time(redis: Client) -> None:
    store, later = ReviewStore(redis), 20 * HOUR_MS
    drawn = [
        item(each, model="lead-score", model_version="2", chance=0.5, received_ms=HOUR_MS, wanted=1)
        for each in range(1, 13)
    ]
    versions = (
        ("sales-bot", "lead-score", "2", 24),
        ("sales-bot", "lead-score", "1", 9),
        ("sales-bot", "tone", "2", 5),
    )
    hour = msgspec.json.encode(Drawn(items=12, led=versions))
    await store.add("acme", drawn, hour=1, drawn=hour)
    others = [
        item(50, model="lead-score", model_version="1", wanted=1, received_ms=HOUR_MS),
        item(51, model="lead-score", model_version="2", wanted=1, received_ms=later),
        item(52, model="tone", model_version="2", wanted=1, received_ms=HOUR_MS),
    ]
    await store.add("acme", others)
    for _ in (*drawn, *others):
        taken = await store.take("acme", "ada", now_ms=5)
        assert taken is not None
        bad = taken.id in {one.id for one in drawn[:3]}
        label = Label.WRONG_SHOULD_DENY if bad else Label.RIGHT
        await store.answer("acme", taken.id, says("ada", label, corrected="DENY" if bad else "", at_ms=HOUR_MS + 5))
    found = await Versions(redis).about("lead-score", "2", moved=(), **SPAN)
    assert {name: count for name, count in found.labels.items() if count} == {"RIGHT": 9, "WRONG_SHOULD_DENY": 3}
    (judged,) = found.judged
    assert (judged.agent, judged.decisions, judged.reviewed, judged.wrong) == ("sales-bot", 24, 12, 3)
    assert judged.rate is not None
    value, low, high = judged.rate
    assert low < value == 0.25 < high
    elsewhere = await Versions(redis).about("lead-score", "2", moved=(), **SPAN | {"tenants": ("globex",)})
    assert (sum(elsewhere.labels.values()), elsewhere.judged) == (0, ())
