"""The moderator's whole way: a version of a model drifts, is found, is stopped, and what comes after it must pass."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import yaml
from google.protobuf import json_format
from open_inference.grpc import protocol as oip
from open_inference.grpc import service as oip_service
from playwright.async_api import expect

from gateway.clock import clock_ms
from services.audit.sqlite.store import SqliteStore
from services.commands.policies import aimed
from services.workbench.columns.database import Columns
from services.workbench.looks.drift import DriftLook
from services.workbench.server import looking
from tests.console.conftest import Visit
from tests.console.stage import Stage, approves, staged, submits
from tests.console.visiting import Visitor
from tests.e2e.policy import INFER, Data, scoring
from tests.e2e.requests import infer
from tests.e2e.world import Told, credential, told
from tests.fakes.upstream import Asked, FakeUpstream, fake_upstream
from tests.services.workbench.calls import HOUR_MS, as_stored, calls
from tests.stores import Store

pytestmark = pytest.mark.one_store
RESEARCH = credential("research-bot")
PAST_HOURS, NEW_HOURS = 72, 8
PASTE = """(editor, text) => {
  const clipboardData = new DataTransfer()
  clipboardData.setData("text/plain", text)
  editor.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}))
}"""
EACH = 40
"""Calls an hour."""


def scores(version: str, value: float) -> Any:
    """A model that scores everybody so."""

    async def score(asked: Asked, _context: Any) -> bytes:
        request = oip.ModelInferRequest.FromString(asked.messages[-1])
        reply = oip.ModelInferResponse(model_name=request.model_name, model_version=version, id=request.id)
        reply.outputs.add(name="score", datatype="FP64", shape=[1]).contents.fp64_contents.append(value)
        return reply.SerializeToString()

    return score


async def write_history(home: Path) -> None:
    """Three days of version 1 that went well, then hours of version 2 that did not, up to the hour before now."""
    now_hour = clock_ms() // HOUR_MS
    start_ms = (now_hour - PAST_HOURS - NEW_HOURS) * HOUR_MS

    def served_by(version: str) -> Any:
        return lambda _draw: {
            "agent": "research-bot", "model": "lead-score", "version": version, "method": INFER,
            "operation": "INFER", "channel": "", "route": "scoring",
        }  # fmt: skip

    def ended(draw: np.random.Generator) -> Mapping[str, Any]:
        return {"status": "UNAVAILABLE" if draw.random() < 0.4 else "OK", "response_bytes": 120}

    past = calls(range(PAST_HOURS), seed=1, each=EACH, start_ms=start_ms, record=served_by("1"))
    hours = range(PAST_HOURS, PAST_HOURS + NEW_HOURS)
    new = calls(hours, seed=2, each=EACH, start_ms=start_ms, record=served_by("2"), settlement=ended)
    store = SqliteStore(home / "audit")
    await store.write([*as_stored(past), *as_stored(new)])
    await store.close()


@pytest_asyncio.fixture(loop_scope="session")
async def drifting(redis_process: Store, tmp_path: Path, visit: Visit) -> AsyncIterator[tuple[Stage, FakeUpstream]]:
    """A stage with that history, whose second upstream is version 2; and the upstream of a version to come."""
    await write_history(tmp_path)
    async with fake_upstream() as mended, staged(redis_process.url, tmp_path) as opened:
        yield Stage(*opened, visit), mended


def with_two_versions(stage: Stage) -> Data:
    """The demonstration's policy, in which version 2 was just given everybody."""
    one, two = stage.work.upstream.address, stage.new.address
    return scoring(one, two, crm=one, weights=(0, 10_000))


async def look(stage: Stage, folder: Path) -> None:
    """A round of the workbench: read the log, look for drift, keep what is found."""
    columns = Columns(folder)
    try:
        async with looking(
            columns,
            stage.work.world.redis_url,
            stage.work.auditor.address,
            looks=[DriftLook()],
            clock_ms=clock_ms,
            aiming=aimed,
        ) as (bench, _):
            made = await bench.round()
    finally:
        columns.close()
    assert (made.failed, len(made.news) > 0) == ((), True)


async def infers(stage: Stage) -> Told:
    """The agent asks the model, by whichever version the policy gives it."""
    make: Any = oip_service.GRPCInferenceServiceStub
    return await told(make(stage.work.world.channel()).ModelInfer(infer(subject="contacts/ada"), metadata=RESEARCH))


def probing(text: str) -> str:
    """What she makes of the suite: the inputs that the record does not have, and what an answer must be like."""
    suite = yaml.safe_load(text)
    (base,) = suite["bases"]
    asked = json_format.MessageToDict(infer(subject="contacts/ada"), preserving_proto_field_name=True)
    base["request"] |= {"inputs": asked["inputs"]}
    answer = [{"of": "outputs.0.values.0", "least": 0, "most": 1}]
    suite["probes"] = [{"name": "a-share", "kind": "expect", "base": base["name"], "expect": {"answer": answer}}]
    return yaml.safe_dump(suite, sort_keys=False)


