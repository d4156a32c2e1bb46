"""Conditions fail closed, alone, and in words."""

import base64
import contextlib
from collections.abc import Callable

import pytest
from google.protobuf import descriptor_pb2, wrappers_pb2
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import failures
from gateway.core.call import Agent, Call, Facts, Operation, Route
from gateway.core.environments import Environments
from gateway.core.policy.serving import Contract
from gateway.core.revision.decode import Mistakes
from gateway.core.rule_mistakes import RuleMistake
from gateway.core.rules import CONDITIONS_AT_ONCE, Program, RuleEngine
from gateway.messages.contracts import ContractBook
from pilote.crm.v1.contact_service_pb2 import GetContactRequest

REQUEST = "pilote.crm.v1.GetContactRequest"
BOOK = ContractBook((), Mistakes())
ENGINE = RuleEngine(BOOK.environments, BOOK.message_class)
FAILS = 'facts.consents["email"]'


def values(facts: Facts | None = None) -> dict[str, object]:
    """What conditions see."""
    request = BOOK.message_class(REQUEST)(name="contacts/cnt_1")
    call = Call(method="/a.B/C", operation=Operation.READ, request=request, channel="email")
    return {
        "request": request,
        "agent": ENGINE.agent_value(Agent(name="bot", tenant="acme", labels={"access": "full"})),
        "call": ENGINE.call_value(call),
        "facts": ENGINE.facts_value(facts or Facts()),
        "route": ENGINE.route_value(Route(name="crm", arm="only", upstream="crm")),
    }


def evaluate(*expressions: str, facts: Facts | None = None, now_ms: int = 0) -> list[bool | str]:
    conditions = ENGINE.conditions(expressions, request_type=REQUEST)
    return conditions.evaluate(values(facts), now_ms=now_ms)


def test_conditions_see_everything_they_are_promised() -> None:
    facts = Facts(consents={"email": True}, segments=("vip",), traits={"plan": "pro"}, scores={"churn": 0.7})
    seen = (
        'request.name == "contacts/cnt_1"',
        'agent.name == "bot" && agent.labels["access"] == "full"',
        'call.operation == "READ" && call.channel == "email"',
        'facts.known && facts.consents[call.channel] && "vip" in facts.segments',
        'facts.traits["plan"] == "pro" && facts.scores["churn"] > 0.5',
        'route.arm == "only"',
        "now < timestamp('1970-01-01T00:00:02Z')",
    )
    assert evaluate(*seen, facts=facts, now_ms=1_500) == [True] * len(seen)
    assert _read(*seen, facts=facts, now_ms=1_500) == [True] * len(seen)


def _read(*expressions: str, facts: Facts, now_ms: int) -> list[bool | str]:
    """What comes of them where they are only read, in environments that have compiled nothing."""
    made: list[Program] = []
    RuleEngine(BOOK.environments, BOOK.message_class, made=made.append).conditions(expressions, request_type=REQUEST)
    reading = RuleEngine(Environments(BOOK.pool), BOOK.message_class, programs=iter(made))
    found = reading.conditions(expressions, request_type=REQUEST).evaluate(values(facts), now_ms=now_ms)
    assert len(made) == len(list(reading.programs()))
    return found


def test_without_conditions_there_is_nothing_to_evaluate() -> None:
    assert evaluate() == []


def test_a_failing_condition_gives_its_reason_and_leaves_the_others_alone() -> None:
    before, failed, after = evaluate("true", FAILS, "false")
    assert (before, after) == (True, False)
    assert isinstance(failed, str)
    assert failed == 'a map has no such key: "email"'


def test_an_error_that_logic_absorbs_is_no_failure() -> None:
    assert evaluate(f"true || {FAILS}", f"false && {FAILS}") == [True, False]


def test_a_comment_at_the_end_of_a_condition_ends_with_it() -> None:
    assert evaluate("true // why", "false // and why not", "true") == [True, False, True]


@pytest.mark.parametrize("failing", [0, CONDITIONS_AT_ONCE - 1, CONDITIONS_AT_ONCE, 2 * CONDITIONS_AT_ONCE])
def test_more_conditions_than_go_into_one_expression_keep_their_order(failing: int) -> None:
    expressions = ["true" if n % 3 else "false" for n in range(2 * CONDITIONS_AT_ONCE + 1)]
    wanted: list[bool | str] = [text == "true" for text in expressions]
    assert evaluate(*expressions) == wanted
    expressions[failing] = FAILS
    found = evaluate(*expressions)
    assert isinstance(found[failing], str)
    assert found[:failing] + found[failing + 1 :] == wanted[:failing] + wanted[failing + 1 :]


def test_many_long_conditions_are_more_than_one_expression_and_keep_their_order() -> None:
    long = " || ".join(f'agent.name == "{"x" * 40}{n}"' for n in range(60))
    expressions = [f"{long} || {'true' if n % 3 else 'false'}" for n in range(CONDITIONS_AT_ONCE)]
    assert evaluate(*expressions) == [bool(n % 3) for n in range(CONDITIONS_AT_ONCE)]


@pytest.mark.parametrize(
    "expression", ["agent.name", "1", "[true]", "dyn(true)", "null", "{}", "true, false", "true) || (true", ""]
)
def test_what_is_no_condition_is_refused(expression: str) -> None:
    with pytest.raises(RuleMistake):
        ENGINE.compile(expression, request_type=REQUEST)


