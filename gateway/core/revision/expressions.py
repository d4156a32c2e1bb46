"""Every expression of a policy: where it stands, which methods it is about, and whether it compiles for them."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from gateway.core.contract import MethodContract
from gateway.core.mistakes import Told, told
from gateway.core.policy.document import Document
from gateway.core.policy.ruling import Rule
from gateway.core.revision.counted import applies
from gateway.core.revision.decode import Mistakes, Path, dotted
from gateway.core.revision.serving import concerns, takes_route
from gateway.core.rule_mistakes import Flaw, RuleMistake
from gateway.core.rules import RuleEngine


class _Found(NamedTuple):
    """One expression outside the rules."""

    path: Path
    text: str
    kind: str
    covers: Callable[[MethodContract], bool]
    routed: bool = True
    """Whether it sees the route."""


def expressions_of(document: Document, contract: MethodContract, rules: Sequence[Rule]) -> Iterator[str]:
    """Every expression that a call of this method may evaluate."""
    yield from (rule.when for rule in rules)
    yield from (found.text for found in _expressions(document) if found.covers(contract))


def reads_facts(document: Document, contract: MethodContract, rules: Sequence[Rule]) -> bool:
    """Whether an expression of this method may look at the facts, or a calendar is the customer's own."""
    own = any(
        limit.calendar is not None and limit.calendar.zone == "subject" and applies(limit, contract)
        for limit in document.limits
    )
    return own or any("facts" in text for text in expressions_of(document, contract, rules))


def check_expressions(
    document: Document, contracts: Sequence[MethodContract], *, engine: RuleEngine, mistakes: Mistakes
) -> None:
    """Report every expression outside the rules that does not compile for a method it is meant for."""
    for found in _expressions(document):
        answers = found.path[-1] == "actual"
        covered = [contract for contract in contracts if found.covers(contract)]
        if not covered and found.routed and not mistakes.under("contracts"):  # of routes their patterns are reported
            place = found.path[:-1]
            mistakes.add(place, "part-covers-nothing", part=dotted(place))
        for contract in {(each.request_type, answers and each.reply_type): each for each in covered}.values():
            try:
                _compile(found, contract, engine, reply_type=contract.reply_type if answers else "")
            except RuleMistake as mistake:
                scope = told("scope-calls", method=contract.method)
                for flaw in mistake.flaws:
                    early = not found.routed and str(flaw.what.values.get("name")).partition(".")[0] == "route"
                    tell_flaw(flaw, found.path, mistakes, fix=told("leave-route") if early else meant_by(flaw, scope))
                break
    _check_flags(document, engine, mistakes)


def _check_flags(document: Document, engine: RuleEngine, mistakes: Mistakes) -> None:
    """Conditions of experiments that are about no calls, but only read as flags."""
    for index, experiment in enumerate(document.experiments):
        if experiment.when is None or experiment.route or experiment.methods or experiment.operations:
            continue
        try:
            engine.standing(experiment.when)
        except RuleMistake as mistake:
            for flaw in mistake.flaws:
                tell_flaw(flaw, ("experiments", index, "when"), mistakes, fix=told("flag-sees"))


def tell_flaw(flaw: Flaw, path: Path, mistakes: Mistakes, *, fix: Told) -> None:
    """Report what is wrong with the expression at `path`."""
    mistakes.tell(path, told(flaw.what.code, **flaw.what.values, fix=fix), at=flaw.at)


def meant_by(flaw: Flaw, scope: Told) -> Told:
    """How to mend an expression: the name that may be meant, and the calls for which it does not compile."""
    return told("meant-for", near=flaw.meant, scope=scope) if flaw.meant else scope


def _compile(found: _Found, contract: MethodContract, engine: RuleEngine, *, reply_type: str) -> None:
    if found.routed:
        engine.expression(found.text, request_type=contract.request_type, reply_type=reply_type, kind=found.kind)
    else:
        engine.compile(found.text, request_type=contract.request_type, routed=False)


def _expressions(document: Document) -> Iterator[_Found]:
    yield from _of_limits(document)
    yield from _of_sequences(document)
    yield from _of_routes(document)


def _of_limits(document: Document) -> Iterator[_Found]:
    for index, limit in enumerate(document.limits):
        path: Path = ("limits", index)
        covers = partial(applies, limit)
        if limit.when is not None:
            yield _Found((*path, "when"), limit.when, "condition", covers)
        if limit.key is not None:
            yield _Found((*path, "key"), limit.key, "text", covers)
        if limit.cost is not None:
            yield _Found((*path, "cost", "estimate"), limit.cost.estimate, "whole number", covers)
            if limit.cost.actual is not None:
                yield _Found((*path, "cost", "actual"), limit.cost.actual, "whole number", covers)


def _of_sequences(document: Document) -> Iterator[_Found]:
    for index, sequence in enumerate(document.sequences):
        for name, step in (("first", sequence.first), ("then", sequence.then)):
            covers = partial(applies, step)
            if step.when is not None:
                yield _Found(("sequences", index, name, "when"), step.when, "condition", covers)
            if sequence.key is not None:
                yield _Found(("sequences", index, "key"), sequence.key, "text", covers)


def _of_routes(document: Document) -> Iterator[_Found]:
    """What says which route is taken, and who is in an experiment: asked before the route is known."""
    routes = {route.name: route for route in document.routes}
    for index, route in enumerate(document.routes):
        if route.when is not None:
            covers = partial(takes_route, route)
            yield _Found(("routes", index, "when"), route.when, "condition", covers, routed=False)
    for index, experiment in enumerate(document.experiments):
        if experiment.when is not None:
            covers = partial(concerns, experiment, routes)
            yield _Found(("experiments", index, "when"), experiment.when, "condition", covers, routed=False)