def with_a_third(text: str, address: str, suite: str) -> str:
    """The policy with version 3, which gets everybody and must have passed."""
    policy = yaml.safe_load(text)
    policy["upstreams"].append({"name": "lead-score-3", "address": address, "timeout": "5s"})
    policy["models"][0]["versions"].append({"version": "3", "upstream": "lead-score-3", "probes": [suite]})
    scoring = next(each for each in policy["routes"] if each["name"] == "scoring")
    scoring["arms"][1]["version"] = "3"
    return yaml.safe_dump(policy, sort_keys=False)


async def pastes(visitor: Visitor, text: str) -> None:
    """Paste that into the editor of a page, in place of what is there."""
    await visitor.page.locator(".cm-content").focus()
    await visitor.page.keyboard.press("Control+A")
    await visitor.page.locator(".cm-content").evaluate(PASTE, text)
    await expect(visitor.page.locator("#check-status")).to_have_attribute("data-good", "yes")
    await visitor.page.get_by_role("button", name="Save", exact=True).click()
    await expect(visitor.page.locator("#save")).to_be_disabled()


async def runs(visitor: Visitor, target: str = "") -> None:
    """Run the suite, against that or what the page has chosen, and wait for what comes of it."""
    if target:
        await visitor.page.get_by_label("Against", exact=True).select_option(label=target)
    await visitor.page.get_by_role("button", name="Run", exact=True).click()
    await visitor.page.locator("#ran [role=status]").wait_for()


async def finds_and_stops(zoe: Visitor) -> str:
    """From the list of findings to the evidence, and to a stop of that version; gives the path of the finding."""
    page = zoe.page
    await zoe.snap("drift-1-findings")
    await page.get_by_role("link", name="Drift: agent research-bot, version lead-score/2, measure status").click()
    finding = page.url.removeprefix(zoe.url)
    await expect(page.get_by_role("row", name="UNAVAILABLE")).to_contain_text("0%")
    await zoe.snap("drift-2-finding")
    await page.get_by_role("link", name="Open the decisions").click()
    await expect(page.locator("#list tbody tr").first).to_contain_text("research-bot")
    await expect(page.get_by_label("Filter")).to_have_value(
        re.compile(r'model = "lead-score" AND model_version = "2"\).* AND status = "UNAVAILABLE"')
    )
    await zoe.snap("drift-3-evidence")
    page = await zoe.go(finding)
    await page.get_by_role("link", name="Stop lead-score/2").click()
    await page.get_by_label("Why").fill("Four calls in ten fail.")
    await zoe.snap("drift-4-stop")
    await page.get_by_role("button", name="Stop lead-score/2").click()
    await page.get_by_role("status").get_by_text("stopped").wait_for()
    return finding


async def makes_probes(zoe: Visitor, finding: str) -> str:
    """A suite out of the finding, which the version fails; gives its path."""
    page = await zoe.go(finding)
    await page.get_by_role("button", name="Make probes of it").click()
    await page.wait_for_url("**/probes/acme/finding-drift-*")
    probes = page.url.removeprefix(zoe.url)
    await pastes(zoe, probing(await page.locator("#text").input_value()))
    page = await zoe.go(probes)
    await runs(zoe, "Version lead-score/2")
    await zoe.snap("drift-5-failed")
    await expect(page.locator("#ran")).to_contain_text("it came to 7.0, not to ≤ 1")
    return probes


async def proposes(ora: Visitor, policy: Callable[[str], str]) -> str:
    """A draft with that change, whose probes are run before it can be submitted; gives the path of the proposal."""
    page = ora.page
    await page.get_by_role("button", name="New draft").click()
    await page.get_by_label("Title").fill("Version 3 instead")
    await page.get_by_role("button", name="Begin").click()
    await page.locator(".cm-content").wait_for()
    await pastes(ora, policy(await page.locator("#text").input_value()))
    await page.get_by_role("link", name="Review and submit").click()
    review = page.url.removeprefix(ora.url)
    await ora.snap("drift-6-review")
    wanted = page.get_by_role("region", name="Probes that it must pass")
    await expect(wanted).to_contain_text("not run yet")
    await wanted.get_by_role("link").click()
    await runs(ora)
    await ora.snap("drift-7-run")
    await expect(page.locator("#ran")).to_contain_text("All its probes hold")
    page = await ora.go(review)
    await expect(page.get_by_role("region", name="Probes that it must pass")).to_contain_text("holds")
    await ora.snap("drift-8-passed")
    return await submits(ora, "Version 2 fails.")


async def test_a_version_that_drifts_is_found_stopped_and_probed_and_the_next_one_must_pass(
    drifting: tuple[Stage, FakeUpstream], tmp_path: Path
) -> None:
    stage, mended = drifting
    stage.new.behave, mended.behave = scores("2", 7.0), scores("3", 0.4)
    await stage.begins(with_two_versions(stage))
    await look(stage, tmp_path / "columns")
    assert (await infers(stage)).response.model_version == "2"

    zoe = await stage.comes("zoe", "/findings")
    finding = await finds_and_stops(zoe)
    assert (await infers(stage)).reason == "STOPPED"
    probes = await makes_probes(zoe, finding)

    ora = await stage.comes("ora", "/policy")
    suite = probes.removeprefix("/probes/")
    proposal = await proposes(ora, lambda text: with_a_third(text, mended.address, suite))
    carl = await stage.comes("carl", proposal, phone=True)
    await approves(carl, proposal)
    await stage.runs()
    ended = await infers(stage)
    assert (ended.reason, ended.response.model_version) == ("", "3")
