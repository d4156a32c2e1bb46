"""What the contracts of the CRM side promise: the gateway governs them from their annotations and nothing else."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from pilote.governance.v1 import annotations_pb2 as governance

AREAS = ("crm", "cdp", "dmp", "orchestration", "tracking")


def _modules() -> Iterator[object]:
    for area in AREAS:
        package = importlib.import_module(f"pilote.{area}.v1")
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.endswith("_pb2"):
                yield importlib.import_module(f"pilote.{area}.v1.{module.name}")


FILES = tuple(module.DESCRIPTOR for module in _modules())  # type: ignore[attr-defined]
METHODS: tuple[MethodDescriptor, ...] = tuple(
    method for file in FILES for service in file.services_by_name.values() for method in service.methods
)
MESSAGES: tuple[Descriptor, ...] = tuple(
    message for file in FILES for top in file.message_types_by_name.values() for message in (top, *top.nested_types)
)

every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)


def _call(method: MethodDescriptor) -> governance.CallContract:
    return method.GetOptions().Extensions[governance.call]


def _field(message: Descriptor, path: str) -> FieldDescriptor:
    first, _, rest = path.partition(".")
    field = message.fields_by_name[first]
    if not rest:
        return field
    assert field.message_type is not None
    return _field(field.message_type, rest)


def test_the_five_areas_have_their_services() -> None:
    services = {method.containing_service.full_name for method in METHODS}
    assert {name.split(".")[1] for name in services} == set(AREAS)
    assert len(services) == 8


@every_method
def test_every_method_says_what_kind_of_thing_it_does(method: MethodDescriptor) -> None:
    assert method.GetOptions().HasExtension(governance.call)
    assert _call(method).operation != governance.OPERATION_UNSPECIFIED


@every_method
def test_every_annotated_path_is_a_text_of_the_request(method: MethodDescriptor) -> None:
    call = _call(method)
    for path in (call.subject, call.channel, call.category, call.model, call.model_version, call.request_id):
        if path:
            assert _field(method.input_type, path).type == FieldDescriptor.TYPE_STRING


@every_method
def test_whoever_contacts_says_whom_and_how_and_can_repeat_safely(method: MethodDescriptor) -> None:
    call = _call(method)
    if call.operation == governance.OPERATION_CONTACT:
        assert call.subject
        assert call.channel
        assert call.category
        assert call.request_id


@every_method
def test_reads_have_no_side_effects_and_nothing_else_claims_so(method: MethodDescriptor) -> None:
    reads = _call(method).operation == governance.OPERATION_READ
    harmless = method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    assert reads == harmless


@every_method
def test_what_contacts_or_creates_is_never_repeated_by_the_gateway_alone(method: MethodDescriptor) -> None:
    if method.name.startswith(("Create", "Send", "Enrol", "Track", "Import")):
        assert method.GetOptions().idempotency_level == MethodOptions.IDEMPOTENCY_UNKNOWN


@every_method
def test_every_change_takes_a_request_id(method: MethodDescriptor) -> None:
    if _call(method).operation != governance.OPERATION_READ:
        assert _call(method).request_id == "request_id"
        assert "request_id" in method.input_type.fields_by_name


@every_method
def test_every_method_has_a_path_of_its_own_over_http(method: MethodDescriptor) -> None:
    http = method.GetOptions().Extensions[annotations_pb2.http]
    kind = http.WhichOneof("pattern")
    assert kind in {"get", "post", "patch", "delete"}
    assert getattr(http, kind).startswith("/v1/")
    same = [other.full_name for other in METHODS if other.GetOptions().Extensions[annotations_pb2.http] == http]
    assert same == [method.full_name]


@every_method
def test_lists_page_from_day_one(method: MethodDescriptor) -> None:
    if method.name.startswith("List"):
        assert {"page_size", "page_token"} <= set(method.input_type.fields_by_name)
        assert "next_page_token" in method.output_type.fields_by_name


def test_all_four_call_kinds_exist() -> None:
    kinds = {(method.client_streaming, method.server_streaming) for method in METHODS}
    assert kinds == {(False, False), (False, True), (True, False), (True, True)}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.full_name)
def test_times_end_in_time(message: Descriptor) -> None:
    for field in message.fields:
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
            assert field.name.endswith("_time")


@pytest.mark.parametrize("name", ["email", "phone", "display_name", "job_title", "body", "subject_line", "note"])
def test_personal_fields_are_marked(name: str) -> None:
    found = [
        message.fields_by_name[name]
        for message in MESSAGES
        if message.full_name.startswith("pilote.crm.v1.")
        and name in message.fields_by_name
        and not message.name.endswith("Request")
    ]
    assert found
    for field in found:
        assert field.GetOptions().Extensions[governance.sensitivity] == governance.SENSITIVITY_PERSONAL


@every_method
def test_what_an_annotation_needs_is_required_by_the_contract(method: MethodDescriptor) -> None:
    call = _call(method)
    if call.operation == governance.OPERATION_CONTACT:
        for path in (call.subject, call.channel, call.category):
            options = _field(method.input_type, path).GetOptions()
            assert field_behavior_pb2.REQUIRED in options.Extensions[field_behavior_pb2.field_behavior]
