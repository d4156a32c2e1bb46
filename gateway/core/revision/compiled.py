"""A revision ready to answer: rules compiled and indexed by method, names resolved, durations in milliseconds."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from gateway.core.call import Agent, Operation
from gateway.core.cells import share_of
from gateway.core.conditions import Conditions
from gateway.core.consent_rules import ConsentRule, consent_rule
from gateway.core.contract import MethodContract, Take
from gateway.core.experiments import HoldoutRule
from gateway.core.keys import Cell, cell
from gateway.core.limits import LimitRule
from gateway.core.lineage import LineageRule
from gateway.core.mistakes import told
from gateway.core.objectives import ObjectiveRule, objective_rules, of_method
from gateway.core.policy.callers import Issuer
from gateway.core.policy.contacts import QuietHours
from gateway.core.policy.counting import Limit
from gateway.core.policy.document import Document
from gateway.core.policy.ruling import Rule
from gateway.core.policy.upstreams import Upstream
from gateway.core.policy.vocabulary import cited, clock_minute, duration_ms
from gateway.core.pressure import CapRule, ScoreRule
from gateway.core.quiet_hours import OpenHours, QuietRule
from gateway.core.record import Obligation
from gateway.core.retention import RetentionRule, retention_rules
from gateway.core.revision import counted, expressions
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.redacting import check_redaction, obligations, takes
from gateway.core.revision.serving import Serving, holdouts_of
from gateway.core.routing import RouteRule, Routing
from gateway.core.rule_mistakes import RuleMistake
from gateway.core.rules import RuleEngine, unresting
from gateway.core.sequences import StepRule
from gateway.core.used import NOTHING, Used, paths_of, used_by
from gateway.core.zones import DAYS

DEFERRED_AT_MOST: Final = "3d"
"""How long quiet hours keep a call where they do not say so themselves."""

_Part = TypeVar("_Part", Rule, Limit)


class MethodPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """All that applies to one method, so that the cost of a call grows with matching rules only."""

    contract: MethodContract
    rules: tuple[Rule, ...]
    conditions: Conditions
    routing: Routing
    limits: tuple[LimitRule, ...]
    caps: tuple[CapRule, ...]
    takes: Mapping[str, Mapping[str, Take]]
    """What redacting rules do to its "request" and its "reply", by the rule's name."""
    autonomy: Mapping[str, str]
    """How far agents go by themselves here, by their names; those that go all the way are left out."""
    score: ScoreRule | None = None
    reads_facts: bool = True
    """Whether anything about this method depends on what is known of the subject."""
    survives: bool = False
    """Whether a limit or cap lets calls through while the store is down."""
    reads_pressure: bool = False
    """Whether an expression of this method looks at `facts.pressure`, which has to be read anew for each call."""
    used: Used = NOTHING
    """What its conditions read of requests and facts, for the record."""
    obligations: Mapping[str, Obligation] = {}
    """What its redacting rules take out, by the rule's name."""
    retention: tuple[RetentionRule, ...] = ()
    """The classes that its records may belong to, the first that fits counts."""
    steps: tuple[StepRule, ...] = ()
    """Of sequences, the second steps first: they look before the call leaves marks of its own."""
    objectives: tuple[ObjectiveRule, ...] = ()
    """Those that its calls may serve; the first that fits counts."""
    reads_objective: bool = False
    """Whether an expression of this method looks at `objective`."""

    @property
    def routes(self) -> tuple[RouteRule, ...]:
        """The routes that its calls may take, in the document's order."""
        return self.routing.rules


class Revision(msgspec.Struct, frozen=True, kw_only=True, weakref=True):
    """One published policy, compiled. `number` counts from 1; `sha256` names its canonical JSON."""

    number: int
    sha256: str
    document: Document
    engine: RuleEngine
    methods: Mapping[str, MethodPolicy]
    agents_by_key: Mapping[str, Agent]
    """By the SHA-256 of the key, 64 hexadecimal digits."""
    agents_by_token: Mapping[tuple[str, str], Agent]
    """By (issuer's name, value of its agent claim)."""
    agents_by_name: Mapping[str, Agent]
    """Those that can identify themselves."""
    agent_values: Mapping[str, object]
    """Each agent as rules see it, by name."""
    issuers: Mapping[str, Issuer]
    """By the `iss` claim."""
    upstreams: Mapping[str, Upstream]
    score: ScoreRule | None
    quiet_hours: tuple[QuietRule, ...]
    """In the order of the document; they are about contacts only."""
    consents: tuple[ConsentRule, ...]
    """Like the quiet hours."""
    holdouts: tuple[HoldoutRule, ...]
    lineage: LineageRule
    hold_ms: int
    """How long a call waits for a person at most."""
    replay_share: int
    """Of how many decisions the inputs are kept, in basis points."""
    max_holds: int
    """How many calls of a tenant wait at a time at most."""
    tenants: tuple[str, ...]
    cells: Mapping[str, int]
    """How many cells each tenant has that has more than one."""
    divided: frozenset[str]
    """Names of the limits that the cells of a tenant share out: those that do not count by subject."""
    pool: object
    """The descriptor pool of its contracts, opaque here."""

    def agent(self, name: str) -> Agent | None:
        """The agent of that name."""
        return self.agents_by_name.get(name)

    @property
    def all_cells(self) -> tuple[Cell, ...]:
        """All cells of all tenants."""
        return tuple(each for tenant in self.tenants for each in self.cells_of(tenant))

    def cells_of(self, tenant: str) -> tuple[Cell, ...]:
        """All cells of a tenant."""
        return tuple(cell(tenant, number) for number in range(self.cells.get(tenant, 1)))

    def holds_of(self, tenant: str) -> int:
        """How many calls may wait in each cell of a tenant at a time."""
        return share_of(self.max_holds, self.cells.get(tenant, 1))

    @property
    def services(self) -> tuple[str, ...]:
        """Full names of all services with a described method, sorted."""
        return tuple(
            sorted({name[1:].partition("/")[0] for name, each in self.methods.items() if not each.contract.http})
        )


