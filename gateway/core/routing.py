"""Which arm, version and upstream serve a call, and which experiments it exposes its subject to. Pure.

Of the routes about the call's method the first that serves its model, and whose `when` holds, is taken. Its arm is that
of the version which the caller asks for; else the one that an experiment gives the subject; else the candidate of a
rollout, where the subject is in its share; else one by the weights.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from gateway.core.assignment import BASIS_POINTS, Ranges, point, variation
from gateway.core.call import NO_ROUTE, UNREADABLE_SUBJECT, Call, Facts, Route
from gateway.core.conditions import Conditions
from gateway.core.experiments import LayerRule
from gateway.core.forwarding import ForwardRule
from gateway.core.policy.serving import Route as RouteDocument
from gateway.core.record import Exposure
from gateway.core.shadows import CopyRule


class ArmTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where one arm leads, all names resolved."""

    arm: str
    upstream: str
    version: str = ""
    """The model's real version, never an alias; empty on a route that asks no model."""
    served_as: str = ""
    """What the upstream calls the version, where it has a name of its own for it."""
    prompt: str = ""
    """The prompt that the version is served with, "name@version"; empty for none."""
    instructions: str = ""
    """The prompt's text, where the policy has it."""
    connector_version: str = ""
    """Version of the upstream; empty where nobody has said it."""


