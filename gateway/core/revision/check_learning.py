"""Cross-checks of test & learn: would every experiment and rollout measure what it says, and nobody be in two?"""

import itertools
from collections.abc import Iterator

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.document import Document
from gateway.core.policy.learning import LEAST_SAMPLE, SHARES, Experiment, Rollout
from gateway.core.policy.serving import Arm, Route
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.naming import known, one_of
from gateway.core.revision.serving import layer_of, seed_of

MOST_STEPS = 100
ENDED = ("completed", "rolled_back")
"""States of a rollout that moves no more by itself."""


def check_learning(document: Document, mistakes: Mistakes) -> None:
    """Report experiments and rollouts that name what is not there, do not add up, or get in each other's way."""
    for index, experiment in enumerate(document.experiments):
        _experiment(experiment, ("experiments", index), document, mistakes)
    for index, rollout in enumerate(document.rollouts):
        _rollout(rollout, ("rollouts", index), document, mistakes)
    _together(document, mistakes)
    _seeds(document, mistakes)
    _one_rollout_each(document, mistakes)


def _experiment(experiment: Experiment, path: Path, document: Document, mistakes: Mistakes) -> None:
    name, arms = experiment.name, experiment.arms
    total = sum(arm.weight for arm in arms)
    if total != BASIS_POINTS:
        problem = f"the weights of the experiment {name!r} add up to {total}"
        mistakes.add((*path, "arms"), problem, fix=f"make them add up to {BASIS_POINTS} basis points (100 %)")
    names = [arm.name for arm in arms]
    for place, arm in enumerate(arms):
        if arm.name in names[:place]:
            problem = f"the experiment {name!r} has two variations {arm.name!r}"
            mistakes.add((*path, "arms", place, "name"), problem, fix="choose another name")
        if arm.arm is not None and experiment.route is None:
            problem = f"the variation {arm.name!r} names an arm, but the experiment names no route"
            mistakes.add((*path, "arms", place, "arm"), problem, fix="name the route in `route`")
    if experiment.first >= experiment.last:
        problem = f"the experiment {name!r} has no slot of its layer: {experiment.first} is not below {experiment.last}"
        mistakes.add((*path, "first"), problem, fix="give it a `first` below its `last`")
    if experiment.route is not None:
        route = _route(experiment.route, (*path, "route"), document, mistakes)
        for place, arm in enumerate(arms):
            if route is not None and arm.arm is not None:
                _arm(arm.arm, route, (*path, "arms", place, "arm"), mistakes)


def _rollout(rollout: Rollout, path: Path, document: Document, mistakes: Mistakes) -> None:
    if len(rollout.steps) > MOST_STEPS:
        problem = f"the rollout {rollout.name!r} has {len(rollout.steps)} steps"
        mistakes.add((*path, "steps"), problem, fix=f"list at most {MOST_STEPS}")
    if not rollout.steps:
        mistakes.add((*path, "steps"), f"the rollout {rollout.name!r} has no step", fix="list at least one share")
    elif rollout.step >= len(rollout.steps):
        problem = f"the rollout {rollout.name!r} has no step {rollout.step}: steps are counted from 0"
        mistakes.add((*path, "step"), problem, fix=f"write a number of 0 to {len(rollout.steps) - 1}")
    for place, (before, after) in enumerate(itertools.pairwise(rollout.steps), start=1):
        if after.share <= before.share:
            problem = f"the share {after.share} is not above the step's before, {before.share}"
            mistakes.add((*path, "steps", place, "share"), problem, fix="let each step serve more than the one before")
    _measured(rollout, path, document, mistakes)
    route = _route(rollout.route, (*path, "route"), document, mistakes)
    if rollout.arm == rollout.against:
        problem = f"the rollout {rollout.name!r} compares the arm {rollout.arm!r} with itself"
        mistakes.add((*path, "against"), problem, fix="name the arm that serves the others")
    elif route is not None:
        candidate = _arm(rollout.arm, route, (*path, "arm"), mistakes)
        against = _arm(rollout.against, route, (*path, "against"), mistakes)
        if candidate is not None and candidate.weight and rollout.state != "completed":
            problem = f"the arm {candidate.name!r} has a weight, so it serves more than the rollout's share"
            mistakes.add((*path, "arm"), problem, fix=f"give it the weight 0 in the route {route.name!r}")
        if against is not None and not against.weight and rollout.state not in ENDED:
            problem = f"the arm {against.name!r} has no weight, so it serves nobody to compare with"
            mistakes.add((*path, "against"), problem, fix="name an arm that has some")


