"""How far a change of a policy reaches: which methods, agents and routes may have calls that it touches. Pure.

Conservative: what a change names, or is counted, routed or decided by, it may touch. No condition is weighed, so fewer
calls may really end otherwise; how many, only a replay can say.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.call import Operation
from gateway.core.changes import Change, FieldChange
from gateway.core.contract import MethodContract
from gateway.core.policy.counting import Limit
from gateway.core.policy.document import Document
from gateway.core.policy.learning import Experiment, Rollout
from gateway.core.policy.ruling import Rule
from gateway.core.policy.ruling import Sequence as Steps
from gateway.core.policy.serving import Contract, Route
from gateway.core.revision.compiled import MethodPolicy, Revision
from gateway.core.revision.counted import applies
from gateway.core.revision.serving import concerns, takes_route

_UNSEEN: Final = frozenset({"description", "hypothesis", "objectives", "measures", "min_sample", "alpha"})
"""Fields that no call is decided by."""
_OF_CALLS: Final = frozenset({"seed", "sticky", "fallback", "timeout", "retries", "hedge", "mirror", "shadow"})
"""Fields of a route that change what becomes of its calls, and not which calls those are."""
_ACTS: Final = frozenset({Operation.WRITE, Operation.CONTACT, Operation.DELETE})


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that a change may touch: of these methods, by these agents, on these routes."""

    methods: frozenset[str]
    agents: frozenset[str] | None = None
    """`None`: every agent."""
    routes: frozenset[str] | None = None
    """Those that took one of these routes; `None`: whichever, or none."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls of a method an agent made on a route; names are empty for calls that had none."""

    method: str
    agent: str
    route: str
    calls: int


NOWHERE: Final = Reach(methods=frozenset())


class Sides(msgspec.Struct, frozen=True):
    """The policy as it is and as it would be; `old` is `None` where none is active."""

    old: Revision | None
    new: Revision

    def methods(self, wanted: Callable[[MethodPolicy], bool]) -> frozenset[str]:
        """The methods of either side that are as wanted."""
        return frozenset(
            name
            for side in (self.old, self.new)
            if side is not None
            for name, policy in side.methods.items()
            if wanted(policy)
        )

    def documents(self) -> tuple[Document, ...]:
        """Both documents."""
        return tuple(side.document for side in (self.old, self.new) if side is not None)


def reach(change: Change, sides: Sides) -> Reach:
    """What one change may touch."""
    words = _UNSEEN | {"title"} if change.place.section == "objectives" else _UNSEEN
    if change.kind == "changed" and all(field.path[:1] and field.path[0] in words for field in change.fields):
        return NOWHERE
    by = _BY_SECTION.get(change.place.section)
    return Reach(methods=sides.methods(lambda _: True)) if by is None else by(change, sides)


def touched(counts: Sequence[Count], reaches: Sequence[Reach]) -> int:
    """How many of these calls at least one of the changes may touch."""
    return sum(count.calls for count in counts if any(_covers(reach, count) for reach in reaches))


def _covers(reach: Reach, count: Count) -> bool:
    return (
        count.method in reach.methods
        and (reach.agents is None or count.agent in reach.agents)
        and (reach.routes is None or count.route in reach.routes)
    )


def _nowhere(_change: Change, _sides: Sides) -> Reach:
    return NOWHERE


def _everywhere(_change: Change, sides: Sides) -> Reach:
    return Reach(methods=sides.methods(lambda _: True))


def _rest(change: Change, sides: Sides) -> Reach:
    own = f"/rest/{change.place.name}/"
    return Reach(methods=sides.methods(lambda policy: policy.contract.method.startswith(own)))


def _ratelimit(change: Change, sides: Sides) -> Reach:
    own = f"/ratelimit/{change.place.name}/"
    return Reach(methods=sides.methods(lambda policy: policy.contract.method.startswith(own)))


def _contacts(_change: Change, sides: Sides) -> Reach:
    return Reach(methods=sides.methods(lambda policy: policy.contract.operation is Operation.CONTACT))


def _by_agents(change: Change, sides: Sides) -> Reach:
    name = change.place.name
    agents = [agent for document in sides.documents() for agent in document.agents]
    match change.place.section:
        case "agents":
            concerned = {name}
        case "tenants":
            concerned = {agent.name for agent in agents if agent.tenant == name}
        case _:
            concerned = {agent.name for agent in agents if any(token.issuer == name for token in agent.tokens)}
    return Reach(methods=sides.methods(lambda _: True), agents=frozenset(concerned))


def _parts(change: Change) -> list[object]:
    return [part for part in (change.old, change.new) if part is not None]


def _bound(change: Change, sides: Sides) -> Reach:
    """What names methods and operations itself."""
    parts: list[Rule | Limit] = [part for part in _parts(change) if isinstance(part, Rule | Limit)]
    return Reach(methods=sides.methods(lambda policy: any(applies(part, policy.contract) for part in parts)))


