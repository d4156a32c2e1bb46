"""Requests through a real Envoy: the vendor gets them without what the rules take out of requests, or not at all."""

import gzip
import io
import json
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from pilote.envoy import ext_proc_pb2
from tests.e2e.envoy.front import CONTACT, SEND, Front, api, front, with_api
from tests.e2e.envoy.test_asking import check, request
from tests.e2e.envoy.test_redaction import processed
from tests.e2e.policy import Data, allow_all, cap
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream
from tests.fakes.vendor import Vendor, saying
from tests.gateway.test_rest_redacted_requests import plainly_without

LESS = {
    "name": "less",
    "effect": "redact",
    "of": "request",
    "methods": ["rest/vendor/messages.send"],
    "fields": ["body.customer.email", "body.notes.*.phone"],
}
BODY = {
    "to": "ada-lovelace",
    "category": "marketing",
    "amount": 1.5,
    "customer": {"email": "ada@example.com", "name": "Ada"},
    "notes": [{"phone": "+33 1"}, {"phone": None, "text": "ç"}],
}
REDUCED = {**BODY, "customer": {"name": "Ada"}, "notes": [{}, {"text": "ç"}]}
SENT = json.dumps(BODY).encode()


def reducing(crm: str, *rules: Data, **sections: Any) -> Data:
    """The policy with these rules."""
    return with_api(crm, **{"rules": [*(rules or (LESS,)), allow_all()]} | sections)


async def test_rules_take_fields_out_of_requests(http_world: World, upstream: FakeUpstream, through: Front) -> None:
    await http_world.publish(reducing(upstream.address))
    digest = {"content-digest": "sha-256=:x:", "pilote-upstream": "elsewhere"}
    assert (await through.ask("POST", SEND, raw=SENT, headers=digest)).status == 200
    (arrived,) = through.vendor.received
    assert json.loads(arrived.body) == REDUCED
    assert arrived.headers["content-length"] == str(len(arrived.body))
    assert not {"content-digest", "transfer-encoding"} & arrived.headers.keys()
    (kept,) = await http_world.settled(1)
    assert [(each.rule, each.of) for each in kept.record.obligations] == [("less", "request")]
    assert kept.settlement is not None
    assert (kept.settlement.status, kept.settlement.reason) == ("OK", "")


async def test_a_body_in_pieces_that_does_not_say_how_long_it_is_loses_its_fields_too(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(SENT), 7):
            yield SENT[place : place + 7]

    await http_world.publish(reducing(upstream.address))
    reply = await through.ask("POST", SEND, raw=pieces())
    assert (reply.status, json.loads(through.vendor.received[0].body)) == (200, REDUCED)


