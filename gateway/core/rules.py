"""CEL behind one small wrapper: compiles conditions, alone and all of a method's into list expressions.

`gateway.core.conditions` evaluates them, in what `gateway.core.environments` makes. Only these three modules touch the
engine.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
from cel_expr_python import cel

from gateway.core.call import Agent, Call, Facts, Route
from gateway.core.conditions import VARIABLES, Conditions, SingleExpression
from gateway.core.consents import by_channel
from gateway.core.environments import Environments, Sees
from gateway.core.mistakes import told
from gateway.core.objectives import ObjectiveRule
from gateway.core.progress import Progress, fields_of
from gateway.core.rule_mistakes import Flaw, RuleMistake, flaws_in, kind_of
from gateway.core.zones import name_of

_KINDS: Final = {"condition": cel.Type.BOOL, "text": cel.Type.STRING, "whole number": cel.Type.INT}

KEPT_FACTS: Final = 5_000
"""Most subjects whose facts are kept as the message that rules see; about 1 kB each."""

CONDITIONS_AT_ONCE: Final = 24
"""Most conditions in one list expression. Keeps a failing rule from sending hundreds of others the slow way, and a
compilation, during which no call gets the interpreter, to about a millisecond."""

CHARACTERS_AT_ONCE: Final = 50_000
"""Longest list expression; the engine takes 100,000 characters."""


class Program(msgspec.Struct, frozen=True, array_like=True):
    """One compiled expression, as it goes from one process to another of the same version."""

    text: str
    sees: Sees
    code: bytes


def unresting() -> None:
    """Go on at once: for who does its work beside nobody's calls."""