def _sequence(change: Change, sides: Sides) -> Reach:
    steps = [step for part in _parts(change) if isinstance(part, Steps) for step in (part.first, part.then)]
    return Reach(methods=sides.methods(lambda policy: any(applies(step, policy.contract) for step in steps)))


def _route(change: Change, sides: Sides) -> Reach:
    parts = [part for part in _parts(change) if isinstance(part, Route)]
    own = change.kind == "changed" and all(_stays(field) for field in change.fields)
    return Reach(
        methods=sides.methods(lambda policy: any(takes_route(part, policy.contract) for part in parts)),
        routes=frozenset({change.place.name}) if own else None,
    )


def _stays(field: FieldChange) -> bool:
    """Whether a route serves the same calls as before. An arm with weight serves those too that ask for its version."""
    weight = len(field.path) == 3 and field.path[2] == "weight" and field.old and field.new
    return field.path[0] in _OF_CALLS | _UNSEEN or bool(weight)


def _experiment(change: Change, sides: Sides) -> Reach:
    parts = [part for part in _parts(change) if isinstance(part, Experiment)]
    routes = [{route.name: route for route in document.routes} for document in sides.documents()]

    def concerned(contract: MethodContract) -> bool:
        return any(concerns(part, known, contract) for part in parts for known in routes)

    return Reach(methods=sides.methods(lambda policy: concerned(policy.contract)))


def _rollout(change: Change, sides: Sides) -> Reach:
    routes = frozenset(part.route for part in _parts(change) if isinstance(part, Rollout))
    methods = sides.methods(lambda policy: any(rule.name in routes for rule in policy.routes))
    return Reach(methods=methods, routes=routes)


def _model(change: Change, sides: Sides) -> Reach:
    """Who asks the model; and where its versions come or go, whoever acts on what it has said."""
    name = change.place.name
    listed = change.kind != "changed" or any(field.path[0] == "versions" for field in change.fields)

    def concerned(policy: MethodPolicy) -> bool:
        return any(name in rule.arms for rule in policy.routes) or (listed and policy.contract.operation in _ACTS)

    return Reach(methods=sides.methods(concerned))


def _objective(change: Change, sides: Sides) -> Reach:
    """Who may serve it: its budget, and what rules see of it."""
    name = change.place.name
    return Reach(methods=sides.methods(lambda policy: any(rule.name == name for rule in policy.objectives)))


def _served(change: Change, sides: Sides) -> Reach:
    """Who is served by the upstream, or with the prompt."""
    name, upstreams = change.place.name, change.place.section == "upstreams"

    def concerned(policy: MethodPolicy) -> bool:
        targets = [target for rule in policy.routes for arms in rule.arms.values() for target in arms.values()]
        return any(target.upstream == name if upstreams else target.prompt.startswith(f"{name}@") for target in targets)

    return Reach(methods=sides.methods(concerned))


def _contract(change: Change, sides: Sides) -> Reach:
    """The methods that it binds, and those that are described on one side only; with another descriptor set all."""
    parts = [part for part in _parts(change) if isinstance(part, Contract)]
    if any(field.path[0].startswith("descriptor_set") for field in change.fields):
        return _everywhere(change, sides)
    bound = frozenset(binding.method for part in parts for binding in part.methods)
    old = frozenset(sides.old.methods) if sides.old is not None else frozenset()
    return Reach(methods=bound | (old ^ frozenset(sides.new.methods)))


def _autonomy(change: Change, sides: Sides) -> Reach:
    operations = {field.path[0] for field in change.fields}
    return Reach(methods=sides.methods(lambda policy: policy.contract.operation.value in operations))


def _lineage(_change: Change, sides: Sides) -> Reach:
    return Reach(methods=sides.methods(lambda policy: policy.contract.operation is not Operation.READ))


_BY_SECTION: Final[Mapping[str, Callable[[Change, Sides], Reach]]] = {
    **dict.fromkeys(
        ("description", "packs", "people", "approvals", "replay", "records", "retention", "reporting", "sources"),
        _nowhere,
    ),
    **dict.fromkeys(("agents", "tenants", "issuers"), _by_agents),
    **dict.fromkeys(("upstreams", "prompts"), _served),
    **dict.fromkeys(("rules", "limits"), _bound),
    **dict.fromkeys(("caps", "pressure", "quiet_hours", "consents", "holdouts"), _contacts),
    "models": _model,
    "contracts": _contract,
    "rest": _rest,
    "ratelimit": _ratelimit,
    "routes": _route,
    "lineage": _lineage,
    "experiments": _experiment,
    "rollouts": _rollout,
    "objectives": _objective,
    "sequences": _sequence,
    "autonomy": _autonomy,
    "holds": _everywhere,
}