async def test_a_text_stands_for_what_was_taken_out_of_a_request_and_its_reply_is_redacted_beside(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    both = [LESS | {"with": "***"}, {"name": "back", "effect": "redact", "fields": ["email"]} | {"methods": ["rest/*"]}]
    await http_world.publish(reducing(upstream.address, *both))
    through.vendor.behave = saying(200, '{"email": "ada@example.com", "id": 7}')
    reply = await through.ask("POST", SEND, raw=SENT)
    assert (reply.status, reply.told) == (200, {"id": 7})
    assert json.loads(through.vendor.received[0].body)["customer"] == {"email": "***", "name": "Ada"}


async def test_requests_that_nothing_is_taken_out_of_pass_as_they_are(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    await http_world.publish(reducing(upstream.address, LESS | {"when": "request.body.amount > 2.0"}))
    assert (await through.ask("POST", SEND, raw=SENT)).status == 200
    assert (await through.ask("GET", CONTACT)).status == 200
    assert [each.body for each in through.vendor.received] == [SENT, b""]


OF_THE_QUERY = LESS | {"name": "no-email", "methods": ["rest/vendor/*"], "fields": ["query.email"]}


async def test_rules_take_parameters_out_of_queries(http_world: World, upstream: FakeUpstream, through: Front) -> None:
    await http_world.publish(reducing(upstream.address, LESS, OF_THE_QUERY))
    asked = [f"{CONTACT}?email=ada%40example.com&page=%32", f"{CONTACT}?%65mail", CONTACT]
    for path in asked:
        assert (await through.ask("GET", path)).status == 200
    assert (await through.ask("POST", f"{SEND}?email=a&x=1", raw=SENT)).status == 200
    arrived = through.vendor.received
    assert [each.path for each in arrived] == [f"{CONTACT}?page=%32", CONTACT, CONTACT, f"{SEND}?x=1"]
    assert json.loads(arrived[-1].body) == REDUCED
    reply = await through.ask("GET", f"{CONTACT}?email%5B%5D=a")
    assert (reply.status, reply.reason, len(through.vendor.received)) == (400, "ARGUMENT_INVALID", 4)


async def test_what_a_method_calls_sensitive_is_taken_out_of_its_requests(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    vendor = api()
    vendor["methods"][2]["sensitive_requests"] = {"PERSONAL": LESS["fields"], "INTERNAL": ["body.amount"]}
    rule: Data = {"name": "no-people", "effect": "redact", "of": "request", "sensitivity": "PERSONAL"}
    rule |= {"methods": ["rest/vendor/*"]}
    await http_world.publish(reducing(upstream.address, rule, rest=[vendor]))
    assert (await through.ask("POST", SEND, raw=SENT)).status == 200
    assert json.loads(through.vendor.received[0].body) == REDUCED


FORM = {"content-type": "application/x-www-form-urlencoded"}
UNCLEAR: list[tuple[bytes, dict[str, str], str]] = [
    (b"to=ada-lovelace&category=marketing&customer=x", FORM, "send it as application/json"),
    (SENT.replace(b'"email"', b'"Email"'), {}, "is spelt otherwise: write email"),
    (SENT.replace(b'"notes"', b'"NOTES"'), {}, "is spelt otherwise: write notes"),
    (SENT.replace(b'"email"', b'"email": "x", "email"'), {}, "a key twice"),
    (SENT.replace(b"1.5", b"1e9999999999999999999"), {}, ""),
    (SENT.replace(b"1.5", b'"\\ud800"'), {}, ""),
    (gzip.compress(SENT), {"content-encoding": "gzip"}, "without a content-encoding"),
    (SENT, {"content-type": "text/plain"}, "must be application/json"),
    (SENT[:-1], {}, "is no JSON"),
]
"""Requests that the fields cannot be taken out of, and a part of what is said of each."""


async def test_what_cannot_be_taken_out_is_refused_and_takes_nothing(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    await http_world.publish(reducing(upstream.address, caps=[cap(1)]))
    for number, (sent, headers, said) in enumerate(UNCLEAR, start=1):
        reply = await through.ask("POST", SEND, raw=sent, headers=headers)
        assert (reply.status, reply.reason) == (400, "ARGUMENT_INVALID")
        assert said in reply.told["message"]
        kept = (await http_world.settled(number))[-1]
        assert "ARGUMENT_INVALID" in (kept.record.reason, kept.settlement and kept.settlement.reason)
        assert await http_world.taken() == 0
    assert (await through.ask("POST", SEND, raw=io.BytesIO(b" " * 1_048_576 + SENT))).status == 413
    assert through.vendor.received == []


def without_filter(config: Any) -> None:
    """No filter takes anything out of requests."""
    _filters(config).pop(2)


def with_a_wrong_key(config: Any) -> None:
    """The filter is not let in at the gateway."""
    _requests(config)["grpc_service"]["initial_metadata"][0]["value"] = "x" * 40


def with_a_wrong_key_that_does_not_matter(config: Any) -> None:
    """And lets requests pass where it fails."""
    with_a_wrong_key(config)
    _requests(config)["failure_mode_allow"] = True


def without_metadata(config: Any) -> None:
    """The filter does not show what was decided."""
    del _requests(config)["metadata_options"]


def without_override(config: Any) -> None:
    """The filter does not wait for the body."""
    _requests(config)["allow_mode_override"] = False


def without_changing_headers(config: Any) -> None:
    """The filter may not say where the request goes."""
    _requests(config)["mutation_rules"] = {"disallow_all": True}


def _filters(config: Any) -> Any:
    return config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]


def _requests(config: Any) -> Any:
    return _filters(config)[2]["typed_config"]


def without_changing_paths(config: Any) -> None:
    """The gateway that decides may not change the path."""
    found = _filters(config)[1]["typed_config"]
    found["decoder_header_mutation_rules"] = {"disallow_expression": {"regex": ":path"}}


BROKEN = [
    *(without_filter, with_a_wrong_key, with_a_wrong_key_that_does_not_matter),
    *(without_metadata, without_override, without_changing_headers),
]


@pytest.mark.parametrize("change", [without_filter, without_metadata, without_changing_paths])
async def test_what_nobody_has_taken_a_parameter_out_of_does_not_reach_the_vendor(
    http_world: World, upstream: FakeUpstream, http_vendor: Vendor, tmp_path: Path, change: Callable[[Any], None]
) -> None:
    await http_world.publish(reducing(upstream.address, OF_THE_QUERY))
    async with front(http_world, http_vendor, tmp_path / "envoy", change=change) as through:
        reply = await through.ask("GET", f"{CONTACT}?email=ada%40example.com")
        assert reply.status in (500, 503)
        (kept,) = await http_world.settled(1)
    assert http_vendor.received == []
    assert kept.settlement is not None
    assert (kept.settlement.reason, kept.settlement.gave_back) == ("REQUEST_WITHHELD", True)


@pytest.mark.parametrize("change", BROKEN)
async def test_what_nobody_has_taken_anything_out_of_does_not_reach_the_vendor(
    http_world: World, upstream: FakeUpstream, http_vendor: Vendor, tmp_path: Path, change: Callable[[Any], None]
) -> None:
    await http_world.publish(reducing(upstream.address, caps=[cap(1)]))
    async with front(http_world, http_vendor, tmp_path / "envoy", change=change) as through:
        reply = await through.ask("POST", SEND, raw=SENT, headers={"pilote-upstream": "vendor"})
        assert reply.status == 503
        assert b"ada@" not in reply.body
        (kept,) = await http_world.settled(1)
    assert http_vendor.received == []
    assert kept.settlement is not None
    assert (kept.settlement.reason, kept.settlement.gave_back) == ("REQUEST_WITHHELD", True)
    assert await http_world.taken() == 0


async def test_whatever_is_sent_what_arrives_is_what_a_plain_reading_of_the_rules_leaves(
    http_world: World, upstream: FakeUpstream, through: Front
) -> None:
    draw = random.Random(20261129)  # noqa: S311 - the same bodies each time
    paths = ["a", "b.a", "b.*.email", "*.x.y", "b.b.*"]
    rules = [
        LESS | {"fields": [f"body.free.{path}" for path in paths[:3]]},
        LESS | {"name": "veiled", "fields": [f"body.free.{path}" for path in paths[3:]], "with": "***"},
    ]
    takes = [(["free", *path.split(".")], None if place < 3 else "***") for place, path in enumerate(paths)]
    await http_world.publish(reducing(upstream.address, *rules))
    changed = 0
    for _ in range(40):
        body = {"to": "ada-lovelace", "category": "marketing", "free": _anything(draw, 4)}
        assert (await through.ask("POST", SEND, raw=json.dumps(body).encode())).status == 200
        arrived = through.vendor.received[-1]
        assert json.loads(arrived.body) == plainly_without(body, takes)
        assert arrived.headers["content-length"] == str(len(arrived.body))
        changed += json.loads(arrived.body) != body
    assert changed > 10


def _anything(draw: random.Random, levels: int) -> Any:
    """A value of JSON, so many levels deep at most."""
    kind = draw.randrange(4) if levels < 4 else 3
    if levels and kind == 2:
        return [_anything(draw, levels - 1) for _ in range(draw.randrange(4))]
    if levels and kind == 3:
        names = draw.sample(("a", "b", "x", "y", "email"), draw.randrange(2, 5))
        return {name: _anything(draw, levels - 1) for name in names}
    return draw.choice([None, True, 0, -7, 2**50, 0.1, "", "ada@example.com", 'é\n"', "\x00"])


async def test_an_envoy_that_has_no_requests_redacted_gets_none_through_that_must_be(
    http_world: World, upstream: FakeUpstream
) -> None:
    await http_world.publish(reducing(upstream.address, caps=[cap(1)]))
    answer = await check(http_world, request(body=SENT))
    assert answer.denied_response.status.code == 501
    assert "x-pilote-envoy-redacts" in answer.denied_response.body
    (kept,) = await http_world.settled(1)
    assert (kept.settlement and kept.settlement.reason, await http_world.taken()) == ("NOT_BUILT", 0)


async def test_a_request_whose_decision_nobody_can_read_is_withheld(http_world: World) -> None:
    unseen = ext_proc_pb2.ProcessingRequest(request_body=ext_proc_pb2.HttpBody(body=SENT))
    sealed = ext_proc_pb2.ProcessingRequest(request_headers=ext_proc_pb2.HttpHeaders())
    sealed.metadata_context.filter_metadata["envoy.filters.http.ext_authz"].update({"pilote": "eHg="})
    for asked in (unseen, sealed):
        (refused,) = await processed(http_world, asked)
        assert refused.immediate_response.status.code == 500
        assert b"REQUEST_WITHHELD" in refused.immediate_response.body
    (passed,) = await processed(http_world, ext_proc_pb2.ProcessingRequest(request_headers=ext_proc_pb2.HttpHeaders()))
    assert passed.request_headers == ext_proc_pb2.HeadersResponse()
