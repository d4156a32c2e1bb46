"""Bindings of a foreign contract: several paths for a method, a part of the answer, whole paths, wrapped values."""

import json
from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf import any_pb2, descriptor_pb2, json_format, message_factory, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor import FieldDescriptor

from gateway.rpc.reflected import pool_of
from services.agents.bindings import Bindings, Match
from services.agents.catalogue import Method
from services.agents.openapi import openapi
from services.agents.transcoding import json_of, requests_of

FIELDS = {
    "name": (FieldDescriptor.TYPE_STRING, "", False),
    "flag": (FieldDescriptor.TYPE_BOOL, "", False),
    "sizes": (FieldDescriptor.TYPE_INT64, "", True),
    "maybe": (FieldDescriptor.TYPE_MESSAGE, ".google.protobuf.BoolValue", False),
    "since": (FieldDescriptor.TYPE_MESSAGE, ".google.protobuf.Timestamp", False),
    "more": (FieldDescriptor.TYPE_MESSAGE, ".vendor.Thing", False),
    "packed": (FieldDescriptor.TYPE_MESSAGE, ".google.protobuf.Any", False),
}


def _bindings() -> Bindings:
    file = descriptor_pb2.FileDescriptorProto(name="vendor.proto", package="vendor", syntax="proto3")
    imports = (wrappers_pb2.DESCRIPTOR, timestamp_pb2.DESCRIPTOR, any_pb2.DESCRIPTOR)
    file.dependency.extend(each.name for each in imports)
    thing = file.message_type.add(name="Thing")
    for number, (name, (kind, type_name, repeated)) in enumerate(FIELDS.items(), start=1):
        label = FieldDescriptor.LABEL_REPEATED if repeated else FieldDescriptor.LABEL_OPTIONAL
        thing.field.add(
            name=name,
            json_name=name,
            number=number,
            type=kind,
            label=label,
            type_name=type_name or None,
        )
    service = file.service.add(name="Things")
    for name in ("Get", "Bare"):
        service.method.add(name=name, input_type=".vendor.Thing", output_type=".vendor.Thing")
    rule = service.method[0].options.Extensions[annotations_pb2.http]
    json_format.ParseDict(
        {
            "get": "/v2/{name=files/**}",
            "responseBody": "sizes",
            "additionalBindings": [
                {"put": "/v2/things/{more.name}", "body": "more"},
                {"custom": {"kind": "LOOK", "path": "/v2/look"}},
                {"get": "no path at all"},
            ],
        },
        rule,
    )
    files = [descriptor_pb2.FileDescriptorProto.FromString(each.serialized_pb) for each in imports]
    pool = pool_of((*files, file))
    found = pool.FindServiceByName("vendor.Things").methods
    return Bindings([_method(each) for each in found])


def _method(descriptor: Any) -> Method:
    kind = message_factory.GetMessageClass(descriptor.input_type)
    return Method(f"/vendor.Things/{descriptor.name}", descriptor, kind, kind, "")


BINDINGS = _bindings()


def _found(verb: str, path: str) -> Match:
    found = BINDINGS.find(verb, path)
    assert found is not None
    return found


def test_a_method_is_at_each_of_its_paths_and_one_without_any_at_its_full_name() -> None:
    reached = {(each.verb, each.template.text) for each in BINDINGS.all}
    assert reached == {
        ("GET", "/v2/{name=files/**}"),
        ("PUT", "/v2/things/{more.name}"),
        ("LOOK", "/v2/look"),
        ("POST", "/vendor.Things/Bare"),
    }
    assert BINDINGS.find("POST", "/vendor.Things/Get") is not None
    assert BINDINGS.verbs("/v2/look") == ("LOOK",)
    assert BINDINGS.verbs("/v2/nothing/here") == ()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ([("flag", "true")], {"flag": True}),
        ([("sizes", "1"), ("sizes", "-2")], {"sizes": ["1", "-2"]}),
        ([("maybe", "false")], {"maybe": False}),
        ([("since", "2026-01-31T08:00:00Z")], {"since": "2026-01-31T08:00:00Z"}),
        ([("more.more.maybe", "true")], {"more": {"more": {"maybe": True}}}),
    ],
)
def test_a_query_sets_fields_of_every_type_that_a_text_can_say(
    query: list[tuple[str, str]], wanted: dict[str, object]
) -> None:
    (message,) = requests_of(_found("GET", "/v2/files/a/b"), query, b"")
    assert json_format.MessageToDict(message) == {"name": "files/a/b"} | wanted


def test_only_the_named_part_of_the_answer_is_shown() -> None:
    match = _found("GET", "/v2/files/a")
    thing = json_format.ParseDict({"sizes": ["1", "2"]}, match.binding.method.output())
    assert json.loads(json_of(thing, response_body=match.binding.response_body)) == ["1", "2"]
    assert json.loads(json_of(match.binding.method.output(), response_body="sizes")) == []


def test_what_is_packed_is_shown_even_where_only_the_contract_knows_its_type() -> None:
    output = _found("GET", "/v2/files/a").binding.method.output
    whole = output()
    whole.packed.type_url = "type.googleapis.com/vendor.Thing"  # type: ignore[attr-defined]
    whole.packed.value = json_format.ParseDict({"flag": True}, output()).SerializeToString()  # type: ignore[attr-defined]
    assert json.loads(json_of(whole))["packed"] == {"@type": "type.googleapis.com/vendor.Thing", "flag": True}


def test_foreign_contracts_are_described_too() -> None:
    document = openapi(BINDINGS, comments={}, version="1")
    assert set(document["paths"]) == {"/v2/files/{file}", "/v2/things/{more_name}", "/vendor.Things/Bare"}
