"""Whatever comes, a reader gives what it promises or raises what it documents, and takes no longer than it may."""

import base64
import json
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import pytest
from google.protobuf import descriptor_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.openai.server_events import EventTooLong, ServerEvents
from gateway.core.errors import CallEnded, Reason
from gateway.core.policy.serving import Contract
from gateway.core.revision.decode import Mistakes, PolicyInvalid
from gateway.core.rule_mistakes import RuleMistake
from gateway.core.rules import RuleEngine
from gateway.messages.contracts import ContractBook
from services.audit.filters.filter import parse
from services.crm.connectors.expressions import Expression, Unfit, path_template, template
from services.crm.connectors.reading import VENDORS, read
from tests.core.test_rules import values
from tests.fuzzing.damaging import damaged, damaged_text
from tests.gateway.test_contracts import vendor_set

E = TypeVar("E", bound=Exception)

LONGEST_SECONDS: Final = 2.0
"""CPU for one input, which is far above what any takes: nothing that is small may keep a process busy."""
REQUEST: Final = "pilote.crm.v1.GetContactRequest"
BOOK: Final = ContractBook((), Mistakes())
ENGINE: Final = RuleEngine(BOOK.environments, BOOK.message_class)

FILTERS: Final = (
    'verdict = DENY AND agent = "sales-bot"',
    'NOT (rule : "quiet" OR time >= "2026-11-01T00:00:00Z") AND latency_ms > 12.5',
    'customer("contacts/1") AND reasons:CAP_EXCEEDED method = "/pilote.crm.v1.*"',
)
CONDITIONS: Final = (
    'agent.labels["access"] == "full" && request.name.startsWith("contacts/")',
    'facts.segments.exists(each, each in ["vip", "new"]) || now.getHours("Europe/Paris") < 20',
    "[1, 2, 3].map(each, each * 2).filter(each, each > 2).size() > 1 ? true : has(request.name)",
)
EXPRESSIONS: Final = (
    "records[?type == `contact`].{name: name, mail: emails[0].value} | [0]",
    "join(', ', sort_by(items, &age)[*].to_string(age))",
    "replace(name, 'contacts/', '') && lower(split(mail, '@')[1])",
)
DESCRIPTORS: Final = (base64.b64decode(vendor_set()), base64.b64decode(vendor_set("a.proto", package="b")))
EVENTS: Final = (b'data: {"a": 1}\n\ndata: [DONE]\n\n', b"\xef\xbb\xbfevent: x\r\ndata:a\r\ndata:b\r\n\r\n: c\n\n")
CONNECTORS: Final = tuple(file.read_text("utf-8") for file in sorted(VENDORS.glob("*.yaml")))


@contextmanager
def quick() -> Iterator[None]:
    """It is over soon, however it ends. What Python warns of, such as an old way to write a text, is no error."""
    began = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            yield
    finally:
        assert time.process_time() - began < LONGEST_SECONDS


@contextmanager
def refused(kind: type[E]) -> Iterator[list[E]]:
    """Holds what it was refused with, of the kind that is documented; nothing else is caught."""
    found: list[E] = []
    try:
        yield found
    except kind as error:
        found.append(error)


def reads_a_filter(text: str) -> None:
    with refused(CallEnded) as ended:
        parse(text)
    assert not ended or ended[0].reason is Reason.ARGUMENT_INVALID


def reads_a_condition(text: str) -> None:
    try:
        ENGINE.check(text, request_type=REQUEST)  # as a policy's are, before anything else
        condition = ENGINE.conditions([text], request_type=REQUEST)
    except RuleMistake:
        return
    for verdict in condition.evaluate(values(), now_ms=0):
        assert isinstance(verdict, bool | str | tuple) or verdict is not None


def reads_a_template(text: str) -> None:
    context = {"name": "contacts/1", "mail": "a@b", "items": [{"age": 1}, {"age": None}], "records": []}
    for make in (Expression, lambda each: template({"a": [f"={each}"]}), path_template):
        try:
            made: Callable[[Any], Any] = make(text)
            made(context)
        except (ValueError, Unfit):
            continue


def reads_a_connector(text: str) -> None:
    with refused(PolicyInvalid) as invalid:
        read(text)
    assert not invalid or invalid[0].mistakes


@pytest.mark.parametrize("pattern", ["a{99999999999999999999}", "(" * 3_000 + ")" * 3_000, "[", "(?<", "*"])
def test_a_pattern_that_is_none_is_a_mistake_of_its_variable(pattern: str) -> None:
    connector = CONNECTORS[0].replace("\nvariables:", "\nvariables:\n  odd: {pattern: PATTERN}", 1)
    if "PATTERN" not in connector:
        connector += "\nvariables:\n  odd: {pattern: PATTERN}\n"
    with pytest.raises(PolicyInvalid) as caught:
        read(connector.replace("PATTERN", json.dumps(pattern)))
    assert "variables.odd.pattern" in {each.path for each in caught.value.mistakes}


