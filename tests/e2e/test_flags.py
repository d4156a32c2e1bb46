"""A team's own OpenFeature SDK reads the assignments that the gateway makes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError, GeneralError, TargetingKeyMissingError

from services.control.options import Options
from services.control.server import running
from services.crm.server import running as crm_running
from tests.e2e.policy import key_of, policy
from tests.e2e.requests import send
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, World, credential, told

SALES = credential("sales-bot")
HALVES: list[dict[str, Any]] = [{"name": "control", "weight": 5_000}, {"name": "warm", "weight": 5_000}]
TONE = {"name": "tone", "layer": "messages", "last": 5_000, "operations": ["CONTACT"], "arms": HALVES}
PRICE = {
    "name": "price",
    "arms": [
        {"name": "low", "weight": 5_000, "value": {"eur": 9}},
        {"name": "high", "weight": 5_000, "value": {"eur": 12}},
    ],
}
NEAR = {"name": "near", "when": '"paris" in facts.segments', "arms": HALVES}
CALLS = {"name": "calls", "operations": ["CONTACT"], "when": 'call.channel == "email"', "arms": HALVES}
OVER = {"name": "over", "state": "stopped", "arms": HALVES}
BY_SESSION = {"name": "by-session", "unit": "session", "arms": HALVES}
Headers = dict[str, str]


def about(subject: str) -> bytes:
    return msgspec.json.encode({"context": {"targetingKey": subject}})


class Desk:
    """A gateway and a control plane under one policy, and the SDK's provider."""

    def __init__(self, world: World, port: int) -> None:
        self.world = world
        self.url = f"http://127.0.0.1:{port}"
        self.headers = {"x-api-key": key_of("sales-bot")}
        self.provider = OFREPProvider(self.url, headers_factory=lambda: self.headers)

    async def flag(self, key: str, subject: str = "contacts/ada", **attributes: str) -> Any:
        context = EvaluationContext(subject, attributes)
        return await asyncio.to_thread(self.provider.resolve_string_details, key, "code default", context)

    async def post(self, path: str, body: bytes, headers: Headers | None = None) -> requests.Response:
        url = f"{self.url}/ofrep/v1/evaluate/flags{path}"
        sent = self.headers if headers is None else headers
        return await asyncio.to_thread(lambda: requests.post(url, data=body, headers=sent, timeout=5))

    async def bulk(self, subject: str = "contacts/ada", *, known: str = "") -> requests.Response:
        return await self.post("", about(subject), self.headers | {"if-none-match": known})


async def answers_by(desk: Desk, number: int) -> bool | None:
    return (await desk.bulk()).headers.get("pilote-revision") == str(number) or None


@pytest.fixture
async def desk(empty_world: World, tmp_path: Path) -> AsyncIterator[Desk]:
    await empty_world.gateway()
    async with (
        crm_running(listen="127.0.0.1:0", home=tmp_path / "crm", drain_seconds=1) as crm,
        running(
            Options(
                listen="127.0.0.1:0",
                redis_url=empty_world.redis_url,
                audit="127.0.0.1:1",
                pseudonym_key=KEY,
                drain_seconds=1,
            )
        ) as port,
    ):
        experiments = [TONE, PRICE, NEAR, CALLS, OVER, BY_SESSION]
        number = await empty_world.publish(policy(f"127.0.0.1:{crm}", experiments=experiments))
        made = Desk(empty_world, port)
        await eventually(lambda: answers_by(made, number), what="the policy")
        yield made


async def test_the_sdk_reads_what_the_gateway_records_of_the_same_customers(desk: Desk) -> None:
    read, recorded = {}, {}
    for n in range(60):
        subject = f"contacts/c-{n}"
        read[subject] = (await desk.flag("tone", subject)).variant
        messages = desk.world.agent().messages
        ended = await told(messages.SendMessage(send(subject, category="service"), metadata=SALES))
        exposures = (await desk.world.kept())[ended.decision].record.exposures
        recorded[subject] = next((e.variation for e in exposures if e.experiment == "tone"), "")
    assert read == recorded
    assert set(Counter(read.values())) == {"", "control", "warm"}  # half of the layer belongs to nobody


async def test_a_flag_has_the_value_of_its_variation(desk: Desk) -> None:
    context = EvaluationContext("contacts/ada")
    found = await asyncio.to_thread(desk.provider.resolve_object_details, "price", {}, context)
    assert (found.value, found.reason) == ({"eur": {"low": 9, "high": 12}[str(found.variant)]}, "SPLIT")


async def test_who_is_in_no_variation_gets_the_first_ones_value_and_no_variant(desk: Desk) -> None:
    found = await desk.flag("near")
    assert (found.value, found.variant, found.reason) == ("control", "", "DEFAULT")


async def test_a_stopped_experiment_is_disabled(desk: Desk) -> None:
    found = await desk.flag("over")
    assert (found.value, found.variant, found.reason) == ("control", "", "DISABLED")


async def test_an_experiment_by_session_asks_for_the_session(desk: Desk) -> None:
    with pytest.raises(TargetingKeyMissingError, match="session"):
        await desk.flag("by-session")
    variants = {(await desk.flag("by-session", session=f"s{n}")).variant for n in range(20)}
    assert variants == {"control", "warm"}
    assert len({(await desk.flag("by-session", f"contacts/c-{n}", session="s1")).variant for n in range(20)}) == 1


async def test_what_cannot_be_evaluated_says_why(desk: Desk) -> None:
    with pytest.raises(FlagNotFoundError, match="No experiment is named 'prize'"):
        await desk.flag("prize")
    with pytest.raises(TargetingKeyMissingError, match="customer's resource name"):
        await desk.flag("tone", "")
    with pytest.raises(GeneralError, match="only told of calls"):
        await desk.flag("calls")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "PARSE_ERROR"),
        (b"[1]", "PARSE_ERROR"),
        (b'{"context": 7}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": 7}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "contacts/ada\\n"}}', "INVALID_CONTEXT"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_and_the_next_one_is_answered(
    desk: Desk, body: bytes, code: str
) -> None:
    refused = await desk.post("/tone", body)
    assert (refused.status_code, refused.json()["errorCode"]) == (400, code)
    assert (await desk.bulk()).status_code == 200


async def test_a_body_that_is_too_large_is_refused(desk: Desk) -> None:
    assert (await desk.post("/tone", b" " * 100_000)).status_code == 413


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}, {"authorization": "Bearer x.y.z"}])
async def test_nobody_reads_assignments_who_cannot_identify_themselves(desk: Desk, headers: Headers) -> None:
    for path in ("/tone", ""):
        refused = await desk.post(path, about("contacts/ada"), headers)
        assert (refused.status_code, refused.json()["reason"]) == (401, "AGENT_UNAUTHENTICATED")


async def test_all_flags_come_at_once_and_the_same_answer_is_not_sent_twice(desk: Desk) -> None:
    first = await desk.bulk()
    flags = {flag["key"]: flag for flag in first.json()["flags"]}
    assert set(flags) == {"tone", "price", "near", "calls", "over", "by-session"}
    assert (flags["calls"]["errorCode"], flags["by-session"]["errorCode"]) == ("GENERAL", "TARGETING_KEY_MISSING")
    again = await desk.bulk(known=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    others = [(await desk.bulk(f"contacts/{n}")).headers["etag"] for n in range(10)]
    assert set(others) != {first.headers["etag"]}
