"""What a sentence writes decides like the sentence is read by a person, over calls of every kind."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.call import NO_ROUTE, Agent, Call, Facts, Operation
from gateway.core.limits import Context
from gateway.core.policy.document import Document
from gateway.core.pressure import cap_buckets
from gateway.core.revision.counted import cap_rules
from services.sentences import kinds
from services.sentences.engine import engine
from services.sentences.writing import write
from services.sentences.writing_conditions import condition
from tests.examples import thoroughly
from tests.policies import policy
from tests.services.sentences.strategies import PLAIN_PATHS, VALID, WORDS, caps, numbers, rules

often = thoroughly(400)
REQUEST: Final = "google.protobuf.Struct"
ORDERS: Final = {
    "above": operator.gt, "at_least": operator.ge, "below": operator.lt, "at_most": operator.le, "exactly": operator.eq,
}  # fmt: skip
few = st.sampled_from(VALID[:8])
agents = st.builds(
    Agent,
    name=few,
    tenant=st.just("acme"),
    labels=st.dictionaries(st.sampled_from(WORDS[:12]), st.sampled_from(WORDS[:12])),
)
customers = st.builds(
    Facts,
    segments=st.lists(st.sampled_from(WORDS), max_size=4, unique=True).map(tuple),
    traits=st.dictionaries(st.sampled_from(WORDS), st.sampled_from(WORDS)),
    scores=st.dictionaries(st.sampled_from(WORDS), numbers),
    consents=st.dictionaries(few, st.booleans()),
    pressure=numbers.map(abs),
)
contacts = st.builds(
    Call,
    method=st.just("/a.B/C"),
    operation=st.just(Operation.CONTACT),
    request=st.none(),
    subject_ref=st.just("ab"),
    channel=few,
    category=few,
    purpose=few,
    campaign=st.sampled_from(WORDS[:8]),
    brand=few,
    topics=st.lists(few, max_size=2, unique=True).map(tuple),
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in PLAIN_PATHS:
        _put(found, path.split("."), draw(st.integers(-3, 3) | numbers))
    return found


def _put(found: dict[str, Any], path: Sequence[str], value: float) -> None:
    first, *rest = path
    if rest:
        _put(found.setdefault(first, {}), rest, value)
    else:
        found[first] = value


def means(sentence: kinds.Calls, agent: Agent, call: Call, facts: Facts, request: Mapping[str, Any]) -> bool:
    """Whether the sentence is about that call, read word by word."""
    who = (not sentence.agents or agent.name in sentence.agents) and all(
        _is(each, agent.labels) for each in sentence.labels
    )
    what = (
        _among(call.channel, sentence.channels)
        and _among(call.category, sentence.categories)
        and _among(call.purpose, sentence.purposes)
        and _among(call.campaign, sentence.campaigns)
        and (not sentence.segments or any(each in facts.segments for each in sentence.segments))
        and not any(each in facts.segments for each in sentence.outside)
        and all(_is(each, facts.traits) for each in sentence.traits)
        and all(_compares(each, facts.scores) for each in sentence.scores)
        and (sentence.pressure is None or facts.pressure > sentence.pressure)
        and not (sentence.unagreed and facts.consents.get(call.channel, False))
        and all(ORDERS[each.order](_at(request, each.path), each.value) for each in sentence.request)
    )
    return what and (not who if isinstance(sentence, kinds.Only) else who)


def _among(value: str, values: Sequence[str]) -> bool:
    return not values or value in values


def _is(asked: kinds.Is, known: Mapping[str, str]) -> bool:
    if asked.name not in known:
        return asked.negated or asked.or_unknown
    return (known[asked.name] in asked.values) is not asked.negated


def _compares(asked: kinds.Compares, known: Mapping[str, float]) -> bool:
    return ORDERS[asked.order](known[asked.name], asked.value) if asked.name in known else asked.or_unknown


def _at(request: Mapping[str, Any], path: str) -> float:
    found: Any = request
    for step in path.split("."):
        found = found[step]
    return float(found)


@often
@given(sentence=rules, agent=agents, call=contacts, facts=customers, request=requests())
def test_a_condition_holds_just_where_the_sentence_is_about_the_call(
    sentence: kinds.Calls, agent: Agent, call: Call, facts: Facts, request: dict[str, Any]
) -> None:
    made, asked = engine(), Struct()
    asked.update(request)
    values = {
        "agent": made.agent_value(agent),
        "call": made.call_value(call),
        "facts": made.facts_value(facts),
        "request": asked,
    }
    (holds,) = made.conditions([condition(sentence)], request_type=REQUEST).evaluate(values, now_ms=0)
    assert holds is means(sentence, agent, call, facts, request)


@often
@given(sentence=caps, call=contacts, facts=customers)
def test_a_cap_counts_just_the_messages_that_the_sentence_is_about(
    sentence: kinds.Cap | kinds.Gap | kinds.Repeat, call: Call, facts: Facts
) -> None:
    (rule,) = cap_rules(msgspec.convert(policy(caps=[write(sentence, name="one").part]), Document))
    context = Context(Agent(name="a", tenant="acme"), call, NO_ROUTE, facts, {}, str, 0)
    exempt = set(sentence.exempt) - set(sentence.categories)
    covered = (
        _among(call.channel, sentence.channels)
        and _among(call.category, sentence.categories)
        and call.category not in exempt
        and _among(call.brand, sentence.brands)
        and (not sentence.topics or any(each in sentence.topics for each in call.topics))
        and (not sentence.segments or any(each in facts.segments for each in sentence.segments))
    )
    buckets = [bucket for bucket in cap_buckets(rule, context) if bucket.kind == "cap"]
    about = set(call.topics) & set(sentence.topics) if sentence.topics else set(call.topics)
    counted = len(about) if isinstance(sentence, kinds.Repeat) and sentence.same == "topic" else 1
    assert len(buckets) == (counted if covered else 0)
