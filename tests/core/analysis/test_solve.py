"""Whatever is said to be impossible is impossible for the engine too, over every assignment of a small world."""

import datetime
import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cel_expr_python import cel
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.analysis.formula import ERROR, FALSE, TRUE, comes_to, conj
from gateway.core.analysis.solve import Domain, Known, satisfiable
from gateway.core.analysis.syntax import Node, parse
from gateway.core.call import Agent, Call, Facts, Operation, Route
from gateway.core.conditions import VARIABLES
from gateway.core.revision.decode import Mistakes
from gateway.core.rules import RuleEngine
from gateway.messages.contracts import ContractBook

REQUEST = "pilote.crm.v1.UpdateDealRequest"
BOOK = ContractBook((), Mistakes())
ENGINE = RuleEngine(BOOK.environments, BOOK.message_class)
AGENTS = (
    Agent(name="a", tenant="acme", labels={"access": "read"}),
    Agent(name="b", tenant="acme", labels={"access": "write"}),
    Agent(name="c", tenant="globex"),
)
KNOWN = Known(
    rows={
        "agent": tuple(
            {"agent.name": each.name, "agent.tenant": each.tenant, "agent.version": ""}
            | {f'agent.labels["{key}"]': value for key, value in each.labels.items()}
            for each in AGENTS
        )
    },
    domains={
        "call.channel": Domain(frozenset({"", "email", "sms"})),
        "call.category": Domain(shape=re.compile("[a-z]*")),
    },
)
NOTHING_KNOWN = Known()
ATOMS = [
    *('agent.name == "a"', 'agent.name != "b"', 'agent.name in ["a", "c"]', 'agent.name == "nobody"'),
    *(
        'agent.tenant == "acme"',
        'agent.labels["access"] == "read"',
        '"access" in agent.labels',
        "has(agent.labels.access)",
    ),
    *('call.channel == "email"', 'call.channel != ""', 'call.channel.startsWith("e")', '"sms" == call.channel'),
    *('call.channel.contains("m")', 'call.channel.endsWith("s")', 'call.channel < "f"', 'call.channel.matches("s.s")'),
    *('call.category == "News"', 'call.category in ["News", "news"]'),
    *("request.deal.amount_cents > 5", "request.deal.amount_cents <= 5", "5 > request.deal.amount_cents"),
    *("request.deal.amount_cents == 6", "request.deal.amount_cents in [5, 7]", "10 / request.deal.amount_cents == 2"),
    *('facts.consents["email"]', 'facts.consents["email"] == false', '"email" in facts.consents', "facts.known"),
    *('facts.scores["churn"] > 0.5', 'facts.scores["churn"] < 0.5', 'facts.scores["churn"] == 0.5'),
    *('facts.scores["churn"] >= 0.5', "has(facts.scores.churn)"),
    *('now < timestamp("2026-01-01T00:00:00Z")', 'now >= timestamp("2026-01-01T01:00:00+01:00")'),
    *('now < timestamp("2026-01-01T00:30:00Z")', 'now < timestamp("2025-12-31T19:00:00.5-05:00")'),
    *("5 <= request.deal.amount_cents", "5 < request.deal.amount_cents"),
    *('now > timestamp("no time")', "true", "false", '"vip" in facts.segments', 'facts.segments.exists(s, s == "vip")'),
]
EXPRESSIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda a: f"!({a})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"(({t[0]}) ? ({t[1]}) : ({t[2]}))"),
    ),
    max_leaves=6,
)


def worlds() -> Iterator[dict[str, Any]]:
    """Every assignment of a small world that `KNOWN` tells the truth about."""
    before, after = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2025, 2026))
    facts = [
        Facts(known=consents is not None, segments=("vip",) * (churn is None), consents=consents or {}, scores=scores)
        for consents in (None, {"email": True}, {"email": False})
        for churn in (None, 0.4, 0.5, 0.6, math.nan)
        for scores in ({} if churn is None else {"churn": churn},)
    ]
    request_class: Any = BOOK.message_class(REQUEST)
    for agent, channel, amount, known, now in itertools.product(
        AGENTS, ("", "email", "sms"), (0, 5, 6, 7), facts, (before, after)
    ):
        request = request_class()
        request.deal.amount_cents = amount
        category = "news" if amount else ""
        call = Call(method="/a.B/C", operation=Operation.WRITE, request=request, channel=channel, category=category)
        yield {
            "request": request,
            "agent": ENGINE.agent_value(agent),
            "call": ENGINE.call_value(call),
            "facts": ENGINE.facts_value(known),
            "route": ENGINE.route_value(Route(name="crm", arm="only", upstream="crm")),
            "now": now,
        }


def _environment() -> Any:
    variables = {name: cel.Type(kind) for name, kind in VARIABLES.items()}
    return cel.NewEnv(BOOK.pool, variables=variables | {"request": cel.Type(REQUEST), "now": cel.Type.TIMESTAMP})


ENVIRONMENT = _environment()
WORLDS = [ENVIRONMENT.Activation(values) for values in worlds()]


def tree(expression: str) -> Node:
    return parse(ENGINE.checked(expression, request_type=REQUEST))


def outcomes(expression: str) -> list[str]:
    """What the engine says in every world."""
    program = ENVIRONMENT.compile(expression)
    results = (program.eval(world) for world in WORLDS)
    return [ERROR if r.type() == cel.Type.ERROR else TRUE if r.plain_value() else FALSE for r in results]


