"""A policy, or a version of a model, becomes active only once the suites that it names have passed for exactly it."""

import hashlib
from typing import Any

import msgspec
import pytest

from gateway.activation.loading import canonical, load
from gateway.core.policy.document import Document
from gateway.redis_clients import Client
from services.probes.digests import digest_of, version_in
from services.probes.policies import Policy
from services.probes.reading import read
from services.probes.running import Report, run
from services.probes.store import SuiteChanged, SuiteStore
from services.revisions.revising import Revising, RevisionProblem
from tests.policies import demo, policy
from tests.services.probes.suites import text

ALLOWS = {"kind": "expect", "expect": {"verdict": "ALLOW"}}
GATED = {"approvals": {"probes": ["acme/contacts"]}}


@pytest.fixture
def revising(redis: Client) -> Revising:
    """On an empty store; the time stands still."""
    return Revising(redis, clock_ms=lambda: 1_000)


@pytest.fixture
def suites(redis: Client) -> SuiteStore:
    return SuiteStore(redis)


async def apply(revising: Revising, **sections: Any) -> int:
    return (await revising.apply(load(policy(**sections)).document, hand=None, reason="", expected=None)).revision


async def refused(revising: Revising, **sections: Any) -> str:
    with pytest.raises(RevisionProblem) as problem:
        await apply(revising, **sections)
    said = {problem.value.said(language) for language in ("en", "fr")}
    assert len(said) == 2
    assert all("acme/contacts" in each for each in said)
    return problem.value.code


async def probe(suites: SuiteStore, **sections: Any) -> bool:
    kept = await suites.get("acme/contacts")
    assert kept is not None
    report = run(read(kept.text), Policy(load(policy(**sections)), name="it"))
    return (await suites.note(kept.name, report, by="ada", now_ms=1)).passed


async def test_a_policy_is_active_only_once_its_suite_has_passed_for_exactly_it(
    revising: Revising, suites: SuiteStore
) -> None:
    assert await refused(revising, **GATED) == "probes-unknown"
    await suites.save("acme", text(ALLOWS), by="ada", now_ms=1)
    assert await refused(revising, **GATED) == "probes-never"
    assert await probe(suites, **GATED)
    assert await refused(revising, **GATED, description="another") == "probes-never"
    assert await apply(revising, **GATED) == 1

    closed = [{"name": "closed", "effect": "deny", "reason": "POLICY_DENIED"}]
    assert not await probe(suites, **GATED, rules=closed)
    assert await refused(revising, **GATED, rules=closed) == "probes-failed"
    assert await refused(revising, rules=closed) == "probes-failed"  # nor by leaving the gate out


async def test_a_suite_that_was_changed_since_must_pass_anew_and_going_back_needs_none(
    revising: Revising, suites: SuiteStore
) -> None:
    assert await apply(revising, description="one") == 1
    first = await suites.save("acme", text(ALLOWS), by="ada", now_ms=1, version=0)
    assert await probe(suites, **GATED)
    assert await apply(revising, **GATED) == 2
    await suites.save("acme", text(ALLOWS, ALLOWS), by="bob", now_ms=2, version=first.version)
    assert await refused(revising, **GATED) == "probes-never"
    assert (await revising.rollback(1, hand=None, reason="")).revision == 3
    with pytest.raises(SuiteChanged):
        await suites.save("acme", text(ALLOWS), by="eve", now_ms=3, version=first.version)


async def test_what_says_that_it_goes_back_and_is_no_earlier_policy_is_not_taken(
    revising: Revising, suites: SuiteStore
) -> None:
    assert await apply(revising, description="one") == 1
    await suites.save("acme", text(ALLOWS), by="ada", now_ms=1)
    assert await probe(suites, **GATED)
    assert await apply(revising, **GATED) == 2
    drafted = await revising.draft(load(policy(description="evil")).document, author="", reason="", expected=None)
    content = bytes(drafted.published.document)
    forged = msgspec.structs.replace(drafted.entry.statement, how="rollback", restores=1)
    with pytest.raises(RevisionProblem) as problem:
        await revising.drafted(content, forged)
    assert problem.value.code == "not-drafted"
    back = await revising.draft_back(1, author="", reason="")
    again = await revising.drafted(bytes(back.published.document), back.entry.statement)
    assert (await revising.submit(again, signature="")).revision == 3


def scored(*, weight: int, **version: Any) -> Document:
    data = demo()
    data["models"][0]["versions"][1].update(version)
    for arm, share in zip(data["routes"][1]["arms"], (10_000 - weight, weight), strict=True):
        arm["weight"] = share
    data["routes"][1]["arms"] = [arm for arm in data["routes"][1]["arms"] if arm["weight"]]
    return load(data).document


async def test_a_suite_is_deleted_as_it_was_seen_or_not_at_all(suites: SuiteStore) -> None:
    seen = await suites.save("acme", text(ALLOWS), by="ada", now_ms=1)
    newer = await suites.save("acme", text(ALLOWS), by="bob", now_ms=2)
    with pytest.raises(SuiteChanged):
        await suites.delete(seen)
    await suites.delete(newer)
    with pytest.raises(SuiteChanged):
        await suites.delete(newer)


async def test_a_version_gets_an_arm_only_once_its_suite_has_passed(revising: Revising, suites: SuiteStore) -> None:
    named = {"probes": ["acme/scores"]}
    assert (await revising.apply(scored(weight=0, **named), hand=None, reason="", expected=None)).revision == 1
    with pytest.raises(RevisionProblem) as problem:
        await revising.apply(scored(weight=3_000, **named), hand=None, reason="", expected=None)
    assert problem.value.code == "probes-unknown"
    assert "--version lead-score/2" in problem.value.said("fr")

    kept = await suites.save("acme", text(ALLOWS).replace("suite: contacts", "suite: scores"), by="ada", now_ms=1)
    wanted = scored(weight=3_000, **named)
    version = version_in(wanted, "lead-score", "2")
    assert version is not None
    report = Report(
        suite="scores",
        suite_sha256=hashlib.sha256(kept.text.encode()).hexdigest(),
        kind="version",
        target="lead-score/2",
        digest=digest_of(wanted, "lead-score", version),
        seed=1,
        cases=1,
        results=(),
    )
    await suites.note(kept.name, report, by="ada", now_ms=1)
    assert (await revising.apply(wanted, hand=None, reason="", expected=None)).revision == 2
    await suites.delete(kept)  # what serves already is not asked again
    again = msgspec.structs.replace(wanted, description="again")
    assert (await revising.apply(again, hand=None, reason="", expected=None)).revision == 3
    assert canonical(again) != canonical(wanted)
