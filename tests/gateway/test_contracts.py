"""What the descriptors say of a method, and how its messages are read."""

import base64
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from gateway.core.call import Operation
from gateway.core.contract import DEFAULT_MAX_BYTES, MethodContract, method_matches
from gateway.core.policy.serving import Contract, MethodBinding
from gateway.core.revision.decode import Mistakes, PolicyInvalid
from gateway.messages.contracts import ContractBook
from gateway.messages.field_paths import readers
from tests.policies import INFER, READ, SEND, demo

FIELD = descriptor_pb2.FieldDescriptorProto


def vendor_set(name: str = "vendor.proto", *, package: str = "vendor", imports: tuple[str, ...] = ()) -> str:
    """A descriptor set of a vendor's service, in base64, with every shape of field a path may meet."""
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3", dependency=imports)
    request = file.message_type.add(name="Request")

    def field(name: str, number: int, kind: int, *, repeated: bool = False, type_name: str = "") -> None:
        label = FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL
        request.field.add(name=name, number=number, type=kind, label=label, type_name=type_name or None)

    def entry(name: str, key: int) -> None:
        inner = request.nested_type.add(name=name)
        inner.field.add(name="key", number=1, type=key, label=FIELD.LABEL_OPTIONAL)
        inner.field.add(name="value", number=2, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
        inner.options.map_entry = True

    entry("TextsEntry", FIELD.TYPE_STRING)
    entry("NumbersEntry", FIELD.TYPE_INT32)
    field("text", 1, FIELD.TYPE_STRING)
    field("number", 2, FIELD.TYPE_INT64)
    field("list", 3, FIELD.TYPE_STRING, repeated=True)
    field("inner", 4, FIELD.TYPE_MESSAGE, type_name=f".{package}.Request")
    field("inners", 5, FIELD.TYPE_MESSAGE, repeated=True, type_name=f".{package}.Request")
    field("texts", 6, FIELD.TYPE_MESSAGE, repeated=True, type_name=f".{package}.Request.TextsEntry")
    field("numbers", 7, FIELD.TYPE_MESSAGE, repeated=True, type_name=f".{package}.Request.NumbersEntry")
    field("channel", 8, FIELD.TYPE_ENUM, type_name=f".{package}.Channel")
    channel = file.enum_type.add(name="Channel")
    for value, number in (("UNSPECIFIED", 0), ("NO_EMAIL", 9), ("EMAIL", 1), ("IN_APP", 2)):
        channel.value.add(name=f"CHANNEL_{value}", number=number)
    service = file.service.add(name="Service")
    service.method.add(name="Do", input_type=f".{package}.Request", output_type=f".{package}.Request")
    return base64.b64encode(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()).decode()


def book_of(*contracts: Contract) -> ContractBook:
    mistakes = Mistakes()
    book = ContractBook(contracts, mistakes)
    mistakes.raise_if_any()
    return book


def bound(**paths: Any) -> MethodContract:
    """The vendor's method, bound with these paths."""
    binding = MethodBinding(method="/vendor.Service/Do", operation=Operation.WRITE, **paths)
    contract = book_of(Contract(name="vendor", descriptor_set=vendor_set(), methods=(binding,))).get(binding.method)
    assert contract is not None
    return contract


BOOK = book_of()
REQUEST = book_of(Contract(name="v", descriptor_set=vendor_set())).pool.FindMessageTypeByName("vendor.Request")


def message(**fields: Any) -> Any:
    found: Any = bound().decode(b"")
    for name, value in fields.items():
        if isinstance(value, dict):
            getattr(found, name).update(value)
        elif isinstance(value, list):
            getattr(found, name).extend(value)
        else:
            setattr(found, name, value)
    return found


def test_our_own_methods_are_described_by_their_annotations() -> None:
    contract = BOOK.get(SEND)
    assert contract is not None
    assert (contract.operation, contract.subject_path, contract.channel_path) == (
        Operation.CONTACT,
        "message.customer",
        "message.channel",
    )
    assert not contract.idempotent
    read = BOOK.get(READ)
    assert read is not None
    assert (read.operation, read.idempotent, read.max_message_bytes) == (Operation.READ, True, DEFAULT_MAX_BYTES)


def test_every_contact_says_whom_and_how() -> None:
    contacts = [contract for contract in BOOK if contract.operation is Operation.CONTACT]
    assert len(contacts) >= 3
    assert all(contract.subject_path and contract.channel_path for contract in contacts)


def test_a_method_that_nobody_described_is_not_in_the_book() -> None:
    book = book_of(Contract(name="vendor", descriptor_set=vendor_set()))
    assert book.get("/vendor.Service/Do") is None
    assert book.get(INFER) is None


def test_a_binding_describes_it() -> None:
    contract = bound(subject="text", channel="channel", idempotent=True, max_message_bytes=10)
    request = message(text="contacts/1", channel=2)
    assert (contract.read(request).subject, contract.read(request).channel) == ("contacts/1", "in_app")
    assert (contract.idempotent, contract.max_message_bytes) == (True, 10)


def test_malformed_bytes_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="malformed"):
        bound().decode(b"\xff\xff")