def may(expression: str, *wanted: str, known: Known = KNOWN) -> bool:
    return satisfiable(comes_to(tree(expression), frozenset(wanted)), known)


@settings(max_examples=300)
@given(EXPRESSIONS)
def test_what_can_never_be_never_is(expression: str) -> None:
    seen = set(outcomes(expression))
    for known in (KNOWN, NOTHING_KNOWN):
        impossible = {each for each in (TRUE, FALSE, ERROR) if not may(expression, each, known=known)}
        assert not impossible & seen
        for pair in itertools.combinations((TRUE, FALSE, ERROR), 2):
            assert may(expression, *pair, known=known) or not seen & set(pair)


@settings(max_examples=200)
@given(EXPRESSIONS, EXPRESSIONS)
def test_what_follows_always_follows(first: str, second: str) -> None:
    one, other = outcomes(first), outcomes(second)
    holds, fails = comes_to(tree(first), frozenset({TRUE})), comes_to(tree(second), frozenset({FALSE, ERROR}))
    if not satisfiable(conj(holds, fails), KNOWN):
        assert all(b == TRUE for a, b in zip(one, other, strict=True) if a == TRUE)


def test_of_every_two_comparisons_what_cannot_be_together_never_is() -> None:
    seen = {atom: outcomes(atom) for atom in ATOMS}
    trees = {atom: tree(atom) for atom in ATOMS}
    for one, other in itertools.combinations(ATOMS, 2):
        together = set(zip(seen[one], seen[other], strict=True))
        for first, second in together:
            both = conj(comes_to(trees[one], frozenset({first})), comes_to(trees[other], frozenset({second})))
            assert satisfiable(both, KNOWN), (one, first, other, second)


COMPLETE = [
    each for each in ATOMS if re.match("[!(]*(agent|has|call.channel|facts.(consents|scores)|true|false)", each)
    and not re.search("matches|<", each)
]  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.sampled_from(COMPLETE), min_size=1, max_size=4))
def test_of_comparisons_everything_impossible_is_found(atoms: list[str]) -> None:
    """Where the small world has a value of every kind, what never holds in it is said to be impossible."""
    expression = " && ".join(f"({atom})" for atom in atoms)
    assert may(expression, TRUE) == (TRUE in outcomes(expression))


NEVER = [
    'agent.name == "a" && agent.name == "b"',
    'agent.name == "nobody"',
    'agent.name == "a" && agent.labels["access"] == "write"',
    'agent.labels["access"] == "admin"',
    '!has(agent.labels.access) && agent.labels["access"] == "read"',
    'call.channel == "fax"',
    'call.category == "News"',
    'call.channel.startsWith("em") && call.channel.startsWith("s")',
    'request.deal.title.startsWith("ab") && !request.deal.title.startsWith("a")',
    'request.deal.title.startsWith("ab") && request.deal.title == "b"',
    'request.deal.title in ["x", "y"] && !(request.deal.title in ["y", "x", "z"])',
    "request.deal.amount_cents > 5 && request.deal.amount_cents < 6",
    "request.deal.amount_cents > 9223372036854775807",
    "5 < 3 || false",
    'facts.scores["churn"] > 0.9 && facts.scores["churn"] <= 0.1',
    'facts.consents["email"] && !facts.consents["email"]',
    'now > timestamp("2026-02-01T00:00:00Z") && now < timestamp("2026-01-01T00:00:00Z")',
    "request.deal.stage == pilote.crm.v1.DealStage.DEAL_STAGE_WON && request.deal.stage == 0",
    "has(request.deal) && !has(request.deal)",
    'facts.segments.exists(s, s == "vip") && !facts.segments.exists(t, t == "vip") && false',
    'facts.segments.exists(s, s == "vip") && !facts.segments.exists(s, s == "vip")',
    '(agent.name == "a" ? call.channel == "fax" : agent.name == "a")',
    'facts.traits["plan"] == "pro" && !("plan" in facts.traits)',
    'facts.traits["plan"].startsWith("p") && !has(facts.traits.plan)',
]


@pytest.mark.parametrize("expression", NEVER)
def test_conditions_that_can_never_hold_are_seen(expression: str) -> None:
    assert not may(expression, TRUE)
    assert TRUE not in outcomes(expression)


@pytest.mark.parametrize(
    "expression",
    [
        'facts.consents["email"] || !facts.consents["email"]',
        'facts.scores["churn"] != facts.scores["churn"]',
        '!("email" in facts.consents)',
        'request.deal.title.startsWith("a") && request.deal.title.endsWith("b") && request.deal.title.contains("c")',
        "request.deal.amount_cents > 5 && request.deal.amount_cents < 7",
        'facts.segments.exists(s, s == "vip") && !facts.segments.exists(s, s == "new")',
        '!(facts.scores["churn"] < 0.5) && !(facts.scores["churn"] >= 0.5)',
        'call.channel.matches("e.*") && !call.channel.startsWith("e")',
    ],
)
def test_what_may_be_is_left_alone(expression: str) -> None:
    assert may(expression, TRUE)


def test_a_search_that_takes_too_long_says_that_it_may_be() -> None:
    parts = [f'(request.deal.title.contains("{n}") || request.deal.owner.contains("{n}"))' for n in range(40)]
    never = 'request.deal.title.contains("x") == (!request.deal.title.contains("x"))'
    assert may(" && ".join([*parts, never]), TRUE)


def test_what_is_no_checked_expression_is_said_so() -> None:
    with pytest.raises(ValueError, match="no checked expression"):
        parse(b"\x0a\xff")