class RuleEngine:
    """Compiles conditions against the message types of one descriptor pool, that of `environments`.

    `programs` are what another engine is compiling of the same policy, as they come; reading one costs an eighth.
    `made` is told of each that this one compiles. `rest` is called before each longer step, of 0.2 ms and more.
    """

    def __init__(
        self,
        environments: Environments,
        message_class: Callable[[str], Callable[..., object]],
        *,
        programs: Iterator[Program] | None = None,
        made: Callable[[Program], None] | None = None,
        rest: Callable[[], None] = unresting,
    ) -> None:
        self.pool: Final = environments.pool
        self._rest = rest
        self._coming = programs
        self._came: dict[tuple[str, Sees], bytes] = {}
        self._made = made
        self._environments: Final = environments
        self._programs: dict[tuple[str, Sees], Any] = {}
        self._together: dict[tuple[str, Sees], Any] = {}
        self._proven: set[tuple[str, str]] = set()
        self._facts_values: dict[int, tuple[Facts, object]] = {}
        self._agent = message_class(VARIABLES["agent"])
        self._call = message_class(VARIABLES["call"])
        self._facts = message_class(VARIABLES["facts"])
        self._route = message_class(VARIABLES["route"])
        self._objective = message_class(VARIABLES["objective"])
        self.no_objective: Final = self._objective()
        """What rules see of a call that serves none."""
        self._lineage = message_class("pilote.governance.v1.RuleLineage")

    def programs(self) -> Iterator[object]:
        """Every program that it has compiled and keeps."""
        yield from self._programs.values()
        yield from self._together.values()

    def agent_value(self, agent: Agent) -> object:
        """The agent as rules see it."""
        return self._agent(name=agent.name, tenant=agent.tenant, version=agent.version, labels=agent.labels)

    def call_value(self, call: Call) -> object:
        """The call as rules see it."""
        # Half of what a message costs is its arguments, and most calls have no such things.
        more: dict[str, object] = {}
        if call.brand or call.topics or call.campaign:
            more = {"brand": call.brand, "topics": call.topics, "campaign": call.campaign}
        if call.lineage is not None:
            led = call.lineage
            more["lineage"] = self._lineage(
                model=led.model, version=led.version, route=led.route, arm=led.arm, prompt=led.prompt
            )
        return self._call(
            method=call.method,
            operation=call.operation.value,
            subject=call.subject,
            channel=call.channel,
            category=call.category,
            model=call.model,
            inference=call.inference,
            request_bytes=call.request_bytes,
            purpose=call.purpose,
            contact_point=call.contact_point,
            **more,
        )

    def facts_value(self, facts: Facts) -> object:
        """What is known of the subject, as rules see it.

        Kept by the identity of `facts`: filling three maps costs 3 us, and the facts of a subject come again and again
        as the same value from their cache.
        """
        kept = self._facts_values.get(id(facts))
        if kept is not None:
            return kept[1]
        consents = facts.consents | by_channel(facts.consent_records) if facts.consent_records else facts.consents
        said = {
            "known": facts.known,
            "consents": consents,
            "time_zone": name_of(facts.time_zone) or facts.time_zone,
            "language": facts.language,
            "segments": facts.segments,
            "traits": facts.traits,
            "scores": facts.scores,
            "pressure": facts.pressure,
        }
        # An argument that says nothing costs as much as one that does.
        value = self._facts(**{name: its for name, its in said.items() if its})
        if len(self._facts_values) >= KEPT_FACTS:
            self._facts_values.clear()
        self._facts_values[id(facts)] = (facts, value)  # kept together, so that the id stays theirs
        return value

    def route_value(self, route: Route) -> object:
        """Where the call goes, as rules see it."""
        value = self._route(name=route.name, arm=route.arm, version=route.version, upstream=route.upstream)
        if route.rollout:
            value.rollout = route.rollout  # type: ignore[attr-defined]
        return value

    def objective_value(self, rule: ObjectiveRule, progress: Progress | None, *, now_ms: int) -> object:
        """The objective that the call serves, as rules see it."""
        return self._objective(**fields_of(rule, progress, now_ms=now_ms))

    def compile(self, expression: str, *, request_type: str, routed: bool = True) -> Any:
        """The program of a condition over requests of type `request_type`. Not `routed`: before the route is known.

        Raises:
            RuleMistake: when it does not parse, names something unknown, or is not a condition.
        """
        return self._compiled(expression, (request_type, "", routed), kind="condition")

    def expression(self, text: str, *, request_type: str, kind: str, reply_type: str = "") -> SingleExpression:
        """The expression that gives a value of `kind`: "condition", "text" or "whole number".

        With `reply_type` it is over the answer too: `response`, and `trailers`, a map of texts.

        Raises:
            RuleMistake: when it does not parse, names something unknown, or gives something else.
        """
        sees = (request_type, reply_type, True)
        return SingleExpression(self.environment(*sees[:2]), self._compiled(text, sees, kind=kind))

    def standing(self, condition: str) -> SingleExpression:
        """A condition over `agent`, `facts` and `now`, which stands whatever is called.

        Raises:
            RuleMistake: it asks for more than these, or is no condition.
        """
        sees = ("", "", False)
        return SingleExpression(self._environments.of(sees), self._compiled(condition, sees, kind="condition"))

    def _compiled(self, text: str, sees: Sees, *, kind: str) -> Any:
        kept = self._programs.get((text, sees))
        if kept is not None and kept.return_type() == _KINDS[kind]:
            return kept
        try:
            program = self._program(text, sees, timed=True)
        except (RuntimeError, ValueError) as error:
            names = (*VARIABLES, "request", "now")
            raise RuleMistake(*flaws_in(str(error), pool=self.pool, names=names)) from error
        if program.return_type() != _KINDS[kind]:
            code = "expression-no-condition" if kind == "condition" else "expression-kind"
            wanted = told("cel-string" if kind == "text" else "cel-int")
            raise RuleMistake(Flaw(told(code, wanted=wanted, found=kind_of(program.return_type().name()))))
        self._programs[text, sees] = program  # of many methods: compiling takes 35 us
        return program

    def prove(self, expressions: Sequence[str], *, request_type: str) -> None:
        """Compile conditions as they will be evaluated, together. Those that are good need not be compiled alone.

        Compiling is most of what loading a revision takes, 35 us a condition; this way each is compiled once. Of those
        that are not good nothing is said here: `check` says it of each.
        """
        for chunk in _chunks(expressions):
            try:
                program = self._list(chunk, (request_type, "", True))
            except (RuntimeError, ValueError):
                continue
            if program.return_type() == cel.Type.List(cel.Type.BOOL) and all(map(_stands_alone, chunk)):
                self._proven.update((expression, request_type) for expression in chunk)

    def check(self, expression: str, *, request_type: str) -> None:
        """Whether it is a condition over requests of that type.

        Raises:
            RuleMistake: like `compile`.
        """
        if (expression, request_type) not in self._proven:
            self.compile(expression, request_type=request_type)

    def checked(self, expression: str, *, request_type: str) -> bytes:
        """The condition as the engine's checker left it: a serialised `cel.expr.CheckedExpr`, types included.

        Raises:
            RuleMistake: like `compile`.
        """
        return bytes(self.compile(expression, request_type=request_type).serialize())

    def conditions(self, expressions: Sequence[str], *, request_type: str, routed: bool = True) -> Conditions:
        """The conditions, which `check` found good, as they are evaluated together. `routed` as for `compile`."""
        sees = (request_type, "", routed)
        lists = tuple((self._list(chunk, sees), chunk) for chunk in _chunks(expressions))

        def alone(expression: str) -> Any:
            try:
                return self.compile(expression, request_type=request_type, routed=routed)
            except RuleMistake:
                return None

        return Conditions(lists, environment=self._environments.of(sees), alone=alone)

    def environment(self, request_type: str, reply_type: str = "", *, routed: bool = True) -> Any:
        """The engine's environment for requests of that type, with `reply_type` for its answers too."""
        return self._environments.of((request_type, reply_type, routed))

    def _list(self, expressions: Sequence[str], sees: Sees) -> Any:
        """One program for the list of these conditions; methods with the same request share it."""
        text = "[" + ",".join([f"({expression}\n)" for expression in expressions]) + "]"  # a newline ends a comment
        program = self._together.get((text, sees))
        if program is None:
            program = self._together[text, sees] = self._program(text, sees, timed="now" in text)
        return program

    def _program(self, text: str, sees: Sees, *, timed: bool) -> Any:
        self._rest()
        code = self._compiled_elsewhere(text, sees)
        if code is not None:
            return self._environments.of(sees, timed=timed).deserialize(code)
        program = self._environments.of(sees).compile(text)
        if self._made is not None:
            self._made(Program(text, sees, bytes(program.serialize())))
        return program

    def _compiled_elsewhere(self, text: str, sees: Sees) -> bytes | None:
        while self._coming is not None and (text, sees) not in self._came:
            program = next(self._coming, None)
            if program is None:
                break
            self._came[program.text, program.sees] = program.code
        return self._came.pop((text, sees), None)


