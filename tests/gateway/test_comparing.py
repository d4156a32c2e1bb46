"""Replies are compared by field paths, and nothing of what they say is told."""

import math
from fractions import Fraction
from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import assume, given
from hypothesis import strategies as st
from open_inference.grpc import protocol

from gateway.copies.comparing import MOST_LOOKS, MOST_PAIRS, ReplyComparer
from gateway.core.contract import RedactionMistake
from gateway.core.shadows import LONGEST_PATH, MOST_DIFFERENCES, Comparison, Difference
from pilote.crm.v1 import contact_pb2, contact_service_pb2

SCORES = ReplyComparer(protocol.ModelInferResponse.DESCRIPTOR)  # type: ignore[arg-type]
CONTACTS = ReplyComparer(contact_service_pb2.ListContactsResponse.DESCRIPTOR)
STRUCTS = ReplyComparer(struct_pb2.Struct.DESCRIPTOR)

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=3), JSON, max_size=4)


def struct(value: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(value)
    return message


def compared(
    comparer: ReplyComparer, one: Any, other: Any, *, ignore: tuple[str, ...] = (), tolerance: float = 0.0
) -> Comparison:
    return comparer.plan(ignore=ignore, tolerance=tolerance)(one.SerializeToString(), other.SerializeToString())


def score(*values: float, version: str = "1", **parameters: str) -> Any:
    message = protocol.ModelInferResponse(model_name="lead-score", model_version=version)
    message.outputs.add(name="score", datatype="FP64", shape=[len(values)]).contents.fp64_contents.extend(values)
    for name, value in parameters.items():
        message.parameters[name].string_param = value
    return message


def contacts(*found: contact_pb2.Contact) -> contact_service_pb2.ListContactsResponse:
    return contact_service_pb2.ListContactsResponse(contacts=found)


def test_numbers_versions_and_parameters_that_differ_are_told_with_their_paths() -> None:
    found = compared(SCORES, score(0.5, 0.2), score(0.4, 0.2, 0.1, version="2", by="tree"))
    assert found.more == 0
    assert set(found.differences) == {
        Difference("model_version", "changed"),
        Difference("parameters.*", "added"),
        Difference("outputs.*.shape.*", "changed", relative=round(1 / 3, 6)),
        Difference("outputs.*.contents.fp64_contents.*", "changed", relative=0.2),
        Difference("outputs.*.contents.fp64_contents.*", "added"),
    }


def test_what_is_ignored_is_not_told_and_stars_stand_for_elements_and_keys() -> None:
    one, other = score(0.5, by="tree"), score(0.4, version="2", by="line")
    ignore = ("model_version", "outputs.contents.fp64_contents", "parameters.*.string_param")
    assert compared(SCORES, one, other, ignore=ignore) == Comparison()
    assert compared(SCORES, one, other, ignore=(*ignore[:2], "parameters.by")) == Comparison()
    left = compared(SCORES, one, other, ignore=(*ignore[:2], "parameters.other"))
    assert left.differences == (Difference("parameters.*.string_param", "changed"),)


@pytest.mark.parametrize(("tolerance", "same"), [(0.0, False), (0.009, False), (0.011, True), (1.0, True)])
def test_numbers_within_the_tolerance_are_the_same(tolerance: float, *, same: bool) -> None:
    found = compared(SCORES, score(1.0), score(0.99), tolerance=tolerance)
    assert (found == Comparison()) is same


def test_numbers_that_a_float_cannot_tell_apart_are_told_apart() -> None:
    one, other = score(), score()
    one.outputs[0].contents.int64_contents.append(2**62)
    other.outputs[0].contents.int64_contents.append(2**62 + 1)
    assert [each.path for each in compared(SCORES, one, other).differences] == ["outputs.*.contents.int64_contents.*"]
    assert compared(SCORES, one, other, tolerance=1e-9) == Comparison()


def test_not_a_number_is_like_itself_and_infinity_like_no_other_number() -> None:
    assert compared(SCORES, score(math.nan, version="1"), score(math.nan)) == Comparison()
    assert compared(SCORES, score(math.inf), score(1.0), tolerance=1.0).differences[0].relative == 2.0
    assert compared(SCORES, score(1.7e308), score(-1.7e308)).differences[0].relative == 2.0


def test_texts_and_messages_that_are_only_on_one_side_are_missing_or_added() -> None:
    one = contacts(contact_pb2.Contact(name="contacts/1", email="ada@example.org"), contact_pb2.Contact())
    other = contacts(contact_pb2.Contact(name="contacts/1", company="Engines"))
    assert set(compared(CONTACTS, one, other).differences) == {
        Difference("contacts.*.email", "missing"),
        Difference("contacts.*.company", "added"),
        Difference("contacts.*", "missing"),
    }


def test_fields_that_the_contract_does_not_know_are_told_by_their_number() -> None:
    known = score(0.5)
    more = protocol.ModelInferResponse.FromString(known.SerializeToString() + b"\xfa\x3e\x02hi\x88\x3f\x01")
    found = compared(SCORES, known, more)
    assert found.differences == (Difference("1007", "added"), Difference("1009", "added"))
    assert compared(SCORES, more, known).differences[0].kind == "missing"


def test_bytes_that_are_no_such_message_differ_as_a_whole_or_not_at_all() -> None:
    compare = SCORES.plan(ignore=(), tolerance=0)
    assert compare(b"\xff", score(1).SerializeToString()) == Comparison((Difference("", "changed"),))
    assert compare(b"\xff", b"\xff") == Comparison()


def test_only_so_many_paths_are_kept_and_the_others_are_counted() -> None:
    known = score(0.5)
    varint = b"".join(bytes([0x80 | number << 3 & 0x78, number >> 4]) + b"\x01" for number in range(20, 50))
    more = protocol.ModelInferResponse.FromString(known.SerializeToString() + varint)
    found = compared(SCORES, known, more)
    assert len(found.differences) == MOST_DIFFERENCES
    assert found.more == 30 - MOST_DIFFERENCES


def test_a_path_is_never_longer_than_what_is_kept_of_it() -> None:
    one: dict[str, Any] = {"end": "a"}
    other: dict[str, Any] = {"end": "b"}
    for _ in range(20):
        one, other = {"down": one}, {"down": other}
    (found,) = compared(STRUCTS, struct(one), struct(other)).differences
    assert len(found.path) == LONGEST_PATH


def test_what_is_too_large_to_look_at_value_by_value_is_compared_as_a_whole() -> None:
    many = 4 * MOST_LOOKS + 4
    one, other = score(*([0.5] * many)), score(*([0.5] * (many - 1)), 0.4999)
    assert compared(SCORES, one, one) == Comparison()
    assert compared(SCORES, one, other, tolerance=0.1).differences == (
        Difference("outputs.*.contents.fp64_contents.*", "changed"),
    )


def test_of_very_many_numbers_all_that_differ_are_counted() -> None:
    many = 3 * MOST_PAIRS
    one, other = score(*([0.5] * many)), score(*([0.4] * many))
    (found,) = compared(SCORES, one, other, tolerance=0.1).differences
    assert (found.count, found.relative) == (many, 0.2)


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=6), st.sampled_from([0.0, 0.1, 1.0]))
def test_lists_of_numbers_differ_where_the_numbers_do(pairs: list[tuple[float, float]], tolerance: float) -> None:
    one, other = score(*(pair[0] for pair in pairs)), score(*(pair[1] for pair in pairs))
    found = compared(SCORES, one, other, tolerance=tolerance).differences
    assert sum(each.count for each in found) == sum(_apart(*pair, tolerance) for pair in pairs)