def test_a_mistake_says_where_it_is() -> None:
    with pytest.raises(RuleMistake) as caught:
        ENGINE.compile("true &&\n    agent.nam == ''", request_type=REQUEST)
    (flaw,) = caught.value.flaws
    assert (flaw.what.code, flaw.what.values["name"], flaw.at, flaw.meant) == (
        *("expression-field", "nam"),
        *((2, 10), "name"),
    )


def test_a_comparison_of_two_kinds_of_numbers_tells_how_to_write_it() -> None:
    with pytest.raises(RuleMistake, match="expression-numbers"):
        ENGINE.compile('facts.scores["churn"] > 1', request_type=REQUEST)


@given(st.text(max_size=60))
def test_no_text_crashes_the_compiler(expression: str) -> None:
    with contextlib.suppress(RuleMistake):
        ENGINE.compile(expression, request_type=REQUEST)


@given(st.lists(st.sampled_from(["true", "false", FAILS, "agent.name == 'x' // no"]), max_size=150))
def test_together_conditions_answer_what_each_answers_alone(expressions: list[str]) -> None:
    alone = [evaluate(expression)[0] for expression in dict.fromkeys(expressions)]
    answers = dict(zip(dict.fromkeys(expressions), alone, strict=True))
    assert evaluate(*expressions) == [answers[expression] for expression in expressions]


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("facts.traits[request.name] == 'x'", failures.NO_KEY),
        ("facts.consents['contacts/cnt_1'] || facts.consents[request.name]", f'{failures.NO_KEY}: "contacts/cnt_1"'),
        ("1 / (size(request.name) - size(request.name)) == 1", failures.BY_ZERO),
        ("5 % (size(request.name) - size(request.name)) == 1", failures.BY_ZERO),
        ("size(request.name) + 9223372036854775807 == 1", failures.OUT_OF_RANGE),
        ("now + duration('87600h') > now + duration('2000000h') + duration('80000000h')", failures.OUT_OF_RANGE),
        ("facts.segments[size(request.name)] == 'x'", failures.NO_ELEMENT),
        ("int(request.name) == 1", failures.NOT_CONVERTED),
        ("timestamp(request.name) < now", failures.NOT_CONVERTED),
        ("request.name.matches(request.name + '(')", failures.NO_PATTERN),
        ("now.getHours(request.name) == 1", failures.NO_ZONE),
        ("dyn(request.name) + 1 == 1", failures.TYPES_DIFFER),
    ],
)
def test_what_a_condition_says_when_it_fails_quotes_nothing_of_the_request(expression: str, error: str) -> None:
    assert evaluate(expression) == [error]
    assert error in failures._FRENCH or error.partition(": ")[0] in failures._FRENCH


SNIPPETS = [
    *("true", "agent.name == 'a'", 'agent.name == "("', "1", "dyn(true)", "true) || (true", "true), (true", "nothing"),
    *(
        '"',
        "'",
        '"""',
        "true || '''",
        "true // no",
        "// only",
        "r'\\'",
        "agent.name == '\\''",
        "[true][0]",
        "[",
        "]",
        ")(",
    ),
    *("true\n", "/", "/*", 'agent.name != ""', "{'a': true}.a", "{", "request.name.matches('[(]')"),
]


@given(st.lists(st.sampled_from(SNIPPETS), min_size=1, max_size=6))
def test_what_is_compiled_together_is_good_exactly_where_it_is_good_alone(expressions: list[str]) -> None:
    alone, engine = (RuleEngine(BOOK.environments, BOOK.message_class) for _ in range(2))
    engine.prove(expressions, request_type=REQUEST)
    for expression in expressions:
        assert _good(engine.check, expression) == _good(alone.compile, expression), expression


def _good(compiles: Callable[..., object], expression: str) -> bool:
    try:
        compiles(expression, request_type=REQUEST)
    except RuleMistake:
        return False
    return True


def test_a_boolean_that_may_be_unset_is_a_failure_where_it_is() -> None:
    files = descriptor_pb2.FileDescriptorSet()
    wrappers_pb2.DESCRIPTOR.CopyToProto(files.file.add())
    vendor = files.file.add(name="vendor.proto", package="vendor", dependency=["google/protobuf/wrappers.proto"])
    thing = vendor.message_type.add(name="Thing")
    kind = descriptor_pb2.FieldDescriptorProto
    thing.field.add(
        name="sure", number=1, type=kind.TYPE_MESSAGE, label=kind.LABEL_OPTIONAL, type_name=".google.protobuf.BoolValue"
    )
    book = ContractBook(
        [Contract(name="vendor", descriptor_set=base64.b64encode(files.SerializeToString()).decode())], Mistakes()
    )
    engine = RuleEngine(book.environments, book.message_class)
    conditions = engine.conditions(["true", "request.sure"], request_type="vendor.Thing")
    unset = book.message_class("vendor.Thing")()
    assert conditions.evaluate({**values(), "request": unset}, now_ms=0) == [True, failures.NO_ANSWER]


def test_messages_of_the_stubs_are_not_those_of_the_book_and_so_never_reach_a_rule() -> None:
    assert not isinstance(GetContactRequest(), type(values()["request"]))