def _measured(rollout: Rollout, path: Path, document: Document, mistakes: Mistakes) -> None:
    """Report what could never be proven, or would be proven by too few."""
    for section, parts in (("guardrails", rollout.guardrails), ("success", rollout.success)):
        for place, part in enumerate(parts):
            if part.measure in SHARES and not part.relative and part.margin >= 1:
                problem = f"{part.measure} is a share of 0 to 1, so nothing is worse by {part.margin:g}"
                fix = f"write per cent as a share: {part.margin / 100:g}"
                mistakes.add((*path, section, place, "margin"), problem, fix=fix)
    for place, step in enumerate(rollout.steps):
        if rollout.success and step.share < BASIS_POINTS and step.min_sample < LEAST_SAMPLE:
            problem = f"the step asks for {step.min_sample} people, and of fewer than {LEAST_SAMPLE} nothing is proven"
            mistakes.add((*path, "steps", place, "min_sample"), problem, fix=f"write at least {LEAST_SAMPLE}")
    budgets = [limit.name for limit in document.limits if limit.cost is not None]
    if rollout.budget is not None and rollout.budget not in budgets:
        fix = one_of(budgets, "give a limit of that name a `cost`")
        mistakes.add((*path, "budget"), f"no limit {rollout.budget!r} counts what calls cost", fix=fix)


def _together(document: Document, mistakes: Mistakes) -> None:
    """Nobody may be in two experiments of a layer, nor may two things choose the arm of one call."""
    for (_, one), (index, two) in itertools.combinations(_running(document), 2):
        path: Path = ("experiments", index)
        overlap = one.first < two.last and two.first < one.last
        if layer_of(one) == layer_of(two):
            if overlap:
                problem = f"the experiments {one.name!r} and {two.name!r} share slots of the layer {one.layer!r}"
                fix = "part the slots by `first` and `last`, or stop one of them"
                mistakes.add((*path, "first"), problem, fix=fix)
            if one.unit != two.unit:
                problem = f"the layer {one.layer!r} parts subjects for {one.name!r} and sessions for {two.name!r}"
                if one.unit == "session":
                    problem = f"the layer {one.layer!r} parts sessions for {one.name!r} and subjects for {two.name!r}"
                mistakes.add((*path, "unit"), problem, fix="give them layers of their own")
        elif one.route == two.route and _chooses(one) and _chooses(two):
            problem = f"the experiments {one.name!r} and {two.name!r} may both choose the arm of one call"
            fix = "put both into one `layer` with slots of their own, or stop one of them"
            mistakes.add((*path, "route"), problem, fix=fix)
    for index, rollout in enumerate(document.rollouts):
        for _, experiment in _running(document) if rollout.state not in ENDED else ():
            if experiment.route == rollout.route and _chooses(experiment):
                problem = f"the running experiment {experiment.name!r} chooses arms of the route {rollout.route!r} too"
                fix = "stop the experiment first, or remove the rollout"
                mistakes.add(("rollouts", index, "route"), problem, fix=fix)


def _one_rollout_each(document: Document, mistakes: Mistakes) -> None:
    serving: dict[str, str] = {}
    for index, rollout in enumerate(document.rollouts):
        if rollout.state in ("pending", "rolled_back"):
            continue
        before = serving.setdefault(rollout.route, rollout.name)
        if before != rollout.name:
            problem = f"the rollouts {before!r} and {rollout.name!r} both serve the route {rollout.route!r}"
            fix = "let one end first; of one that is completed, write its arm into the route's weights and remove it"
            mistakes.add(("rollouts", index, "route"), problem, fix=fix)


def _seeds(document: Document, mistakes: Mistakes) -> None:
    """Two assignments with one seed are one assignment: what is done by one would be measured by the other too."""
    others = [("holdout", part.name, part.seed or part.name) for part in document.holdouts]
    others += [("rollout", part.name, seed_of(part)) for part in document.rollouts if part.state not in ENDED]
    others += [
        ("route", route.name, seed_of(route)) for route in document.routes if sum(a.weight > 0 for a in route.arms) > 1
    ]
    for index, experiment in _running(document):
        same = next(((kind, name) for kind, name, seed in others if seed == seed_of(experiment)), None)
        if same is not None:
            problem = (
                f"the experiment {experiment.name!r} has the seed of the {same[0]} {same[1]!r}, so they assign alike"
            )
            mistakes.add(("experiments", index, "seed"), problem, fix="give it a `seed` of its own, or another name")
        others.append(("experiment", experiment.name, seed_of(experiment)))


def _running(document: Document) -> Iterator[tuple[int, Experiment]]:
    return ((index, part) for index, part in enumerate(document.experiments) if part.state == "running")


def _chooses(experiment: Experiment) -> bool:
    return experiment.route is not None and any(arm.arm is not None for arm in experiment.arms)


def _route(name: str, path: Path, document: Document, mistakes: Mistakes) -> Route | None:
    known(name, document.routes, path, mistakes)
    return next((route for route in document.routes if route.name == name), None)


def _arm(name: str, route: Route, path: Path, mistakes: Mistakes) -> Arm | None:
    arm = next((arm for arm in route.arms if arm.name == name), None)
    if arm is None:
        names = [arm.name for arm in route.arms]
        mistakes.add(path, f"the route {route.name!r} has no arm {name!r}", fix=one_of(names, "add it"))
    return arm
