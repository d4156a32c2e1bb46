"""A stored request is shown value by value, each with how sensitive it is, and no credential at all."""

from typing import Any, Final

import pytest
from google.protobuf import struct_pb2
from open_inference.grpc import protocol as oip

from gateway.activation.loading import load
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from services.control.holds.readable import MOST, Row, rows_of
from tests.e2e.policy import policy
from tests.e2e.requests import send

SENDING: Final = "/pilote.crm.v1.MessageService/SendMessage"


def by_path(message: Any) -> dict[str, Row]:
    rows, more = rows_of(message)
    assert more == 0
    return {row.path: row for row in rows}


def test_values_are_named_by_their_paths_and_marked_as_their_contract_says() -> None:
    contract = load(policy("127.0.0.1:1")).methods[SENDING].contract
    rows = by_path(contract.decode(send().SerializeToString()))
    assert rows["message.customer"].value == send().message.customer
    assert rows["message.body"].sensitivity == "PERSONAL"
    assert rows["message.channel"].sensitivity == ""
    assert rows["message.channel"].value == "email"


def test_lists_maps_and_numbers_are_written_as_in_json() -> None:
    request = oip.ModelInferRequest(model_name="m")
    request.parameters["a"].int64_param = 1 << 60
    request.parameters["b"].bool_param = True
    request.inputs.add(name="x", shape=[1, 2])
    request.raw_input_contents.append(b"12345")
    rows = by_path(request)
    assert rows["parameters.a.int64_param"].value == str(1 << 60)
    assert rows["parameters.b.bool_param"].value is True
    assert [rows[f"inputs[0].shape[{each}]"].value for each in (0, 1)] == ["1", "2"]
    assert rows["raw_input_contents[0]"].value == "5 bytes"


def test_what_has_no_end_is_cut_and_counted() -> None:
    rows, more = rows_of(oip.ModelInferRequest(raw_input_contents=[b"x"] * (MOST + 7)))
    assert (len(rows), more) == (MOST, 7)


@pytest.mark.parametrize(
    "value", [struct_pb2.Struct(), struct_pb2.Struct(fields={"a": struct_pb2.Value(number_value=1)})]
)
def test_an_empty_message_has_no_rows_and_no_mistakes(value: struct_pb2.Struct) -> None:
    assert rows_of(SendMessageRequest()) == ((), 0)
    assert len(rows_of(value)[0]) == len(value.fields)