@pytest.mark.parametrize(
    ("path", "fields", "wanted"),
    [
        ("", {"text": "x"}, ""),
        ("text", {"text": "x"}, "x"),
        ("text", {}, ""),
        ("inner.inner.text", {}, ""),
        ("texts.a", {"texts": {"a": "x"}}, "x"),
        ("texts.b", {"texts": {"a": "x"}}, ""),
        ("inner.texts.b", {}, ""),
        ("channel", {"channel": 1}, "email"),
        ("channel", {}, ""),
        ("channel", {"channel": 77}, ""),
    ],
)
def test_a_path_reads_its_text_or_nothing(path: str, fields: dict[str, Any], wanted: str) -> None:
    request = message(**fields)
    before = request.SerializeToString()
    assert readers(request.DESCRIPTOR, {"subject": path})(request).subject == wanted
    assert request.SerializeToString() == before


@pytest.mark.parametrize(
    "path",
    ["none", "text.more", "number", "list", "list.0", "inner", "inners.text", "texts", "numbers.5", "inner.none", "."],
)
def test_a_path_to_no_single_text_is_refused_when_it_is_loaded(path: str) -> None:
    with pytest.raises(KeyError):
        readers(REQUEST, {"subject": path})
    with pytest.raises(PolicyInvalid):
        bound(subject=path)


@pytest.mark.parametrize("path", ["text", "inner.text", "texts.version", "inner.inner.texts.version"])
def test_the_version_is_written_where_it_is_read(path: str) -> None:
    contract = bound(model_version=path)
    assert contract.pin is not None
    request = contract.decode(message(number=7).SerializeToString())
    pinned: Any = contract.decode(contract.pin(request, "2"))
    assert contract.read(pinned).model_version == "2"
    assert pinned.number == 7
    assert contract.read(request).model_version == ""


def test_the_version_is_not_written_into_an_enum() -> None:
    with pytest.raises(PolicyInvalid):
        bound(model_version="channel")


def test_another_channel_is_written_by_its_name_or_refused() -> None:
    contract = bound(channel="channel")
    assert contract.put_channel is not None
    request = contract.decode(message(number=7, channel=1).SerializeToString())
    changed: Any = contract.decode(contract.put_channel(request, "in_app"))
    assert (contract.read(changed).channel, changed.number, contract.read(request).channel) == ("in_app", 7, "email")
    with pytest.raises(ValueError, match="pigeon"):
        contract.put_channel(request, "pigeon")


@pytest.mark.parametrize(
    ("path", "fields", "wanted"),
    [
        ("", {"text": "x"}, ()),
        ("text", {"text": "x"}, ("x",)),
        ("text", {}, ()),
        ("list", {"list": ["b", "a"]}, ("b", "a")),
        ("inner.list", {}, ()),
    ],
)
def test_topics_are_a_list_or_a_single_text(path: str, fields: dict[str, Any], wanted: tuple[str, ...]) -> None:
    contract = bound(topics=path)
    assert contract.topics(message(**fields)) == wanted