def reads_a_descriptor(content: bytes) -> None:
    mistakes = Mistakes()
    ContractBook((Contract(name="vendor", descriptor_set=base64.b64encode(content).decode()),), mistakes)
    with refused(PolicyInvalid) as invalid:
        mistakes.raise_if_any()
    assert all(mistake.path.startswith("contracts[0]") for each in invalid for mistake in each.mistakes)


def reads_events(content: bytes, cuts: list[int]) -> None:
    """The same events however the bytes are cut, and never more in memory than is allowed."""
    pieces = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    whole, parts = ServerEvents(longest=500), ServerEvents(longest=500)
    found: list[bytes] = []
    try:
        for piece in pieces:
            found += parts.feed(piece)
            assert len(parts._rest) + parts._held <= 500
        assert found == whole.feed(content)
    except EventTooLong:
        assert len(content) > 500


@st.composite
def misshapen(draw: st.DrawFn) -> bytes:
    """A descriptor set that can be decoded and says things that no compiler would."""
    found = descriptor_pb2.FileDescriptorSet.FromString(draw(st.sampled_from(DESCRIPTORS)))
    (file,) = found.file
    names = st.sampled_from(("", ".", "Request", ".vendor.Request", "a b", "é", "x" * 300, "Request.TextsEntry"))
    fields = file.message_type[0].field
    for field in draw(st.lists(st.sampled_from(list(fields)), max_size=3)):
        field.number = draw(st.sampled_from((0, -1, 1, 19_000, 2**29, 2**31 - 1)))
        field.name = draw(names)
        field.type_name = draw(names)
        field.type = draw(st.sampled_from(descriptor_pb2.FieldDescriptorProto.Type.values()))
        field.label = draw(st.sampled_from(descriptor_pb2.FieldDescriptorProto.Label.values()))
    if draw(st.booleans()):
        file.message_type.add(name=draw(names)).nested_type.add(name=draw(names))
    if draw(st.booleans()):
        file.service[0].method.add(name=draw(names), input_type=draw(names), output_type=draw(names))
    if draw(st.booleans()):
        file.dependency.append(draw(st.sampled_from((file.name, "", "google/protobuf/any.proto", "none.proto"))))
    file.syntax, file.package = draw(st.sampled_from(("proto2", "proto3", "editions", "?"))), draw(names)
    return found.SerializeToString()


READERS: Final[dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]]] = {
    "filter": (damaged_text(FILTERS), reads_a_filter),
    "condition": (damaged_text(CONDITIONS), reads_a_condition),
    "template": (damaged_text(EXPRESSIONS), reads_a_template),
    "connector": (damaged_text(CONNECTORS), reads_a_connector),
    "descriptor": (misshapen() | damaged(DESCRIPTORS) | st.binary(max_size=200), reads_a_descriptor),
    "events": (
        (damaged(EVENTS) | st.binary(max_size=900)).flatmap(
            lambda content: st.tuples(st.just(content), st.lists(st.integers(0, len(content)), max_size=6).map(sorted))
        ),
        lambda drawn: reads_events(*drawn),
    ),
}


def _whatever(reader: str, examples: int) -> None:
    drawn, reads = READERS[reader]

    @given(drawn)
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    def whatever(content: Any) -> None:
        with quick():
            reads(content)

    whatever()


@pytest.mark.parametrize("reader", READERS)
def test_whatever_comes_only_the_documented_errors_come_of_it(reader: str) -> None:
    _whatever(reader, 60)


@pytest.mark.integration
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("reader", READERS)
def test_however_much_comes_only_the_documented_errors_come_of_it(reader: str) -> None:
    _whatever(reader, 5_000)


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        ("filter", "(" * 3_000),
        ("filter", "NOT " * 900 + "a"),
        ("filter", "-" * 3_999),
        ("condition", "(" * 5_000),
        ("condition", "!" * 5_000 + "true"),
        ("condition", "[[1,2,3,4,5,6,7,8,9]].all(a, " * 20 + "true" + ")" * 20),
        ("template", "[" * 5_000),
        ("template", "a" + ".a" * 5_000),
        ("template", "!" * 5_000 + "a"),
        ("connector", "{" * 5_000),
        ("connector", "- " * 3_000 + "a"),
        ("connector", "a: &a [1]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]"),
    ],
)
def test_depth_and_doubling_end_in_an_error(reader: str, text: str) -> None:
    with quick():
        READERS[reader][1](text)
