"""What Envoy may ask and tell, and what nobody gets through: asked directly, as Envoy asks."""

from typing import Any

import grpc
import pytest

from gateway.core.record import Verdict
from pilote.envoy import access_log_pb2, auth_pb2
from pilote.envoy.access_log_pb2_grpc import AccessLogServiceStub
from pilote.envoy.auth_pb2_grpc import AuthorizationStub
from tests.e2e.envoy.front import CONTACT, ENVOY_KEY, HOST, SEND, envoy_key_file, with_api
from tests.e2e.policy import allow_all, cap, key_of
from tests.e2e.world import World, credential, told
from tests.fakes.upstream import FakeUpstream

AS_ENVOY = (("x-pilote-envoy-key", ENVOY_KEY),)
BODY = b'{"to": "ada-lovelace", "category": "marketing"}'


def request(
    verb: str = "POST", path: str = SEND, *, body: bytes = BODY, headers: dict[str, str] | None = None, **more: Any
) -> auth_pb2.CheckRequest:
    """What Envoy asks about a request with that body."""
    sent = {"x-api-key": key_of("sales-bot"), "content-type": "application/json", "content-length": str(len(body))}
    said = {"method": verb.encode(), "path": path.encode(), "host": HOST.encode(), "raw_body": body} | more
    http = auth_pb2.AttributeContext.HttpRequest(
        headers={name: value.encode() for name, value in (sent | (headers or {})).items() if value}, **said
    )
    return auth_pb2.CheckRequest(attributes={"request": {"http": http}})  # type: ignore[arg-type]


def as_text(asked: auth_pb2.CheckRequest) -> auth_pb2.CheckRequest:
    """The same by an Envoy that shows bodies as text."""
    asked.attributes.request.http.body = BODY
    return asked


async def check(world: World, asked: auth_pb2.CheckRequest, **more: Any) -> auth_pb2.CheckResponse:
    stub: Any = AuthorizationStub(world.channel(**more))
    found: auth_pb2.CheckResponse = await stub.Check(asked, metadata=AS_ENVOY, timeout=10)
    return found


async def problem(world: World, asked: auth_pb2.CheckRequest) -> str:
    """The body of a refusal as 400."""
    answer = await check(world, asked)
    assert answer.denied_response.status.code == 400
    return answer.denied_response.body


def ended(answer: auth_pb2.CheckResponse, code: int, *, seal: str = "") -> access_log_pb2.StreamAccessLogsMessage:
    """What the access log says of a request that was let through."""
    message = access_log_pb2.StreamAccessLogsMessage()
    entry = message.http_logs.log_entry.add()
    entry.response.response_code.value = code
    entry.response.response_code_details = "via_upstream"
    found = entry.common_properties.metadata.filter_metadata["envoy.filters.http.ext_authz"]
    found.update({"pilote": seal or answer.dynamic_metadata["pilote"]})
    return message


async def tell(world: World, *messages: access_log_pb2.StreamAccessLogsMessage, **more: Any) -> None:
    stub: Any = AccessLogServiceStub(world.channel(**more))
    await stub.StreamAccessLogs(iter(messages), metadata=AS_ENVOY, timeout=10)


@pytest.mark.parametrize("metadata", [(), (("x-pilote-envoy-key", "x" * 40),), credential("sales-bot")])
async def test_only_who_has_a_key_of_envoy_may_ask_or_tell(http_world: World, metadata: Any) -> None:
    stub: Any = AuthorizationStub(http_world.channel())
    end = await told(stub.Check(request(), metadata=metadata))
    assert (end.code, end.reason) == (grpc.StatusCode.UNAUTHENTICATED, "AGENT_UNAUTHENTICATED")
    log: Any = AccessLogServiceStub(http_world.channel())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await log.StreamAccessLogs(iter(()), metadata=metadata)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_gateway_without_such_a_key_serves_no_envoy(world: World) -> None:
    stub: Any = AuthorizationStub(world.channel())
    end = await told(stub.Check(request(), metadata=(*AS_ENVOY, *credential("sales-bot"))))
    assert end.reason == "METHOD_UNDESCRIBED"


@pytest.mark.no_replay  # a replay does not know that it came over gRPC
async def test_a_method_of_plain_http_cannot_be_called_over_grpc(http_world: World) -> None:
    call = http_world.raw().unary_unary("/rest/vendor/messages.send")
    assert (await told(call(b"", metadata=credential("sales-bot")))).reason == "METHOD_UNDESCRIBED"


