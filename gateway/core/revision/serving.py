"""Routes, experiments and rollouts of a policy, resolved for one method: names, aliases, seeds, conditions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.assignment import BASIS_POINTS, bucket_ranges
from gateway.core.call import Operation
from gateway.core.contract import MethodContract, method_matches
from gateway.core.experiments import ExperimentRule, HoldoutRule, LayerRule
from gateway.core.forwarding import forward_rule
from gateway.core.policy.document import Document
from gateway.core.policy.learning import Experiment, Holdout, Rollout
from gateway.core.policy.serving import Arm, Copy, Model, Shadow
from gateway.core.policy.serving import Route as RouteDocument
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.routing import ArmTarget, RolloutRule, RouteRule, Routing, routed
from gateway.core.rules import RuleEngine
from gateway.core.shadows import HARMLESS, Compare, CopyRule, copy_rule


def takes_route(route: RouteDocument, contract: MethodContract) -> bool:
    """Whether calls of this method may take the route: a pattern covers methods that ask a model, or the others."""
    if contract.unrouted or bool(route.models) != (contract.operation is Operation.INFER):
        return False
    return any(method_matches(pattern, contract.method) for pattern in route.methods)


def concerns(experiment: Experiment, routes: Mapping[str, RouteDocument], contract: MethodContract) -> bool:
    """Whether an experiment may choose the arm of this method's calls, or expose their subjects."""
    route = routes.get(experiment.route or "")
    return _exposing(contract, experiment) or (route is not None and takes_route(route, contract))


def layer_of(experiment: Experiment) -> str:
    """Seed of the experiment's layer: never one that an experiment has by its name, so that the two are independent."""
    return f"own-layer:{experiment.name}" if experiment.layer is None else f"layer:{experiment.layer}"


def seed_of(part: RouteDocument | Experiment | Rollout | Holdout) -> str:
    """The seed that it assigns by."""
    return part.seed or part.name


def version_of(arm: Arm, model: Model) -> str:
    """The real version that an arm stands for; empty where the model has none of that name."""
    version = arm.version or ""
    return model.aliases.get(version[1:], "") if version.startswith("@") else version


def holdouts_of(document: Document) -> tuple[HoldoutRule, ...]:
    """Who is held out of contacts, in the document's order."""
    return tuple(
        HoldoutRule(
            name=holdout.name,
            seed=seed_of(holdout),
            share=holdout.share,
            categories=frozenset(holdout.categories),
            exempt=frozenset(holdout.exempt),
            channels=frozenset(holdout.channels),
        )
        for holdout in document.holdouts
    )


