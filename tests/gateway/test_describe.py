"""From bytes to a call, in one spelling only."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.call import Call
from gateway.core.errors import CallEnded, Reason
from gateway.messages.describe import describe
from tests.policies import INFER, READ, SEND, demo, revision

METHODS = revision().methods
DECISION = "0" * 31 + "1"


def described(metadata: dict[str, str | bytes] | None = None, *, method: str = SEND, **fields: str) -> Call:
    contract = METHODS[method].contract
    message: Any = contract.decode(b"")
    if method == SEND:
        told = {"customer": "contacts/cnt_1", "channel": "email", "category": "marketing", **fields}
        for name, value in told.items():
            setattr(message.message, name, value)
    return describe(contract, message.SerializeToString(), metadata=metadata or {})


def field_of(metadata: dict[str, str | bytes] | None = None, **fields: str) -> str:
    with pytest.raises(CallEnded) as caught:
        described(metadata, **fields)
    assert caught.value.reason is Reason.ARGUMENT_INVALID
    assert caught.value.violations[0][0] == caught.value.metadata["field"]
    return caught.value.metadata["field"]


def test_a_contact_is_described_in_full() -> None:
    call = described({"idempotency-key": "k1", "pilote-inference-id": f"decisions/{DECISION}"})
    assert (call.subject, call.channel, call.category) == ("contacts/cnt_1", "email", "marketing")
    assert (call.request_id, call.inference) == ("k1", DECISION)
    assert call.request_bytes > 0


@pytest.mark.parametrize("spelling", ["email", "EMAIL", " Email ", "email\n"])
def test_a_channel_has_one_spelling(spelling: str) -> None:
    assert described(channel=spelling).channel == "email"


@pytest.mark.parametrize("subject", ["", "contacts/cnt_1\n", "contacts/cnt 1", "contacts/é", "c" * 257, "a\0"])
def test_a_subject_that_could_open_a_second_bucket_is_refused(subject: str) -> None:
    assert field_of(customer=subject) == "message.customer"


@pytest.mark.parametrize("channel", ["", "e mail", "é", "1mail", "a" * 64, "a,b"])
def test_a_channel_that_cannot_be_governed_is_refused(channel: str) -> None:
    assert field_of(channel=channel) == "message.channel"


def test_a_category_may_be_missing_but_not_malformed() -> None:
    assert described(category="").category == ""
    assert field_of(category="a b") == "category"


@pytest.mark.parametrize("key", ["a b", "é", "k" * 129, "k\n"])
def test_an_idempotency_key_that_cannot_be_kept_is_refused(key: str) -> None:
    assert field_of({"idempotency-key": key}) == "idempotency-key"


@pytest.mark.parametrize("inference", ["x", DECISION.upper() + "A", f"decisions/{DECISION}0", f"{DECISION}\n"])
def test_an_inference_is_named_by_its_decision(inference: str) -> None:
    assert field_of({"pilote-inference-id": inference}) == "pilote-inference-id"


def test_no_inference_is_none() -> None:
    assert described().inference == described({"pilote-inference-id": "0" * 32}).inference == ""
    assert described({"pilote-inference-id": b"x"}).inference == ""


def test_a_message_too_large_or_malformed_is_refused() -> None:
    contract = METHODS[SEND].contract
    for request in (b"\xff", b"x" * (contract.max_message_bytes + 1)):
        with pytest.raises(CallEnded) as caught:
            describe(contract, request, metadata={})
        assert caught.value.metadata["field"] == "(message)"


def test_a_call_that_is_no_contact_needs_no_subject() -> None:
    assert described(method=READ).subject == ""


@given(st.binary(max_size=200), st.sampled_from(sorted(METHODS)))
def test_any_bytes_are_a_call_or_a_refusal_that_names_a_field(request: bytes, method: str) -> None:
    try:
        call = describe(METHODS[method].contract, request, metadata={})
    except CallEnded as ended:
        if ended.reason is not Reason.ARGUMENT_INVALID or not ended.violations:
            raise
    else:
        assert call.subject.isprintable()
        assert call.channel == call.channel.strip().lower()


def test_what_a_contact_is_for_and_where_it_goes_has_one_spelling() -> None:
    call = described(purpose=" Newsletter ", contact_point=" Ada@Example.ORG ")
    assert (call.purpose, call.contact_point, call.contact_ref) == ("newsletter", "ada@example.org", "")
    numbers = (
        "+33 6 12 34 56 78",
        "+33(0)6.12.34.56.78",
        "0033612345678",
        "tel:+33-6-12-34-56-78",
        "+330612345678",
        "+33612345678,2",
    )
    assert {described(channel="phone", contact_point=each).contact_point for each in numbers} == {"+33612345678"}
    assert described(channel="push", contact_point="Token-X").contact_point == "Token-X"


@pytest.mark.parametrize(
    ("channel", "contact_point"),
    [
        *(("phone", text) for text in ("0612345678", "ada", "+33", "+" + "3" * 60)),
        *(("email", text) for text in ("ada", "Ada <ada@example.org>", "a@b@c", "a@b,c@d", "a@" + "b" * 300)),
        *(("push", text) for text in ("a\nb", "t" * 257)),
    ],
)
def test_a_contact_point_that_could_be_spelt_in_two_ways_is_refused(channel: str, contact_point: str) -> None:
    assert field_of(channel=channel, contact_point=contact_point) == "message.contact_point"
    assert field_of(purpose="a b") == "purpose"


def test_only_contacts_say_what_for_and_where() -> None:
    assert (described(method=READ).purpose, described(method=READ).contact_point) == ("", "")


def test_a_session_is_named_by_the_contract_or_by_metadata() -> None:
    bound = demo()["contracts"]
    bound[0]["methods"][0]["session"] = "parameters.session.string_param"
    contract = revision(contracts=bound).methods[INFER].contract
    request: Any = contract.decode(b"")

    def session(metadata: dict[str, str | bytes]) -> str:
        return describe(contract, request.SerializeToString(), metadata=metadata).session

    assert session({}) == ""
    assert session({"pilote-session-id": "s-1"}) == "s-1"
    request.parameters["session"].string_param = "s-2"
    assert session({"pilote-session-id": "s-1"}) == "s-2"
    request.parameters["session"].string_param = "s 2"
    with pytest.raises(CallEnded) as caught:
        session({})
    assert caught.value.metadata["field"] == "parameters.session.string_param"


@pytest.mark.parametrize("session", ["a b", "é", "s" * 257])
def test_a_session_that_could_be_spelt_in_two_ways_is_refused(session: str) -> None:
    assert field_of({"pilote-session-id": session}) == "pilote-session-id"
