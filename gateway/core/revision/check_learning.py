"""Cross-checks of test & learn: would every experiment and rollout measure what it says, and nobody be in two?"""

import itertools
from collections.abc import Iterator

from gateway.core.assignment import BASIS_POINTS
from gateway.core.mistakes import one_of, told
from gateway.core.policy.document import Document
from gateway.core.policy.learning import LEAST_SAMPLE, SHARES, Experiment, Rollout
from gateway.core.policy.serving import Arm, Route
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.naming import known
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
        mistakes.add((*path, "arms"), "experiment-weights", name=name, total=total, whole=BASIS_POINTS)
    names = [arm.name for arm in arms]
    for place, arm in enumerate(arms):
        if arm.name in names[:place]:
            mistakes.add((*path, "arms", place, "name"), "variation-twice", name=name, variation=arm.name)
        if arm.arm is not None and experiment.route is None:
            mistakes.add((*path, "arms", place, "arm"), "variation-without-route", variation=arm.name)
    if experiment.first >= experiment.last:
        slots = {"first": experiment.first, "last": experiment.last}
        mistakes.add((*path, "first"), "experiment-without-slot", name=name, **slots)
    if experiment.route is not None:
        route = _route(experiment.route, (*path, "route"), document, mistakes)
        for place, arm in enumerate(arms):
            if route is not None and arm.arm is not None:
                _arm(arm.arm, route, (*path, "arms", place, "arm"), mistakes)


def _rollout(rollout: Rollout, path: Path, document: Document, mistakes: Mistakes) -> None:
    if len(rollout.steps) > MOST_STEPS:
        count = len(rollout.steps)
        mistakes.add((*path, "steps"), "rollout-too-long", name=rollout.name, count=count, most=MOST_STEPS)
    if not rollout.steps:
        mistakes.add((*path, "steps"), "rollout-without-step", name=rollout.name)
    elif rollout.step >= len(rollout.steps):
        last = len(rollout.steps) - 1
        mistakes.add((*path, "step"), "rollout-step-unknown", name=rollout.name, step=rollout.step, last=last)
    for place, (before, after) in enumerate(itertools.pairwise(rollout.steps), start=1):
        if after.share <= before.share:
            shares = {"share": after.share, "before": before.share}
            mistakes.add((*path, "steps", place, "share"), "rollout-share-not-above", **shares)
    _measured(rollout, path, document, mistakes)
    route = _route(rollout.route, (*path, "route"), document, mistakes)
    if rollout.arm == rollout.against:
        mistakes.add((*path, "against"), "rollout-against-itself", name=rollout.name, arm=rollout.arm)
    elif route is not None:
        candidate = _arm(rollout.arm, route, (*path, "arm"), mistakes)
        against = _arm(rollout.against, route, (*path, "against"), mistakes)
        if candidate is not None and candidate.weight and rollout.state != "completed":
            mistakes.add((*path, "arm"), "rollout-arm-weighs", arm=candidate.name, route=route.name)
        if against is not None and not against.weight and rollout.state not in ENDED:
            mistakes.add((*path, "against"), "rollout-against-nobody", arm=against.name)


def _measured(rollout: Rollout, path: Path, document: Document, mistakes: Mistakes) -> None:
    """Report what could never be proven, or would be proven by too few."""
    for section, parts in (("guardrails", rollout.guardrails), ("success", rollout.success)):
        for place, part in enumerate(parts):
            if part.measure in SHARES and not part.relative and part.margin >= 1:
                values = {"measure": part.measure, "margin": f"{part.margin:g}", "share": f"{part.margin / 100:g}"}
                mistakes.add((*path, section, place, "margin"), "margin-of-share", **values)
    for place, step in enumerate(rollout.steps):
        if rollout.success and step.share < BASIS_POINTS and step.min_sample < LEAST_SAMPLE:
            sample = {"sample": step.min_sample, "least": LEAST_SAMPLE}
            mistakes.add((*path, "steps", place, "min_sample"), "sample-too-small", **sample)
    budgets = [limit.name for limit in document.limits if limit.cost is not None]
    if rollout.budget is not None and rollout.budget not in budgets:
        hint = one_of(budgets, told("add-cost"))
        mistakes.add((*path, "budget"), "budget-unknown", name=rollout.budget, hint=hint)


def _together(document: Document, mistakes: Mistakes) -> None:
    """Nobody may be in two experiments of a layer, nor may two things choose the arm of one call."""
    for (_, one), (index, two) in itertools.combinations(_running(document), 2):
        path: Path = ("experiments", index)
        overlap = one.first < two.last and two.first < one.last
        if layer_of(one) == layer_of(two):
            if overlap:
                mistakes.add((*path, "first"), "slots-shared", one=one.name, two=two.name, layer=one.layer or "")
            if one.unit != two.unit:
                subjects, sessions = (two, one) if one.unit == "session" else (one, two)
                names = {"subjects": subjects.name, "sessions": sessions.name}
                mistakes.add((*path, "unit"), "layer-of-two-units", layer=one.layer or "", **names)
        elif one.route == two.route and _chooses(one) and _chooses(two):
            mistakes.add((*path, "route"), "experiments-choose-both", one=one.name, two=two.name)
    for index, rollout in enumerate(document.rollouts):
        for _, experiment in _running(document) if rollout.state not in ENDED else ():
            if experiment.route == rollout.route and _chooses(experiment):
                values = {"name": experiment.name, "route": rollout.route}
                mistakes.add(("rollouts", index, "route"), "experiment-chooses-too", **values)


def _one_rollout_each(document: Document, mistakes: Mistakes) -> None:
    serving: dict[str, str] = {}
    for index, rollout in enumerate(document.rollouts):
        if rollout.state in ("pending", "rolled_back"):
            continue
        before = serving.setdefault(rollout.route, rollout.name)
        if before != rollout.name:
            values = {"one": before, "two": rollout.name, "route": rollout.route}
            mistakes.add(("rollouts", index, "route"), "rollouts-of-one-route", **values)


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
            kind, other = told(f"of-the-{same[0]}"), same[1]
            mistakes.add(("experiments", index, "seed"), "seed-shared", name=experiment.name, kind=kind, other=other)
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
        mistakes.add(path, "arm-unknown", route=route.name, name=name, hint=one_of(names, told("add-it")))
    return arm
