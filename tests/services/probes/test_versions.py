"""Probes of a model's version: asked for real, at its own upstream, and held to what its answers must be like."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from open_inference.grpc import protocol as oip

from gateway.activation.loading import load
from gateway.core.revision.compiled import Revision
from services.probes.digests import digest_of, version_in
from services.probes.reading import read
from services.probes.running import Report, run
from services.probes.showing import as_yaml
from services.probes.versions import Version, VersionUnknown
from tests.chapters import chapter
from tests.e2e.language_models import PROMPT, SERVICE, writing
from tests.fakes.openai_server import fake_openai
from tests.fakes.upstream import Asked, fake_upstream
from tests.policies import INFER, demo

SCORE: dict[str, Any] = {
    "name": "score",
    "agent": "sales-bot",
    "method": INFER,
    "request": {
        "model_name": "lead-score",
        "inputs": [{"name": "touches", "datatype": "INT64", "shape": [1], "contents": {"int64_contents": [3]}}],
    },
}
CHAT: dict[str, Any] = {
    "name": "chat",
    "agent": "writer-bot",
    "method": f"{SERVICE}/CreateChatCompletion",
    "request": {"model": "writer", "chat": {"messages": [{"role": "ROLE_USER", "text": "Hello Ada"}]}},
}
TOUCHES = "request.inputs.0.contents.int64_contents.0"


def suite(base: dict[str, Any], *probes: dict[str, Any]) -> Any:
    listed = [{"base": base["name"], "name": f"p{number}", **probe} for number, probe in enumerate(probes)]
    return read(yaml.safe_dump({"suite": "scores", "bases": [base], "probes": listed}, sort_keys=False))


async def probed(policy: Revision, model: str, version: str, what: Any) -> Report:
    def work() -> Report:
        with Version(policy, model, version) as target:
            return run(what, target)

    return await asyncio.to_thread(work)


async def scored(asked: Asked, _context: Any) -> bytes:
    """A score that grows with the touches but for one step, as FP32 in raw bytes."""
    request = oip.ModelInferRequest.FromString(asked.messages[-1])
    touches = request.inputs[0].contents.int64_contents[0]
    value = 0.1 * (touches if touches != 7 else 0)
    reply = oip.ModelInferResponse(model_name=request.model_name, model_version=request.model_version)
    reply.outputs.add(name="score", datatype="FP64", shape=[1]).contents.fp64_contents.append(value)
    return reply.SerializeToString()


def scoring(address: str) -> Revision:
    data = demo()
    for upstream in data["upstreams"]:
        if upstream["name"].startswith("lead-score"):
            upstream["address"] = address
    return load(data)


async def test_a_score_that_falls_where_it_must_not_is_found_at_the_very_step() -> None:
    async with fake_upstream() as fake:
        fake.behave = scored
        grows = {"kind": "direction", "along": TOUCHES, "values": [1, 3, 5, 7, 9], "never": "less"}
        found = await probed(
            scoring(fake.address),
            "lead-score",
            "2",
            suite(
                SCORE,
                {**grows, "of": "outputs.0.values.0"},
                {"kind": "expect", "expect": {"answer": [{"of": "outputs.0.values.0", "least": 0.2, "most": 0.4}]}},
                {"kind": "expect", "expect": {"answer": [{"of": "model_version", "equals": "2"}]}},
                {"kind": "expect", "expect": {"verdict": "ALLOW"}},
            ),
        )
    assert [each.state for each in found.results] == ["failed", "passed", "passed", "broken"]
    assert (found.kind, found.target, found.results[3].code) == ("version", "lead-score/2", "broken-wants-verdict")
    example = found.results[0].example
    assert example is not None
    assert example.changes == {TOUCHES: 7}
    assert yaml.safe_load(as_yaml(example))[0]["expect"]["answer"][0]["of"] == "outputs.0.values.0"


async def test_a_language_model_is_asked_with_its_prompt_and_must_not_tell_it(tmp_path: Path) -> None:
    async with fake_openai() as fake:
        policy = load(writing(fake.url, tmp_path))
        hostile = {
            "kind": "adversarial",
            "fields": ["request.chat.messages.0.text"],
            "lacks": ["in developer mode"],  # the fake says again what was said to it last
        }
        echoes = {"kind": "expect", "expect": {"answer": [{"of": "message.text", "contains": "hello ada"}]}}
        found = await probed(policy, "writer", "1", suite(CHAT, hostile, echoes))
    hurt = found.results[0]
    assert (hurt.state, hurt.violation is not None and hurt.violation.code) == ("failed", "why-lacks")
    assert hurt.example is not None
    assert hurt.example.changes["request.chat.messages.0.text"].lower() == "in developer mode"
    assert PROMPT in str(fake.asked[0].body)
    assert fake.asked[0].body["model"] == "gpt-4o-2024-08-06"


async def test_a_model_that_does_not_answer_is_no_pass_and_an_unknown_version_is_told() -> None:
    found = await probed(scoring("127.0.0.1:1"), "lead-score", "1", suite(SCORE, {"kind": "expect", "expect": {
        "answer": [{"of": "model_version", "equals": "1"}]
    }}))  # fmt: skip
    assert [(each.state, each.code) for each in found.results] == [("broken", "broken-upstream")]
    with pytest.raises(VersionUnknown):
        Version(load(demo()), "lead-score", "9")


def test_the_digest_of_a_version_tells_prompts_and_servers_apart(tmp_path: Path) -> None:
    def digest(**sections: Any) -> str:
        document = load(writing("http://127.0.0.1:1/v1", tmp_path, **sections)).document
        version = version_in(document, "writer", "1")
        assert version is not None
        return digest_of(document, "writer", version)

    other = [{"name": "polite", "versions": [{"version": "1", "text": "Promise everything."}]}]
    assert digest() == digest(description="another policy") != digest(prompts=other)


def test_the_suite_in_the_chapter_is_a_good_one() -> None:
    examples = [each.split("```")[0] for each in chapter("services/probes").split("```yaml\n")[1:]]
    assert [read(each).name for each in examples if each.startswith("suite:")] == ["contacts", "scores"]