class Serving:
    """What is the same for all methods: where arms lead, what runs on each route."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._models: Final = {model.name: model for model in document.models}
        self._connectors: Final = {upstream.name: upstream.version or "" for upstream in document.upstreams}
        self._prompts = {f"{p.name}@{v.version}": v.text or "" for p in document.prompts for v in p.versions}
        self._arms = {route.name: self._arms_of(route) for route in document.routes}
        self._running = [experiment for experiment in document.experiments if experiment.state == "running"]
        self._rollouts = {rollout.route: rollout for rollout in document.rollouts if rollout.share > 0}

    def routing(self, contract: MethodContract, engine: RuleEngine) -> Routing:
        """Where calls of the method go, and what they expose their subjects to."""
        method = _Method(contract)
        rules = [self._rule(route, method) for route in self._document.routes if takes_route(route, contract)]
        conditions = None
        if method.conditions:
            conditions = engine.conditions(method.conditions, request_type=contract.request_type, routed=False)
        units = {unit for rule in rules for unit in _units(rule)}
        return Routing(
            rules=tuple(rules),
            conditions=conditions,
            by_session="session" in units or any(copy.by_session for rule in rules for copy in rule.copies),
            by_person="subject" in units,
        )

    def _arms_of(self, route: RouteDocument) -> Mapping[str, Mapping[str, ArmTarget]]:
        if not route.models:
            return {"": {arm.name: self._to_upstream(arm) for arm in route.arms}}
        return {
            name: {arm.name: self._to_version(arm, self._models[name]) for arm in route.arms} for name in route.models
        }

    def _to_upstream(self, arm: Arm) -> ArmTarget:
        upstream = arm.upstream or ""
        return ArmTarget(arm=arm.name, upstream=upstream, connector_version=self._connectors[upstream])

    def _to_version(self, arm: Arm, model: Model) -> ArmTarget:
        wanted = version_of(arm, model)
        version = next(version for version in model.versions if version.version == wanted)
        return ArmTarget(
            arm=arm.name,
            upstream=version.upstream,
            version=version.version,
            served_as=version.served_as or "",
            prompt=version.prompt or "",
            instructions=self._prompts.get(version.prompt or "", ""),
            connector_version=self._connectors[version.upstream],
        )

    def _rule(self, route: RouteDocument, method: "_Method") -> RouteRule:
        weights = [arm.weight for arm in route.arms]
        rollout = self._rollouts.get(route.name)
        layers = method.layers(route, self._running)
        weighed = [arm.name for arm in route.arms if arm.weight > 0]
        only = weighed[0] if len(weighed) == 1 else ""
        everybody = rollout.arm if rollout is not None and rollout.share == BASIS_POINTS else ""
        chooses = not only or (rollout is not None and not everybody)
        rule = RouteRule(
            name=route.name,
            document=route,
            arms=self._arms[route.name],
            aliases={name: self._models[name].aliases for name in route.models},
            open=frozenset({*weighed, everybody} - {""}),
            sticky=route.sticky if chooses else "subject",
            names=tuple(arm.name for arm in route.arms),
            ranges=bucket_ranges(weights),
            only=only,
            seed=seed_of(route),
            when=method.condition(route.when),
            rollout=None if rollout is None else _rollout_rule(rollout),
            forward=forward_rule(route),
            slow_us=_slow_us(route),
            layers=layers,
            copies=method.copies(route),
        )
        if layers or (chooses and not everybody):
            return rule
        plain = {
            model: routed(rule, arms[everybody or only], rollout="" if rollout is None else rollout.name)
            for model, arms in rule.arms.items()
        }
        return msgspec.structs.replace(rule, plain=plain)


class _Method:
    """What is gathered for one method while its routes are resolved: its conditions, each once."""

    def __init__(self, contract: MethodContract) -> None:
        self._contract = contract
        self.conditions: list[str] = []

    def condition(self, expression: str | None) -> int:
        """Index of the condition; -1 for none."""
        if expression is None:
            return -1
        if expression not in self.conditions:
            self.conditions.append(expression)
        return self.conditions.index(expression)

    def layers(self, route: RouteDocument, running: Sequence[Experiment]) -> tuple[LayerRule, ...]:
        """The running experiments that concern the method's calls on this route, by their layers."""
        layers: dict[str, list[Experiment]] = {}
        for experiment in running:
            if _chooses(experiment, route) or self._exposes(experiment, route):
                layers.setdefault(layer_of(experiment), []).append(experiment)
        return tuple(self._layer(seed, experiments, route) for seed, experiments in layers.items())

    def copies(self, route: RouteDocument) -> tuple[CopyRule, ...]:
        """How the route copies the method's calls. Streams are not copied."""
        contract = self._contract
        if not contract.whole:
            return ()
        return tuple(
            copy_rule(route, copy, seed=seed_of(route), compare=_compare(copy, contract))
            for copy in (route.mirror, route.shadow)
            if copy is not None and copy.share
        )

    def _layer(self, seed: str, experiments: Sequence[Experiment], route: RouteDocument) -> LayerRule:
        whole = len(experiments) == 1 and (experiments[0].first, experiments[0].last) == (0, BASIS_POINTS)
        return LayerRule(
            seed="" if whole else seed,
            by_session=experiments[0].unit == "session",
            experiments=tuple(self._experiment(experiment, route) for experiment in experiments),
        )

    def _experiment(self, experiment: Experiment, route: RouteDocument) -> ExperimentRule:
        chooses = _chooses(experiment, route)
        return ExperimentRule(
            name=experiment.name,
            first=experiment.first,
            last=experiment.last,
            seed=seed_of(experiment),
            ranges=bucket_ranges([arm.weight for arm in experiment.arms], coverage=experiment.coverage),
            variations=tuple(arm.name for arm in experiment.arms),
            arms=tuple(arm.arm or "" if chooses else "" for arm in experiment.arms),
            chooses=chooses,
            exposes=self._exposes(experiment, route),
            when=self.condition(experiment.when),
        )

    def _exposes(self, experiment: Experiment, route: RouteDocument) -> bool:
        if experiment.methods or experiment.operations:
            return _exposing(self._contract, experiment)
        return experiment.route == route.name


def _exposing(contract: MethodContract, experiment: Experiment) -> bool:
    """Whether an experiment names calls of this method as those that expose."""
    if not experiment.methods and not experiment.operations:
        return False
    by_method = not experiment.methods or any(method_matches(p, contract.method) for p in experiment.methods)
    return by_method and (not experiment.operations or contract.operation in experiment.operations)


def _chooses(experiment: Experiment, route: RouteDocument) -> bool:
    return experiment.route == route.name and any(arm.arm is not None for arm in experiment.arms)


def _compare(copy: Copy, contract: MethodContract) -> Compare | None:
    """How replies are compared; `None` where nobody looks at the copy's, or it never gets any."""
    if not isinstance(copy, Shadow) or contract.comparer is None or contract.operation not in HARMLESS:
        return None
    return contract.comparer.plan(ignore=copy.ignore, tolerance=copy.tolerance)


def _units(rule: RouteRule) -> Iterator[str]:
    """What the route's calls are assigned by: "subject", "session" or both; nothing where they all go one way."""
    if rule.plain:
        return
    yield from ("session" if layer.by_session else "subject" for layer in rule.layers)
    share = 0 if rule.rollout is None else rule.rollout.share
    if share == BASIS_POINTS or (rule.only and not share):
        return
    if rule.sticky == "session":
        yield "session"
    elif rule.sticky == "subject" or share:
        yield "subject"


def _slow_us(route: RouteDocument) -> int:
    latency = route.objectives.latency if route.objectives is not None else None
    return 0 if latency is None else 1000 * duration_ms(latency.within)


def _rollout_rule(rollout: Rollout) -> RolloutRule:
    return RolloutRule(name=rollout.name, seed=seed_of(rollout), arm=rollout.arm, share=rollout.share)
