"""What clients send that mean ill, or know no better: a clear answer, and the front goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import httpx
import pytest

from services.agents.options import Options
from services.agents.requests import body_of
from services.agents.server import running
from services.agents.unfit import Unfit
from tests.e2e.policy import key_of
from tests.e2e.waiting import eventually
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream, answering, failing

SALES = {"x-api-key": key_of("sales-bot")}
SEND = "/v1/messages:send"


async def test_a_body_of_ten_megabytes_is_refused_whether_it_says_its_length_or_not(
    front: httpx.AsyncClient, upstream: FakeUpstream
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b" " * 65_536

    for body in (b" " * 10_485_760, endless()):
        got = await front.post(SEND, content=body, headers=SALES | {"content-type": "application/json"})
        assert (got.status_code, got.json()["code"]) == (413, grpc.StatusCode.INVALID_ARGUMENT.value[0])
    assert upstream.messages == []
    assert (await front.get("/healthz")).status_code == 200


async def test_mistakes_are_told_with_their_field_in_the_callers_language(front: httpx.AsyncClient) -> None:
    got = await front.post(SEND, json={"message": {"channel": 7}}, headers=SALES | {"accept-language": "fr"})

    assert got.status_code == 400
    info, bad, localized = got.json()["details"]
    assert (info["reason"], info["domain"]) == ("ARGUMENT_INVALID", "pilote.dev")
    assert bad["fieldViolations"] == [{"field": "message.channel", "description": "message.channel must be a text."}]
    assert (localized["locale"], localized["message"]) == ("fr", "message.channel doit être un texte.")


async def test_what_is_not_json_by_its_own_word_is_not_read(front: httpx.AsyncClient) -> None:
    for headers in (
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {},
    ):
        got = await front.post(SEND, content=b"{}", headers=SALES | headers)
        assert got.status_code == 415, (headers, got.text)


async def test_paths_verbs_and_headers_that_are_none_are_said_to_be_none(front: httpx.AsyncClient) -> None:
    cases: tuple[tuple[str, str, dict[str, str], int], ...] = (
        ("GET", "/v1/nothing", {}, 404),
        ("GET", "/", {}, 404),
        ("GET", "/v1/contacts/%ff", {}, 400),
        ("GET", "/v1/contacts?company=%ff", {}, 400),
        ("GET", "/v1/contacts?" + "&".join(f"a{number}=1" for number in range(2_000)), {}, 400),
        ("PUT", "/v1/contacts", {}, 405),
        ("GET", "/v1/contacts", {"grpc-timeout": "soon"}, 400),
        ("GET", "/v1/contacts", {"x-request-timeout": "-1"}, 400),
        ("GET", "/v1/contacts", {"accept-language": "fr\u00e9"}, 400),
        ("POST", "/grpc.health.v1.Health/Check", {}, 404),
    )
    for verb, path, headers, wanted in cases:
        sent = [(name.encode(), text.encode("latin-1")) for name, text in (SALES | headers).items()]
        got = await front.request(verb, path, headers=sent)
        assert got.status_code == wanted, (verb, path, got.text)
        assert got.json()["message"]
    assert (await front.put("/v1/contacts", headers=SALES)).headers["allow"] == "GET, POST"


async def test_a_binary_header_of_ours_is_said_to_be_none_and_others_do_not_go_on(
    front: httpx.AsyncClient, upstream: FakeUpstream
) -> None:
    for value in ("AA==", "AA", "no base64!", ""):
        headers = SALES | {"pilote-inference-id-bin": value, "accept-language": "fr"}
        got = await front.get("/v1/contacts/ada", headers=headers)
        _, bad, localized = got.json()["details"]
        assert (got.status_code, bad["fieldViolations"][0]["field"]) == (400, "pilote-inference-id-bin")
        assert "binaire" in localized["message"]
    for name in ("x-trace-bin", "idempotency-key-bin", "grpc-status-details-bin", "traceparent-bin"):
        got = await front.get("/v1/contacts/ada", headers=SALES | {name: "no base64!"})
        assert got.status_code == 200, got.text
        assert upstream.asked[-1].values(name) == []


async def test_binary_trailers_of_the_system_do_not_become_headers(
    front: httpx.AsyncClient, upstream: FakeUpstream
) -> None:
    trailers = (("x-cost-bin", b"\x01\xfe"), ("pilote-cost-bin", b"\xff"), ("ratelimit-bin", b"\x00"))
    for behave in (answering(b"", trailers=trailers), failing(grpc.StatusCode.NOT_FOUND, "no", trailers=trailers)):
        upstream.behave = behave
        got = await front.get("/v1/contacts/ada", headers=SALES)
        assert got.status_code in (200, 404), got.text
        assert not [name for name in got.headers if name.endswith("-bin")]


async def test_a_deadline_goes_on_and_is_kept(front: httpx.AsyncClient, upstream: FakeUpstream) -> None:
    upstream.behave = upstream.hang
    got = await front.get("/v1/contacts/ada", headers=SALES | {"x-request-timeout": "0.3"})
    assert (got.status_code, got.json()["code"]) == (504, grpc.StatusCode.DEADLINE_EXCEEDED.value[0])
    assert upstream.asked[-1].remaining_s is not None
    assert upstream.asked[-1].remaining_s < 0.4


async def test_an_idempotency_key_and_a_trace_go_on_and_a_repeat_sends_nothing(
    front: httpx.AsyncClient, upstream: FakeUpstream
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = SALES | {"idempotency-key": "offer-17", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    body = {"message": {"customer": "contacts/ada", "channel": "email", "category": "marketing", "body": "Hello"}}
    first, again = [await front.post(SEND, json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert len(upstream.messages) == 1
    assert trace in str(upstream.asked[0].values("traceparent")[0])


async def test_when_to_retry_comes_as_a_header(front: httpx.AsyncClient, upstream: FakeUpstream) -> None:
    upstream.behave = failing(grpc.StatusCode.UNAVAILABLE, "busy")
    got = await front.get("/v1/contacts/ada", headers=SALES)
    assert got.status_code == 503, got.text
    assert int(got.headers["retry-after"]) >= 1


async def test_a_gateway_that_is_away_is_said_to_be_without_naming_its_address(world: World) -> None:
    async with contextlib.AsyncExitStack() as stack:
        other = await stack.enter_async_context(world.started())
        options = Options(
            listen="127.0.0.1:0", gateway=f"127.0.0.1:{other.port}", drain_seconds=1.0, max_message_bytes=65_536
        )
        async with running(options) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def ready() -> bool | None:
                return (await client.get("/readyz")).status_code == 200 or None

            await eventually(ready, what="the front")
            await stack.aclose()
            got = await client.get("/v1/contacts/ada", headers=SALES)
    assert (got.status_code, got.json()["message"]) == (503, "The gateway does not answer; retry.")
    assert got.headers["retry-after"] == "1"
    assert "127.0.0.1" not in got.text


async def test_a_body_that_never_ends_is_given_up_on() -> None:
    async def never() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    with pytest.raises(Unfit) as found:
        await body_of(never, {}, most=10, seconds=0.01)
    assert (found.value.http, found.value.key) == (408, "slow")