def _apart(one: float, other: float, tolerance: float) -> bool:
    """Whether two numbers differ, worked out exactly; what rounding may decide either way is not asked."""
    if one == other or (math.isnan(one) and math.isnan(other)):
        return False
    if not (math.isfinite(one) and math.isfinite(other)):
        return True
    apart = abs(Fraction(one) - Fraction(other)) / max(abs(Fraction(one)), abs(Fraction(other)))
    assume(not tolerance or abs(apart - Fraction(tolerance)) > Fraction(1, 10**12))
    return apart > tolerance


@given(OBJECTS)
def test_whatever_is_compared_with_itself_is_the_same(value: dict[str, Any]) -> None:
    one, again = struct(value), struct(dict(reversed(list(value.items()))))
    assert compared(STRUCTS, one, again) == Comparison()


@given(OBJECTS, OBJECTS)
def test_whatever_differs_is_told_and_the_other_way_round_the_same_places(
    value: dict[str, Any], other: dict[str, Any]
) -> None:
    there, back = compared(STRUCTS, struct(value), struct(other)), compared(STRUCTS, struct(other), struct(value))
    assert bool(there.differences) is (struct(value) != struct(other))
    swapped = {"missing": "added", "added": "missing", "changed": "changed"}
    assert {(each.path, swapped[each.kind], each.count, each.relative) for each in there.differences} == {
        (each.path, each.kind, each.count, each.relative) for each in back.differences
    }


@given(OBJECTS, OBJECTS)
def test_ignoring_all_that_was_told_leaves_nothing_to_tell(value: dict[str, Any], other: dict[str, Any]) -> None:
    found = compared(STRUCTS, struct(value), struct(other))
    ignore = tuple(each.path for each in found.differences)
    if not found.more:
        assert compared(STRUCTS, struct(value), struct(other), ignore=ignore) == Comparison()


@given(OBJECTS, OBJECTS)
def test_paths_hold_nothing_but_names_of_the_contract(value: dict[str, Any], other: dict[str, Any]) -> None:
    known = {"fields", "*", "struct_value", "list_value", "values", "number_value", "string_value", "bool_value"}
    for each in compared(STRUCTS, struct(value), struct(other)).differences:
        assert set(each.path.split(".")) <= known | {"null_value"}


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 0.5))
def test_a_number_is_the_same_up_to_the_tolerance_and_no_further(value: float, tolerance: float) -> None:
    near = value * (1 - tolerance / 2)
    assert compared(SCORES, score(value), score(near), tolerance=max(tolerance, 1e-9)) == Comparison()
    if abs(value) > 1e-300:
        assert compared(SCORES, score(value), score(value * 0.4), tolerance=tolerance).differences


def test_a_path_that_the_reply_does_not_have_is_said_and_means_nothing_else() -> None:
    with pytest.raises(RedactionMistake, match="redaction-unknown"):
        SCORES.check("modle_version", place=0)
    assert compared(SCORES, score(1), score(1, version="2"), ignore=("modle_version",)).differences