def _chunks(expressions: Sequence[str]) -> list[tuple[str, ...]]:
    """The conditions in lists that are not too long for one expression."""
    found: list[list[str]] = []
    size = 0
    for expression in expressions:
        size += len(expression) + 4
        if not found or len(found[-1]) == CONDITIONS_AT_ONCE or size > CHARACTERS_AT_ONCE:
            found.append([])
            size = len(expression) + 4
        found[-1].append(expression)
    return [tuple(chunk) for chunk in found]


_TEXT: Final = re.compile(r""" "[^"\n]*" | '[^'\n]*' """, re.VERBOSE)
_BRACKET: Final = re.compile(r"[()\[\]{}]")
_OPENING: Final = {")": "(", "]": "[", "}": "{"}


def _stands_alone(expression: str) -> bool:
    """Whether it certainly means in parentheses what it means alone: it closes what it opens, and nothing else.

    With backslashes, comments or texts in three quotes that takes a parser: those are compiled alone.
    """
    if any(mark in expression for mark in ("\\", "//", '"' * 3, "'" * 3)):
        return False
    rest = _TEXT.sub("", expression)
    open_: list[str] = []
    for mark in _BRACKET.findall(rest):
        if mark in "([{":
            open_.append(mark)
        elif not open_ or open_.pop() != _OPENING[mark]:
            return False
    return not open_ and '"' not in rest and "'" not in rest