def check_compiling(
    document: Document, contracts: Sequence[MethodContract], *, engine: RuleEngine, mistakes: Mistakes
) -> None:
    """Compile everything that the document says in CEL, over these contracts; what is good is kept by the engine.

    Raises:
        PolicyInvalid: when something does not compile, or anything was reported to `mistakes` before.
    """
    covering = _Covering(contracts, rest=unresting)
    rules = covering.by_method(document.rules)
    # First what every method needs: who reads programs as they are made would wait for it.
    expressions.check_expressions(document, contracts, engine=engine, mistakes=mistakes)
    for contract in contracts:
        engine.prove([rule.when for rule in rules[contract.method]], request_type=contract.request_type)
    _check_rules(document, covering, engine=engine, mistakes=mistakes)
    mistakes.raise_if_any()


def compile_revision(
    document: Document,
    contracts: Sequence[MethodContract],
    *,
    engine: RuleEngine,
    holidays: Mapping[str, frozenset[dt.date]],
    number: int,
    sha256: str,
    rest: Callable[[], None] = unresting,
) -> Revision:
    """The revision that `document` describes, over these contracts. `holidays` are the public ones, by country.

    It has no mistakes: they were looked for before. `rest` is called often, between small steps.
    """
    covering = _Covering(contracts, rest=rest)
    rules, limits = covering.by_method(document.rules), covering.by_method(document.limits)
    serving = Serving(document)
    objectives = objective_rules(document.objectives)
    agents = {
        agent.name: Agent(
            name=agent.name,
            tenant=agent.tenant,
            version=agent.version,
            prompt=agent.prompt or "",
            priority=agent.priority,
            labels=agent.labels,
        )
        for agent in document.agents
    }
    return Revision(
        number=number,
        sha256=sha256,
        document=document,
        engine=engine,
        methods={
            contract.method: _method_policy(
                contract,
                document,
                engine=engine,
                serving=serving,
                rules=rules[contract.method],
                limits=limits[contract.method],
                objectives=of_method(objectives, contract),
                rest=rest,
            )
            for contract in contracts
        },
        agents_by_key={key.sha256: agents[agent.name] for agent in document.agents for key in agent.keys},
        agents_by_token={
            (token.issuer, token.subject): agents[agent.name] for agent in document.agents for token in agent.tokens
        },
        agents_by_name={name: agents[name] for name in _identified(document)},
        agent_values={name: engine.agent_value(agent) for name, agent in agents.items()},
        issuers={issuer.issuer: issuer for issuer in document.issuers},
        upstreams={upstream.name: upstream for upstream in document.upstreams},
        pool=engine.pool,
        score=None if document.pressure is None else counted.score_rule(document.pressure),
        quiet_hours=tuple(_quiet_rule(hours, holidays) for hours in document.quiet_hours),
        consents=tuple(consent_rule(part) for part in document.consents),
        holdouts=holdouts_of(document),
        lineage=LineageRule(
            document.lineage,
            document.models,
            keep_ms=duration_ms(document.lineage.keep) if document.lineage.keep is not None else 0,
        ),
        hold_ms=duration_ms(document.holds.expires),
        replay_share=document.replay.share,
        max_holds=document.holds.max_open,
        tenants=tuple(sorted({agent.tenant for agent in document.agents})),
        cells={tenant.name: tenant.cells for tenant in document.tenants if tenant.cells > 1},
        divided=frozenset(
            (
                *(limit.name for limit in document.limits if "subject" not in limit.by),
                *(bucket.limit for objective in objectives for bucket in objective.buckets),
            )
        ),
    )


class _Covering:
    """Which methods a rule or limit covers. Parts that name the same methods and operations are looked up once."""

    def __init__(self, contracts: Sequence[MethodContract], *, rest: Callable[[], None]) -> None:
        self._contracts = contracts
        self._rest = rest
        self._found: dict[object, tuple[MethodContract, ...]] = {}

    def of(self, part: Rule | Limit) -> tuple[MethodContract, ...]:
        """The contracts it covers, in their order."""
        key = (part.methods, part.operations)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = tuple(each for each in self._contracts if counted.applies(part, each))
        return found

    def by_method(self, parts: Sequence[_Part]) -> Mapping[str, tuple[_Part, ...]]:
        """The parts that cover each method, in the document's order."""
        found: dict[str, list[_Part]] = {contract.method: [] for contract in self._contracts}
        for part in parts:
            self._rest()
            for contract in self.of(part):
                found[contract.method].append(part)
        return {method: tuple(covering) for method, covering in found.items()}


