"""Replies of a vendor through a real Envoy, without what the rules take out of replies."""

import json
from typing import Any

import pytest
from aiohttp import web

from gateway.core.errors import Reason
from pilote.envoy import ext_proc_pb2
from pilote.envoy.auth_pb2_grpc import AuthorizationStub
from pilote.envoy.ext_proc_pb2_grpc import ExternalProcessorStub
from tests.e2e.envoy.front import CONTACT, Front, api, with_api
from tests.e2e.envoy.test_asking import AS_ENVOY, request
from tests.e2e.policy import Data, allow_all
from tests.e2e.world import World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.fakes.vendor import Behaviour, saying

ADA = '{"id": "7", "email": "ada@example.com", "deals": [{"owner": {"phone": "+33 1"}, "amount": 1.10}, {"amount": 2}]}'
EMAIL = {"name": "no-email", "effect": "redact", "of": "reply", "fields": ["email"], "methods": ["rest/vendor/*"]}
PERSONAL = {"name": "no-personal", "effect": "redact", "sensitivity": "PERSONAL", "with": "***"}


def redacting(crm: str, *rules: Data, **method: Any) -> Data:
    """The policy with these rules; `method` is said of the reading of contacts."""
    vendor = api()
    vendor["methods"][0] |= method
    return with_api(crm, rules=[*rules, allow_all()], rest=[vendor])