@pytest.mark.parametrize("path", ["none", "number", "inners.list", "inner", "list.0", "numbers"])
def test_topics_that_are_no_texts_are_a_mistake(path: str) -> None:
    with pytest.raises(PolicyInvalid):
        bound(topics=path)


@pytest.mark.parametrize(
    "encoded",
    ["?", "é", "AAAA", base64.b64encode(b"\xff" * 9).decode(), vendor_set(imports=("missing.proto",))],
)
def test_a_descriptor_set_that_cannot_be_used_is_a_mistake(encoded: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        book_of(Contract(name="vendor", descriptor_set=encoded))
    assert caught.value.mistakes[0].path == "contracts[0].descriptor_set"


def test_two_contracts_that_name_the_same_message_are_a_mistake_and_the_same_file_twice_is_none() -> None:
    one = Contract(name="one", descriptor_set=vendor_set())
    book_of(one, Contract(name="again", descriptor_set=vendor_set()))
    with pytest.raises(PolicyInvalid):
        book_of(one, Contract(name="other", descriptor_set=vendor_set("other.proto")))


def test_what_a_policy_brings_is_known_to_that_policy_alone() -> None:
    assert book_of(Contract(name="none", methods=())).pool is BOOK.pool
    own = {contract.method for contract in BOOK}
    one, other = (
        book_of(
            Contract(
                name="vendor",
                descriptor_set=vendor_set(),
                methods=(MethodBinding(method="/vendor.Service/Do", operation=operation),),
            )
        )
        for operation in (Operation.READ, Operation.WRITE)
    )
    assert len({id(book.pool) for book in (BOOK, one, other)}) == 3
    assert len({id(book.environments) for book in (BOOK, one, other)}) == 3
    assert [book.get("/vendor.Service/Do").operation for book in (one, other)] == [Operation.READ, Operation.WRITE]  # type: ignore[union-attr]
    with pytest.raises(KeyError):
        BOOK.pool.FindMessageTypeByName("vendor.Request")
    bound_anew = book_of(Contract(name="ours", methods=(MethodBinding(method=READ, operation=Operation.DELETE),)))
    assert [book.get(READ).operation for book in (bound_anew, BOOK)] == [Operation.DELETE, Operation.READ]  # type: ignore[union-attr]
    assert {contract.method for contract in book_of()} == own


def test_a_binding_to_no_method_is_a_mistake() -> None:
    for method in ("/vendor.Service/None", "/vendor.None/Do", "vendor", "", "/vendor.Request/text"):
        binding = MethodBinding(method=method, operation=Operation.READ)
        contract = Contract(name="vendor", descriptor_set=vendor_set(), methods=(binding,))
        with pytest.raises(PolicyInvalid):
            book_of(contract)


def test_the_demonstrations_inference_contract_reads_what_rules_need() -> None:
    told = demo()["contracts"][0]
    book = book_of(
        Contract(name="oip", descriptor_set=told["descriptor_set"], methods=(MethodBinding(**told["methods"][0]),))
    )
    contract = book.get(INFER)
    assert contract is not None
    request: Any = contract.decode(b"")
    request.model_name = "lead-score"
    request.parameters["subject"].string_param = "contacts/1"
    assert (contract.read(request).model, contract.read(request).subject) == ("lead-score", "contacts/1")


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("/a.v1.B/Do", True),
        ("a.v1.B/Do", True),
        ("/a.v1.*", True),
        ("a.*", True),
        ("*", True),
        ("/a.v1.B/D", False),
        ("/a.v1.B/Do*", True),
        ("/b.*", False),
        ("", False),
    ],
)
def test_a_pattern_covers_a_name_or_its_beginning(pattern: str, *, wanted: bool) -> None:
    assert method_matches(pattern, "/a.v1.B/Do") is wanted
