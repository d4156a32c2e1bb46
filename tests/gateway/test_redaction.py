"""What is redacted is not in the bytes any more, and all else still is."""

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any as Packed
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.contract import Redaction, RedactionMistake
from gateway.core.revision.decode import Mistake, Mistakes
from gateway.messages.contracts import ContractBook
from gateway.messages.redaction import MessageRedactor
from gateway.mistakes.saying import words
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import ListContactsResponse
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest, SendMessagesResponse

BOOK = ContractBook((), Mistakes())
ADA = Contact(
    name="contacts/ada",
    display_name="Ada Lovelace",
    email="ada@example.org",
    company="Analytical Engines",
    tags=["countess", "poet"],
    attributes={"lead_source": "salon", "mother": "Annabella"},
)
PERSONAL = ("Ada Lovelace", "ada@example.org", "countess", "poet", "salon", "Annabella")


def redactor(message: str, *kept: str) -> MessageRedactor:
    return MessageRedactor(BOOK.pool.FindMessageTypeByName(f"pilote.crm.v1.{message}"), BOOK.pool, kept=kept)


def redacted(message: Any, *fields: str, sensitivity: str = "", instead: str | None = None) -> Any:
    """The message once it has been through a redaction."""
    its = redactor(message.DESCRIPTOR.name)
    plan = its.plan(Redaction(fields=fields, sensitivity=sensitivity, text_instead=instead))
    return type(message).FromString(its.apply(message.SerializeToString(), [plan]))


def listed(*contacts: Contact) -> ListContactsResponse:
    return ListContactsResponse(contacts=contacts, next_page_token="more")


@pytest.mark.parametrize("path", ["contacts.email", "contacts.*.email"])
def test_a_path_goes_through_every_element_of_a_list(path: str) -> None:
    answer = redacted(listed(ADA, ADA), path)
    assert [each.email for each in answer.contacts] == ["", ""]
    assert [each.display_name for each in answer.contacts] == ["Ada Lovelace"] * 2


def test_of_a_map_one_key_goes_or_all_of_them() -> None:
    assert dict(redacted(ADA, "attributes.mother").attributes) == {"lead_source": "salon"}
    assert dict(redacted(ADA, "attributes.*").attributes) == {}
    assert dict(redacted(ADA, "attributes").attributes) == {}
    assert dict(redacted(ADA, "attributes.nobody").attributes) == dict(ADA.attributes)


def test_texts_are_replaced_where_they_say_anything() -> None:
    answer = redacted(ADA, "email", "phone", "tags", "attributes.mother", instead="[hidden]")
    assert (answer.email, answer.phone) == ("[hidden]", "")
    assert list(answer.tags) == ["[hidden]", "[hidden]"]
    assert dict(answer.attributes) == {"lead_source": "salon", "mother": "[hidden]"}


def test_all_that_is_annotated_as_personal_goes_however_deep() -> None:
    answer = redacted(listed(ADA), sensitivity="PERSONAL")
    assert not any(word in str(answer) for word in PERSONAL)
    assert (answer.next_page_token, answer.contacts[0].company) == ("more", "Analytical Engines")
    assert redacted(listed(ADA), sensitivity="SPECIAL") == listed(ADA)
    assert redacted(ADA, sensitivity="INTERNAL").company == ""


def test_a_field_that_the_contract_does_not_know_never_passes_a_redaction_by_sensitivity() -> None:
    unknown = b"\xfa\x3e\x0fsecret of a new"  # field 1007, which a newer upstream may have
    inner = redactor("ListContactsResponse")
    contact = ADA.SerializeToString() + unknown
    bytes_in = unknown + b"\x0a" + bytes([0x80 | len(contact) & 0x7F, len(contact) >> 7]) + contact
    by_sensitivity = inner.plan(Redaction(sensitivity="PERSONAL"))
    by_path = inner.plan(Redaction(fields=("contacts.email",)))
    assert b"secret" not in inner.apply(bytes_in, [by_sensitivity])
    assert inner.apply(bytes_in, [by_path]).count(b"secret") == 2