def answering(
    body: bytes, kind: str = "application/json", *, status: int = 200, encoding: str = "", etag: str = ""
) -> Behaviour:
    more = {"content-encoding": encoding, "etag": etag}
    headers = {"content-type": kind} | {name: value for name, value in more.items() if value}

    async def behave(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return behave


async def chunked(request: web.Request) -> web.StreamResponse:
    """A reply that does not say how long it is."""
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    for place in range(0, len(ADA), 7):
        await response.write(ADA[place : place + 7].encode())
    await response.write_eof()
    return response


async def test_rules_take_fields_out_of_replies(http_world: World, upstream: FakeUpstream, through: Front) -> None:
    sensitive = {"PERSONAL": ["deals.*.owner.phone"], "INTERNAL": ["id"]}
    await http_world.publish(redacting(upstream.address, EMAIL, PERSONAL, sensitive=sensitive))
    for behave in (answering(ADA.encode(), etag='"1"'), chunked):
        through.vendor.behave = behave
        reply = await through.ask("GET", CONTACT, headers={"accept-encoding": "gzip"})
        assert reply.status == 200
        assert not {"etag", "pilote-redacts"} & {name.lower() for name in reply.headers}
        assert reply.told == {"id": "7", "deals": [{"owner": {"phone": "***"}, "amount": 1.1}, {"amount": 2}]}
        assert b"1.10" in reply.body
        assert "gzip" not in through.vendor.received[-1].headers.get("accept-encoding", "")
    for kept in await http_world.settled(2):
        assert [each.rule for each in kept.record.obligations] == ["no-email", "no-personal"]
        assert kept.settlement is not None
        assert (kept.settlement.status, kept.settlement.reason) == ("OK", "")


async def test_what_no_rule_redacts_passes_as_it_is(http_world: World, upstream: FakeUpstream, through: Front) -> None:
    rule = EMAIL | {"when": "call.subject.endsWith('somebody-else')"}
    await http_world.publish(redacting(upstream.address, rule, PERSONAL))
    for body, kind in ((ADA.encode(), "application/json"), (b"\x00\xff", "application/octet-stream")):
        through.vendor.behave = answering(body, kind)
        assert (await through.ask("GET", CONTACT)).body == body


async def test_what_cannot_be_redacted_is_withheld(http_world: World, upstream: FakeUpstream, through: Front) -> None:
    await http_world.publish(redacting(upstream.address, EMAIL, max_reply_bytes=1_000))
    bodies = [
        answering(ADA.encode(), "text/plain"),
        answering(ADA.encode(), encoding="br"),
        answering(b'{"email": "ada@example.com"'),
        answering(ADA.encode("utf-16")),
        answering(b'{"email": NaN}'),
        answering(b"[" * 900),
        answering(json.dumps({"x": "y" * 1_000}).encode()),
    ]
    for behave in bodies:
        through.vendor.behave = behave
        reply = await through.ask("GET", CONTACT, headers={"accept-language": "fr"})
        assert (reply.status, reply.reason) == (500, "REPLY_WITHHELD")
        assert "n’a pas pu être masquée" in str(reply.told["details"])
        assert b"ada@" not in reply.body
        assert "pilote-redacts" not in reply.headers
    for kept in await http_world.settled(len(bodies)):
        assert kept.settlement is not None
        assert (kept.settlement.reason, kept.settlement.gave_back) == ("REPLY_WITHHELD", False)
        assert (kept.settlement.status, kept.settlement.in_doubt) == ("INTERNAL", False)


async def test_a_failure_keeps_its_status_and_its_body_is_redacted_or_withheld(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    await http_world.publish(redacting(upstream.address, EMAIL))
    through.vendor.behave = saying(404, ADA)
    reply = await through.ask("GET", CONTACT)
    assert (reply.status, "email" in reply.told) == (404, False)
    through.vendor.behave = answering(b"<p>ada@example.com</p>", "text/html", status=404)
    reply = await through.ask("GET", CONTACT)
    assert (reply.status, reply.reason) == (404, "REPLY_WITHHELD")
    through.vendor.behave = answering(b"", status=204)
    assert (await through.ask("GET", CONTACT)).status == 204
    ends = [each.settlement.status for each in await http_world.settled(3) if each.settlement is not None]
    assert ends == ["NOT_FOUND", "NOT_FOUND", "OK"]


async def test_a_policy_may_let_other_replies_pass(http_world: World, upstream: FakeUpstream, through: Front) -> None:
    await http_world.publish(redacting(upstream.address, EMAIL, other_replies="pass"))
    through.vendor.behave = answering(b"\x89PNG", "image/png")
    assert (await through.ask("GET", CONTACT)).body == b"\x89PNG"
    through.vendor.behave = answering(b"{ada@example.com")
    assert (await through.ask("GET", CONTACT)).reason == "REPLY_WITHHELD"


async def test_an_envoy_that_has_nothing_redacted_gets_no_request_whose_reply_must_be(
    http_world: World, upstream: FakeUpstream
) -> None:
    await http_world.publish(redacting(upstream.address, EMAIL))
    stub: Any = AuthorizationStub(http_world.channel())
    answer = await stub.Check(request("GET", CONTACT, body=b""), metadata=AS_ENVOY, timeout=30)
    assert answer.denied_response.status.code == 501
    assert Reason.NOT_BUILT in answer.denied_response.body
    assert "ext_proc" in answer.denied_response.body
    (kept,) = await http_world.settled(1)
    assert kept.settlement is not None
    assert kept.settlement.gave_back


def head(seal: str = "") -> ext_proc_pb2.ProcessingRequest:
    """What Envoy asks when a reply begins, and what is sealed beside it."""
    asked = ext_proc_pb2.ProcessingRequest()
    for name, value in ((":status", "200"), ("content-type", "text/plain")):
        asked.response_headers.headers.headers.add(key=name, raw_value=value.encode())
    if seal:
        asked.metadata_context.filter_metadata["envoy.filters.http.ext_authz"].update({"pilote": seal})
    return asked


async def processed(world: World, *asked: ext_proc_pb2.ProcessingRequest) -> list[Any]:
    stub: Any = ExternalProcessorStub(world.channel())
    return [answer async for answer in stub.Process(iter(asked), metadata=AS_ENVOY, timeout=30)]


async def test_a_reply_whose_decision_nobody_can_read_is_withheld(http_world: World) -> None:
    (passed,) = await processed(http_world, head())
    assert passed.WhichOneof("response") == "response_headers"
    unseen = head()
    unseen.response_headers.headers.headers.add(key="pilote-redacts", raw_value=b"reply")
    body = ext_proc_pb2.ProcessingRequest(response_body=ext_proc_pb2.HttpBody(body=b"{}"))
    for asked in (head("x"), head("eHg="), unseen, body):
        (refused,) = await processed(http_world, asked)
        assert refused.immediate_response.status.code == 500


@pytest.mark.parametrize("metadata", [(), credential("sales-bot")])
async def test_only_who_has_a_key_of_envoy_may_have_something_redacted(http_world: World, metadata: Any) -> None:
    stub: Any = ExternalProcessorStub(http_world.channel())
    assert (await told(stub.Process(iter([head()]), metadata=metadata))).reason == "AGENT_UNAUTHENTICATED"
