"""Which arm, version and upstream serve a call. Pure; sticky by subject."""

from collections.abc import Iterable, Mapping

import msgspec

from gateway.core.assignment import BASIS_POINTS, choose, point
from gateway.core.call import Call, Route


class ArmTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where one arm leads."""

    arm: str
    upstream: str
    version: str = ""


class RouteRule(msgspec.Struct, frozen=True, kw_only=True):
    """One route with its names resolved. `targets` are by model, in the order of `weights`; "" without models."""

    name: str
    seed: str
    sticky: bool
    weights: tuple[int, ...]
    targets: Mapping[str, tuple[ArmTarget, ...]]


def route(rules: Iterable[RouteRule], call: Call, *, draw: float) -> Route | None:
    """The first route that serves the call, with its arm chosen; `None` where none does.

    A call that itself names a version gets the arm with that version or nothing: the gateway never answers from
    another version than the one asked. `draw` is a random number in [0, 1), used for calls that are not sticky.
    """
    for rule in rules:
        targets = rule.targets.get(call.model)
        if targets is None:
            continue
        if call.model_version:
            target = next((target for target in targets if target.version == call.model_version), None)
            if target is None:
                continue
        elif len(targets) == 1:
            target = targets[0]
        else:
            at = point(rule.seed, call.subject_ref) if rule.sticky and call.subject_ref else int(draw * BASIS_POINTS)
            target = targets[choose(rule.weights, at)]
        return Route(name=rule.name, arm=target.arm, upstream=target.upstream, version=target.version)
    return None