def test_what_an_any_holds_is_redacted_too_and_dropped_where_nobody_knows_its_type() -> None:
    answer = SendMessagesResponse()
    answer.error.message = "no"
    answer.error.details.add().Pack(ADA)
    answer.error.details.append(Packed(type_url="type.googleapis.com/vendor.Thing", value=b"Ada Lovelace"))
    known, unknown = redacted(answer, sensitivity="PERSONAL").error.details
    found = Contact()
    assert known.Unpack(found)
    assert (found.display_name, found.company) == ("", "Analytical Engines")
    assert (unknown.type_url, unknown.value) == ("", b"")


def test_a_required_field_is_emptied_so_that_the_message_can_still_be_read() -> None:
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="vendor.proto", package="vendor", syntax="proto2")
    thing = file.message_type.add(name="Thing")
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, (name, kind) in enumerate((("who", kinds.TYPE_STRING), ("age", kinds.TYPE_INT32)), start=1):
        thing.field.add(name=name, number=number, type=kind, label=kinds.LABEL_REQUIRED)
    pool.Add(file)
    its = MessageRedactor(pool.FindMessageTypeByName("vendor.Thing"), pool)
    made: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName("vendor.Thing"))
    answer = its.apply(made(who="Ada", age=36).SerializeToString(), [its.plan(Redaction(fields=("who", "age")))])
    assert made.FromString(answer) == made(who="", age=0)


@pytest.mark.parametrize(
    ("message", "path", "problem", "fix"),
    [
        ("Contact", "emial", "is no field of pilote.crm.v1.Contact", "did you mean 'email'?"),
        ("ListContactsResponse", "contacts.nmae", "'nmae' in 'contacts.nmae'", "did you mean 'name'?"),
        ("Contact", "email.local", "goes on after a value", "end it before 'local'"),
        ("SendMessageRequest", "message.customer", "governs the call", "leave it"),
        ("SendMessageRequest", "message", "governs the call through 'message.customer'", "leave it"),
    ],
)
def test_a_path_that_cannot_be_redacted_is_a_mistake_with_a_fix(
    message: str, path: str, problem: str, fix: str
) -> None:
    with pytest.raises(RedactionMistake) as caught:
        redactor(message, "message.customer").plan(Redaction(fields=(path,)))
    said = words(Mistake("", caught.value.what), language="en")
    assert problem in said.problem
    assert said.fix.startswith(fix)


def test_only_a_text_can_be_replaced() -> None:
    with pytest.raises(RedactionMistake, match="redaction-no-text"):
        redactor("Contact").plan(Redaction(fields=("create_time",), text_instead="?"))


def test_what_governs_a_call_stays_though_it_is_sensitive() -> None:
    with pytest.raises(RedactionMistake, match="redaction-sensitive"):
        redactor("SendMessageRequest", "message.body").plan(Redaction(sensitivity="PERSONAL"))


@given(st.binary(max_size=60))
def test_bytes_are_redacted_or_do_not_pass(data: bytes) -> None:
    its = redactor("SendMessageRequest")
    plan = its.plan(Redaction(sensitivity="PERSONAL"))
    try:
        answer = its.apply(data, [plan])
    except ValueError:
        return
    message = SendMessageRequest.FromString(answer)
    assert (message.message.body, message.message.subject_line) == ("", "")


@given(st.builds(Message, customer=st.text(), subject_line=st.text(), body=st.text(), campaign=st.text()))
def test_redacting_twice_changes_nothing_more(message: Message) -> None:
    once = redacted(message, "body", sensitivity="INTERNAL", instead="-")
    assert redacted(once, "body", sensitivity="INTERNAL", instead="-") == once
    assert once.customer == message.customer
