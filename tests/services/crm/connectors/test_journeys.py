"""Journeys over a connector: what is refused before anything is asked, what answers come to, and what is in doubt."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.revision.decode import PolicyInvalid
from pilote.orchestration.v1 import journey_pb2 as pb
from pilote.orchestration.v1.journey_service_pb2 import EnrolCustomerRequest, ExitCustomerRequest
from pilote.orchestration.v1.journey_service_pb2_grpc import JourneyServiceStub
from services.crm.connectors.exchange import Answer, Lost, Outgoing
from services.crm.connectors.journeys import problems
from services.crm.connectors.reading import read
from services.crm.connectors.serving import running
from tests.services.refusals import refused

LOOKED_UP = """
connector: tool
title: Tool
base_url: https://tool.example.com
auth: {kind: none}
resources:
  enrolment:
    id: nr
    fields:
      customer: {path: who, as: reference}
      enrol_time: {path: since, as: epoch_s}
methods:
  EnrolCustomer:
    method: POST
    path: /flows/{journey}
    body: {who: =customer, data: =request.parameters}
    only: {channel: [email]}
    required: [parameters]
    lookup: {path: "/flows/{journey}/people", query: {who: =customer}, answer: people, same: [customer]}
  ExitCustomer: {method: DELETE, path: "/flows/{journey}/people/{customer}"}