class RolloutRule(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that serves a share of a route's subjects, in basis points."""

    name: str
    seed: str
    arm: str
    share: int


class RouteRule(msgspec.Struct, frozen=True, kw_only=True):
    """One route for one method, its names resolved."""

    name: str
    document: RouteDocument
    """What the policy says of it: timeout, retries, fallback, copies."""
    arms: Mapping[str, Mapping[str, ArmTarget]]
    """By model, and then by the arm's name, in the order of the policy; the model is "" on a route that asks none."""
    aliases: Mapping[str, Mapping[str, str]] = {}
    """Versions by model and alias."""
    open: frozenset[str] = frozenset()
    """Arms that callers may ask for by their version: those that have weight, and a candidate that serves all."""
    sticky: Literal["subject", "session", "none"] = "subject"
    names: tuple[str, ...] = ()
    """The arms' names, in the order of `ranges`."""
    ranges: Ranges = ()
    only: str = ""
    """The arm that has all the weight; empty where several share it."""
    seed: str = ""
    when: int = -1
    """Index of its condition; -1 for none."""
    rollout: RolloutRule | None = None
    forward: ForwardRule | None = None
    """How its calls are tried; `None` where they go the plain way."""
    slow_us: int = 0
    """How long a call may take by the route's objective, in microseconds; 0 where it has none."""
    layers: tuple[LayerRule, ...] = ()
    copies: tuple[CopyRule, ...] = ()
    """How its calls are copied to other arms."""
    plain: Mapping[str, "Routed"] = {}
    """By model, where its calls go whoever they are about; empty where that depends."""


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """All that says where the calls of one method go."""

    rules: tuple[RouteRule, ...] = ()
    conditions: Conditions | None = None
    """The `when` of its routes and experiments."""
    by_session: bool = False
    """Whether anything is assigned by the session."""
    by_person: bool = False
    """Whether anything is assigned by the person, of whom the facts may know better than the subject's pseudonym."""


class Routed(msgspec.Struct, frozen=True, kw_only=True):
    """Where a call goes, and by what it came to that."""

    route: Route = NO_ROUTE
    rule: RouteRule | None = None
    target: ArmTarget | None = None
    exposures: tuple[Exposure, ...] = ()
    unit_ref: str = ""
    """What the arm was assigned by, where that is not the subject: a pseudonym of the person or of the session."""


NOWHERE: Final = Routed()
"""No route serves the call."""


def route(
    routing: Routing,
    call: Call,
    *,
    facts: Facts,
    values: Mapping[str, object],
    now_ms: int,
    draw: float,
    first: Routed | None = None,
) -> Routed:
    """The first route that serves the call, with its arm chosen; `NOWHERE` where none does.

    A call that itself names a version, or an alias of one, gets the arm with that version or nothing: the gateway never
    answers from another version than the one asked. `values` are what conditions see, `draw` is a random number in
    [0, 1), for calls that have nothing to be assigned by. `first`: where the stream's first message went; a further one
    goes there too, or nowhere, and is exposed only to what does not choose the arm.
    """
    if first is not None:
        if not goes_along(first, call):
            return NOWHERE
        rule = next((rule for rule in routing.rules if rule.name == first.route.name), None)
        further = _Asking(routing, call, facts=facts, values=values, now_ms=now_ms, draw=draw)
        exposures = () if rule is None else further.exposed(rule, choosing=False)[0]
        return msgspec.structs.replace(first, exposures=exposures)
    asking: _Asking | None = None
    for rule in routing.rules:
        arms = rule.arms.get(call.model)
        if arms is None:
            continue
        plain = rule.plain.get(call.model)
        if plain is not None and rule.when < 0 and not call.model_version:
            return plain  # most calls: nothing needs to be asked
        asking = asking or _Asking(routing, call, facts=facts, values=values, now_ms=now_ms, draw=draw)
        if rule.when >= 0 and not asking.holds(rule.when):
            continue
        found = asking.by_version(rule, arms) if call.model_version else plain or asking.assigned(rule, arms)
        if found is not None:
            return found
    return NOWHERE


def goes_along(first: Routed, call: Call) -> bool:
    """Whether a stream's further message asks for nothing else than what serves the stream."""
    rule, target = first.rule, first.target
    if rule is None or target is None or not target.version:
        return True
    version = call.model_version
    if version.startswith("@"):
        version = rule.aliases.get(call.model, {}).get(version[1:], "@")
    return version in {"", target.version} and rule.arms.get(call.model, {}).get(target.arm) == target


def routed(
    rule: RouteRule,
    target: ArmTarget,
    *,
    exposures: tuple[Exposure, ...] = (),
    unit_ref: str = "",
    rollout: str = "",
) -> Routed:
    """The way to one of a route's arms."""
    return Routed(
        route=Route(name=rule.name, arm=target.arm, upstream=target.upstream, version=target.version, rollout=rollout),
        rule=rule,
        target=target,
        exposures=exposures,
        unit_ref=unit_ref,
    )


def unit_of(call: Call, facts: Facts) -> str:
    """The pseudonym that stands for the call's subject in assignments; empty where it has none, or none is known."""
    return "" if facts is UNREADABLE_SUBJECT else facts.unit or call.subject_ref


class _Asking:
    """One call that is being routed. Hashes and conditions are worked out when they are first needed."""

    __slots__ = ("_call", "_draw", "_facts", "_held", "_now_ms", "_person", "_routing", "_values")

    def __init__(
        self, routing: Routing, call: Call, *, facts: Facts, values: Mapping[str, object], now_ms: int, draw: float
    ) -> None:
        self._routing = routing
        self._call = call
        self._facts = facts
        self._values = values
        self._now_ms = now_ms
        self._draw = draw
        self._held: list[bool | str] | None = None
        self._person = unit_of(call, facts)

    def holds(self, condition: int) -> bool:
        """Whether the condition of that index holds; one that fails does not."""
        if self._held is None:
            conditions = self._routing.conditions
            assert conditions is not None  # noqa: S101 - whoever has an index has the conditions
            self._held = conditions.evaluate(self._values, now_ms=self._now_ms)
        return self._held[condition] is True

    def by_version(self, rule: RouteRule, arms: Mapping[str, ArmTarget]) -> Routed | None:
        """The way to the version that the caller asks for; `None` where the route has none for it."""
        version = self._call.model_version
        if version.startswith("@"):
            version = rule.aliases.get(self._call.model, {}).get(version[1:], "")
        for name, target in arms.items():
            if version and target.version == version and name in rule.open:
                exposures, _ = self.exposed(rule, choosing=False)
                return routed(rule, target, exposures=exposures, unit_ref=self.unit_ref(rule))
        return None

    def assigned(self, rule: RouteRule, arms: Mapping[str, ArmTarget]) -> Routed:
        """The route's arm for a call that asks for no version."""
        exposures, arm = self.exposed(rule, choosing=True)
        rollout = ""
        if not arm and rule.rollout is not None and self._in_rollout(rule, rule.rollout):
            arm, rollout = rule.rollout.arm, rule.rollout.name
        target = arms[arm or rule.only or self._by_weight(rule)]
        return routed(rule, target, exposures=exposures, unit_ref=self.unit_ref(rule), rollout=rollout)

    def exposed(self, rule: RouteRule, *, choosing: bool) -> tuple[tuple[Exposure, ...], str]:
        """The variations that the call's subject is in, and the arm that one of them gives it.

        Not `choosing`: the arm stands already, and nobody is in an experiment that would choose it.
        """
        exposures: list[Exposure] = []
        arm = ""
        for layer in rule.layers:
            unit = self._unit(by_session=layer.by_session)
            found = layer.experiment_of(unit) if unit else None
            if found is None or (found.chooses and not choosing) or (found.when >= 0 and not self.holds(found.when)):
                continue
            index = variation(found.ranges, point(found.seed, unit))
            if index >= 0:
                arm = found.arms[index] or arm
                if found.exposes:
                    recorded = self.unit_ref(rule) or self._call.subject_ref
                    exposures.append(Exposure(found.name, found.variations[index], "" if unit == recorded else unit))
        return tuple(exposures), arm

    def unit_ref(self, rule: RouteRule) -> str:
        """What the route's arm is assigned by, where that is not the subject."""
        if rule.sticky == "session" and self._call.session_ref:
            return self._call.session_ref
        return self._person if self._person != self._call.subject_ref else ""

    def _in_rollout(self, rule: RouteRule, rollout: RolloutRule) -> bool:
        if rollout.share in (0, BASIS_POINTS):
            return rollout.share > 0
        unit = self._unit(by_session=rule.sticky == "session")
        if unit:
            return point(rollout.seed, unit) < rollout.share
        if self._facts is UNREADABLE_SUBJECT and rule.sticky != "session":  # in the share or not, nobody can say
            return False
        share = rollout.share / BASIS_POINTS
        if self._draw < share:
            return True
        self._draw = (self._draw - share) / (1 - share)  # what is left of the draw is as random as all of it
        return False

    def _by_weight(self, rule: RouteRule) -> str:
        unit = ""
        if rule.sticky != "none":
            unit = self._unit(by_session=rule.sticky == "session")
        if rule.sticky == "subject" and not unit:  # facts that cannot be read are no reason to change the arm
            unit = self._call.subject_ref
        at = point(rule.seed, unit) if unit else int(self._draw * BASIS_POINTS)
        return rule.names[variation(rule.ranges, at)]

    def _unit(self, *, by_session: bool) -> str:
        """What the call is assigned by; empty where it has no such thing."""
        return self._call.session_ref if by_session else self._person