UNCLEAR = [
    (request(headers={"x-envoy-auth-partial-body": "true"}), "raise max_request_bytes in Envoy"),
    (as_text(request(raw_body=b"")), "set with_request_body.pack_as_bytes in Envoy"),
    (request(raw_body=b""), "set with_request_body in Envoy"),
    (request(raw_body=b"", headers={"content-length": ""}, size=40), "set with_request_body in Envoy"),
    (request(raw_body=b"", headers={"content-length": ""}, protocol="HTTP/2"), "set with_request_body in Envoy"),
    (request(raw_body=BODY[:9]), "set with_request_body in Envoy"),
    (request(headers={"content-encoding": "gzip"}), "without a content-encoding"),
    (request(headers={"content-type": "text/plain"}), "must be application/json"),
    (request(body=b'{"to": "a", "to": "b"}'), "a key twice"),
    (request(body=b"{"), "is no JSON"),
    (request(body=b'{"to": "\xff", "category": "marketing"}'), "is not UTF-8"),
    (request(body=b'{"category": "marketing"}'), "{body.to}"),
    (request(headers={"x-brand": "a, b"}), "one text without a comma"),
    (request(headers={"x-http-method-override": "GET"}), "send the request as what it is"),
    (request(headers={"x-original-url": "/other"}), "send the request as what it is"),
    (request(path=f"{SEND}?_HttpMethod=DELETE"), "send the request as what it is"),
    (request(path="//v1/messages"), "send it in its plain form"),
    (request(path="/v1/%6dessages"), "send it in its plain form"),
    (request(path="/v1/x/../messages"), "send it in its plain form"),
    (request(path="/v1;x/messages"), "send it in its plain form"),
    (request("GET", f"{CONTACT}%2fnotes", body=b""), "send it in its plain form"),
    (request(body=b'{"to": "a", "category": "marketing", "x": "' + b"x" * 1_100_000 + b'"}'), "at most"),
]
"""Requests that can be read in two ways, or that Envoy has not shown whole; and a part of what is said of each."""


async def test_what_can_be_read_in_two_ways_or_was_not_shown_is_refused(http_world: World) -> None:
    for asked, said in UNCLEAR:
        assert said in await problem(http_world, asked)
    for kept in await http_world.settled(len(UNCLEAR)):
        assert (kept.record.verdict, kept.record.reason) == (Verdict.DENY, "ARGUMENT_INVALID")


async def test_who_calls_is_asked_before_what_is_wrong_with_the_request_is_said(http_world: World) -> None:
    answer = await check(http_world, request(path="//v1", headers={"x-api-key": "nobody"}))
    assert answer.denied_response.status.code == 401
    assert "plain form" not in answer.denied_response.body


async def test_another_gateway_settles_what_this_one_has_admitted(
    http_world: World, upstream: FakeUpstream, tmp_path: Any
) -> None:
    other = await http_world.gateway(envoy_key_file=envoy_key_file(tmp_path))
    await http_world.publish(with_api(upstream.address, caps=[cap(1)]))
    answer = await check(http_world, request())
    assert await http_world.taken() == 1
    await tell(http_world, ended(answer, 503), to=other)
    (kept,) = await http_world.settled(1)
    assert kept.settlement is not None
    assert kept.settlement.gave_back
    assert await http_world.taken() == 0


async def test_a_seal_that_is_not_ours_settles_nothing(http_world: World, upstream: FakeUpstream) -> None:
    await http_world.publish(with_api(upstream.address, caps=[cap(1)]))
    answer = await check(http_world, request())
    ours = str(answer.dynamic_metadata["pilote"])
    other = ours[:-8] + ("A" if ours[-8] != "A" else "B") + ours[-7:]
    await tell(http_world, *(ended(answer, 503, seal=seal) for seal in ("x", "é", other, ours[:40])))
    await tell(http_world, ended(answer, 200), ended(answer, 200))
    (kept,) = await http_world.settled(1)
    assert kept.settlement is not None
    assert (kept.settlement.status, await http_world.taken()) == ("OK", 1)


async def test_what_a_person_would_have_to_look_at_is_refused_since_nobody_can_keep_it(
    http_world: World, upstream: FakeUpstream
) -> None:
    held = {"name": "look", "effect": "hold", "operations": ["CONTACT"]}
    await http_world.publish(with_api(upstream.address, rules=[held, allow_all()]))
    answer = await check(http_world, request())
    assert answer.denied_response.status.code == 400
    assert "APPROVAL_REQUIRED" in answer.denied_response.body
    await http_world.settled(1)