"""
JOURNEY = "journeys/welcome"
ADA = "contacts/ada"
_WORD = (
    st.text(max_size=66) | st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True) | st.sampled_from(["..", "email", "a\n"])
)
_NAMES = _WORD | _WORD.map("journeys/{}".format) | _WORD.map("contacts/{}".format)


class Tool:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self, *answers: Answer | Lost) -> None:
        self._answers = list(answers)
        self.asked: list[Outgoing] = []

    async def around(self, send: Callable[[], Awaitable[Answer]], outgoing: Outgoing) -> Answer:
        self.asked.append(outgoing)
        answer = self._answers.pop(0)
        if isinstance(answer, Lost):
            raise answer
        return answer


@contextlib.asynccontextmanager
async def before(tool: Tool, home: Path) -> AsyncIterator[Any]:
    """A stub to the connector before that tool."""
    async with (
        running(
            read(LOOKED_UP), environment={}, listen="127.0.0.1:0", home=home, drain_seconds=1, fault=tool,
            clock_ms=lambda: 1_700_000_000_000,
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):  # fmt: skip
        yield JourneyServiceStub(channel)


def enrol(**fields: Any) -> EnrolCustomerRequest:
    chosen: dict[str, Any] = {
        "journey": JOURNEY, "customer": ADA, "channel": "email", "category": "marketing", "parameters": {"offer": "a"},
    }  # fmt: skip
    return EnrolCustomerRequest(**(chosen | fields))


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"journey": "welcome", "customer": "deals/1"}, ("journey", "customer")),
        ({"journey": "journeys/..", "customer": "contacts/x-!"}, ("journey", "customer")),
        ({"channel": "pigeon", "category": ""}, ("channel", "category", "channel")),
        ({"parameters": {"Offer": "a", "b": "c" * 501}}, ("parameters", "parameters.b")),
        ({"parameters": {f"p{number}": "" for number in range(51)}}, ("parameters",)),
        ({"channel": "sms", "parameters": {}}, ("parameters", "channel")),
        ({"request_id": "r" * 101}, ("request_id",)),
    ],
)
async def test_what_the_contract_or_the_tool_does_not_take_is_refused_with_every_field(
    tmp_path: Path, fields: dict[str, Any], names: tuple[str, ...]
) -> None:
    tool = Tool()
    async with before(tool, tmp_path) as stub:
        with refused() as refusal:
            await stub.EnrolCustomer(enrol(**fields))
    assert (refusal.reason, refusal.fields, tool.asked) == ("ARGUMENT_INVALID", names, [])


async def test_a_tool_that_tells_nothing_names_the_enrolment_by_its_person(tmp_path: Path) -> None:
    tool = Tool(Answer(202, {}, None), Answer(200, {}, {"nr": 7, "since": 1_600_000_000}))
    async with before(tool, tmp_path) as stub:
        first = (await stub.EnrolCustomer(enrol())).enrolment
        second = (await stub.EnrolCustomer(enrol())).enrolment
    assert (first.name, first.enrol_time.seconds) == (f"{JOURNEY}/enrolments/ada", 1_700_000_000)
    assert (second.name, second.enrol_time.seconds) == (f"{JOURNEY}/enrolments/7", 1_600_000_000)
    assert {each.state for each in (first, second)} == {pb.ENROLMENT_STATE_ACTIVE}
    assert tool.asked[0].url == "https://tool.example.com/flows/welcome"
    assert tool.asked[0].body == b'{"who":"ada","data":{"offer":"a"}}'


async def test_a_lost_answer_is_in_doubt_and_the_repeat_looks_before_it_enrols(tmp_path: Path) -> None:
    somebody = {"nr": 1, "who": "grace"}
    tool = Tool(
        Lost("UPSTREAM_IN_DOUBT"),
        Answer(200, {}, {"people": [somebody, {"nr": 2, "who": "ada"}]}),
        Lost("UPSTREAM_IN_DOUBT"),
        Answer(200, {}, {"people": [somebody]}),
        Answer(200, {}, {"nr": 3}),
    )
    async with before(tool, tmp_path) as stub:
        for request_id, number in (("k-1", 2), ("k-2", 3)):
            with refused() as refusal:
                await stub.EnrolCustomer(enrol(request_id=request_id))
            assert refusal.reason == "UPSTREAM_IN_DOUBT"
            for _ in range(2):  # the second time from memory
                answer = await stub.EnrolCustomer(enrol(request_id=request_id))
                assert answer.enrolment.name == f"{JOURNEY}/enrolments/{number}"
    assert [each.method for each in tool.asked] == ["POST", "GET", "POST", "GET", "POST"]


async def test_an_answer_that_does_not_fit_leaves_the_enrolment_in_doubt(tmp_path: Path) -> None:
    async with before(Tool(Answer(200, {}, {"since": "soon"})), tmp_path) as stub:
        with refused() as refusal:
            await stub.EnrolCustomer(enrol())
    assert refusal.reason == "UPSTREAM_IN_DOUBT"


async def test_who_is_taken_out_has_left_now_and_one_who_was_not_in_it_has_no_enrolment(tmp_path: Path) -> None:
    tool = Tool(Answer(200, {}, {"nr": 7}), Answer(204, {}, None))
    leave = ExitCustomerRequest(journey=JOURNEY, customer=ADA, exit_reason="asked to")
    async with before(tool, tmp_path) as stub:
        left = (await stub.ExitCustomer(leave)).enrolment
        assert not (await stub.ExitCustomer(leave)).HasField("enrolment")
        leave.exit_reason = "x" * 201
        with refused() as refusal:
            await stub.ExitCustomer(leave)
    assert (left.name, left.state) == (f"{JOURNEY}/enrolments/7", pb.ENROLMENT_STATE_EXITED)
    assert (left.exit_time.seconds, left.exit_reason) == (1_700_000_000, "asked to")
    assert refusal.fields == ("exit_reason",)


@given(request=st.builds(EnrolCustomerRequest, journey=_NAMES, customer=_NAMES, channel=_NAMES, category=_NAMES))
def test_whatever_names_are_sent_only_those_that_are_one_segment_get_through(request: EnrolCustomerRequest) -> None:
    wrong = {field for field, _ in problems(request)}
    for field, prefix in (("journey", "journeys/"), ("customer", "contacts/")):
        last = getattr(request, field).removeprefix(prefix)
        plain = 0 < len(last) < 64 and not set(last) - set("abcdefghijklmnopqrstuvwxyz0123456789_-")
        assert (field in wrong) != (getattr(request, field).startswith(prefix) and plain)
    assert ("channel" in wrong) == (request.channel not in ("email", "sms", "phone", "push", "postal"))


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("only: {channel: [email]}", "only: {channle: [email]}", "contract-field-unknown"),
        ("same: [customer]", "same: [channel]", "contract-field-unknown"),
        ("required: [parameters]", "id: nr", "method-part"),
        ("    id: nr\n", "    id: nr\n    version: {path: rev}\n", "version-nowhere"),
        ("  enrolment:", "  journey:", "method-resource"),
    ],
)
def test_what_is_wrong_with_its_file_is_told(right: str, wrong: str, code: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        read(LOOKED_UP.replace(right, wrong))
    assert code in {mistake.what.code for mistake in caught.value.mistakes}
