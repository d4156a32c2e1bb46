"""A model that is asked over a stream of requests: every message is pinned to the version that serves the stream."""

import base64
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tests.e2e.policy import Data, allow_all, policy
from tests.e2e.replayed import census
from tests.e2e.requests import ADA, one_by_one
from tests.e2e.world import World, credential, told
from tests.fakes.upstream import FakeUpstream, echo

SALES = credential("sales-bot")
METHOD = "/vendor.Speech/Recognise"
TEXT = descriptor_pb2.FieldDescriptorProto.TYPE_STRING


def contract() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="vendor.proto", package="vendor", syntax="proto3")
    message = file.message_type.add(name="Chunk")
    for number, name in enumerate(("model", "version", "sound"), start=1):
        message.field.add(name=name, number=number, type=TEXT, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL)
    service = file.service.add(name="Speech")
    kind = ".vendor.Chunk"
    service.method.add(
        name="Recognise", input_type=kind, output_type=kind, client_streaming=True, server_streaming=True
    )
    return file


def speech(address: str, **more: str) -> Data:
    files = descriptor_pb2.FileDescriptorSet(file=[contract()]).SerializeToString()
    binding = {"method": METHOD, "operation": "INFER", "model": "model", "model_version": "version", "idempotent": True}
    binding |= more
    return policy(
        address,
        contracts=[
            {"name": "vendor", "descriptor_set": base64.b64encode(files).decode(), "methods": [binding]},
        ],
        models=[
            {
                "name": "ear",
                "versions": [
                    {"version": "1", "upstream": "crm", "served_as": "ear-a"},
                    {"version": "2", "upstream": "crm", "served_as": "ear-b"},
                ],
            }
        ],
        routes=[
            {
                "name": "speech",
                "methods": [METHOD],
                "models": ["ear"],
                "arms": [
                    {"name": "a", "version": "1", "weight": 5_000},
                    {"name": "b", "version": "2", "weight": 5_000},
                ],
            }
        ],
        rules=[allow_all()],
    )


def chunk(**fields: str) -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(contract())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("vendor.Chunk"))(**fields)


def sent(upstream: FakeUpstream) -> list[tuple[str, str, str]]:
    """(model, version, sound) of every message that arrived."""
    found = [type(chunk()).FromString(each) for each in upstream.messages]
    return [(each.model, each.version, each.sound) for each in found]


@pytest.mark.parametrize("asked", ["", "2"])
async def test_every_message_of_a_stream_names_the_version_that_serves_it(
    world: World, upstream: FakeUpstream, asked: str
) -> None:
    upstream.behave = echo
    await world.publish(speech(upstream.address))
    messages = [chunk(model="ear", version=asked if n == 0 else "", sound=str(n)) for n in range(3)]
    raw = [message.SerializeToString() for message in messages]
    ended = await told(world.raw().stream_stream(METHOD)(one_by_one(raw), metadata=SALES))
    assert ended.code is grpc.StatusCode.OK
    served = {"1": "ear-a", "2": "ear-b"}[str(ended.trailers["pilote-version"])]
    assert sent(upstream) == [("ear", served, str(n)) for n in range(3)]


@pytest.mark.parametrize("other", [{"version": "1"}, {"version": "9"}, {"model": "mouth"}, {"model": ""}])
async def test_a_message_that_asks_for_another_model_or_version_ends_the_stream_and_goes_nowhere(
    world: World, upstream: FakeUpstream, other: dict[str, str]
) -> None:
    upstream.behave = echo
    await world.publish(speech(upstream.address))
    messages = [chunk(model="ear", version="2", sound="0"), chunk(**({"model": "ear", "sound": "1"} | other))]
    raw = [message.SerializeToString() for message in messages]
    ended = await told(world.raw().stream_stream(METHOD)(one_by_one(raw), metadata=SALES))
    assert (ended.code, ended.reason) == (grpc.StatusCode.NOT_FOUND, "ROUTE_NOT_FOUND")
    assert sent(upstream) == [("ear", "ear-b", "0")]
    kept = await world.settled(2)
    assert sorted(each.reason for each in kept) == ["ROUTE_NOT_FOUND", "ROUTE_NOT_FOUND"]
    assert kept[1].record.parent == kept[0].record.id


async def test_a_stream_goes_on_as_it_began_when_the_policy_changes_and_its_messages_are_replayed(
    world: World, upstream: FakeUpstream
) -> None:
    upstream.behave = echo
    await world.publish(speech(upstream.address, subject="sound"))
    call = world.raw().stream_stream(METHOD)(metadata=SALES)
    await call.write(chunk(model="ear", sound=ADA).SerializeToString())
    await call.read()
    other = speech(upstream.address, subject="sound")
    other["models"][0]["versions"] = [
        {"version": version, "upstream": "crm", "served_as": f"ear-{version}-anew"} for version in "12"
    ]
    number = await world.publish(other)
    await call.write(chunk(model="ear", sound=ADA).SerializeToString())
    await call.read()
    await call.done_writing()
    assert (await told(call)).code is grpc.StatusCode.OK
    first, further = await world.settled(2)
    assert (first.record.revision, further.record.revision) == (number - 1, number)
    assert further.record.version == first.record.version
    assert (await census(world)).wrong == []