def _check_rules(document: Document, covering: _Covering, *, engine: RuleEngine, mistakes: Mistakes) -> None:
    for index, rule in enumerate(document.rules):
        path: Path = ("rules", index, "when")
        applies = covering.of(rule)
        if not applies and not mistakes.under("contracts"):
            mistakes.add(path[:2], "rule-covers-nothing", name=rule.name)
        check_redaction(rule, path[:2], applies=applies, mistakes=mistakes)
        for request_type in dict.fromkeys(contract.request_type for contract in applies):
            try:
                engine.check(rule.when, request_type=request_type)
            except RuleMistake as mistake:
                method = next(contract.method for contract in applies if contract.request_type == request_type)
                scope = told("scope-rule", method=method)
                for flaw in mistake.flaws:
                    expressions.tell_flaw(flaw, path, mistakes, fix=expressions.meant_by(flaw, scope))
                break
        if rule.effect == "hold" and applies and not any(contract.whole for contract in applies):
            mistakes.add((*path[:2], "effect"), "rule-holds-streams", name=rule.name)


def _method_policy(
    contract: MethodContract,
    document: Document,
    *,
    engine: RuleEngine,
    serving: Serving,
    rules: tuple[Rule, ...],
    limits: tuple[Limit, ...],
    objectives: tuple[ObjectiveRule, ...],
    rest: Callable[[], None],
) -> MethodPolicy:
    conditions = engine.conditions([rule.when for rule in rules], request_type=contract.request_type)
    routing = serving.routing(contract, engine)
    contacts = contract.operation is Operation.CONTACT
    counted_limits = counted.limit_rules(limits, contract, engine)
    return MethodPolicy(
        contract=contract,
        rules=rules,
        conditions=conditions,
        routing=routing,
        limits=counted_limits,
        caps=counted.cap_rules(document) if contacts else (),
        takes=takes(rules, contract),
        autonomy=_autonomy(document, contract.operation),
        score=counted.score_rule(document.pressure) if contacts and document.pressure is not None else None,
        reads_facts=contacts
        or routing.by_person
        or any(objective.segment for objective in objectives)
        or expressions.reads_facts(document, contract, rules),
        survives=any(limit.bucket.on_store_error != "closed" for limit in counted_limits)
        or (contacts and any(cap.on_store_error != "closed" for cap in document.caps)),
        reads_pressure=any("pressure" in text for text in expressions.expressions_of(document, contract, rules)),
        steps=counted.step_rules(document, contract, engine),
        objectives=objectives,
        reads_objective=any("objective" in text for text in expressions.expressions_of(document, contract, rules)),
        used=_used(document, contract, rules, rest=rest),
        obligations=obligations(rules),
        retention=retention_rules(document.retention, contract),
    )


def _used(document: Document, contract: MethodContract, rules: tuple[Rule, ...], *, rest: Callable[[], None]) -> Used:
    if not document.records.values:
        return NOTHING
    read = _resting(expressions.expressions_of(document, contract, rules), rest)
    return used_by(paths_of(read, withheld=document.records.withhold), value_of=contract.value_of)


def _resting(texts: Iterable[str], rest: Callable[[], None]) -> Iterator[str]:
    """The texts; looking for names takes up to 8 us in each."""
    for number, text in enumerate(texts):
        if number % 16 == 0:
            rest()
        yield text


def _autonomy(document: Document, operation: Operation) -> Mapping[str, str]:
    levels = {
        agent.name: agent.autonomy.of(operation) or document.autonomy.of(operation) or "autonomous"
        for agent in document.agents
    }
    return {agent: level for agent, level in levels.items() if level != "autonomous"}


def _quiet_rule(hours: QuietHours, holidays: Mapping[str, frozenset[dt.date]]) -> QuietRule:
    return QuietRule(
        name=hours.name,
        zone=hours.zone,
        fallback_zone=hours.fallback_zone,
        open=tuple(
            OpenHours(frozenset(DAYS.index(day) for day in part.days), clock_minute(part.start), clock_minute(part.end))
            for part in hours.open
        ),
        closed=holidays.get(hours.holidays, frozenset()),
        channels=frozenset(hours.channels),
        categories=frozenset(hours.categories),
        mode=hours.mode,
        message=hours.message,
        citation=cited(hours.citation),
        max_defer_ms=duration_ms(hours.max_defer or DEFERRED_AT_MOST) if hours.on_hit == "defer" else 0,
    )


def _identified(document: Document) -> list[str]:
    """The names of the agents that have a key or a token."""
    return [agent.name for agent in document.agents if agent.keys or agent.tokens]
