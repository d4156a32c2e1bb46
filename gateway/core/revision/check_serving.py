"""Cross-checks of who serves calls: upstreams, models, routes and their arms."""

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.document import Document
from gateway.core.policy.serving import Arm, Model, Route
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.naming import known


def check_serving(document: Document, mistakes: Mistakes) -> None:
    """Report whatever upstreams, models and routes name that is not there, or does not add up."""
    for index, upstream in enumerate(document.upstreams):
        if upstream.kind == "grpc" and not upstream.all_addresses:
            fix = 'add `address`, such as "127.0.0.1:50061"'
            mistakes.add(("upstreams", index), f"the upstream {upstream.name!r} has no address", fix=fix)
    _models(document, mistakes)
    for index, route in enumerate(document.routes):
        _route(route, ("routes", index), document, mistakes)


def _models(document: Document, mistakes: Mistakes) -> None:
    for index, model in enumerate(document.models):
        path: Path = ("models", index, "versions")
        if not model.versions:
            mistakes.add(path, f"the model {model.name!r} has no version", fix="list at least one")
        _unique_versions(model, path, mistakes)
        for place, version in enumerate(model.versions):
            known(version.upstream, document.upstreams, (*path, place, "upstream"), mistakes)


def _unique_versions(model: Model, path: Path, mistakes: Mistakes) -> None:
    versions = [version.version for version in model.versions]
    for place, version in enumerate(versions):
        if version in versions[:place]:
            mistakes.add((*path, place), f"the version {version!r} is listed twice", fix="remove one of them")


def _route(route: Route, path: Path, document: Document, mistakes: Mistakes) -> None:
    total = sum(arm.weight for arm in route.arms)
    if total != BASIS_POINTS:
        problem = f"the weights of route {route.name!r} add up to {total}"
        mistakes.add((*path, "arms"), problem, fix=f"make them add up to {BASIS_POINTS} basis points (100 %)")
    if not route.methods:
        fix = "list the methods it serves in `methods`"
        mistakes.add((*path, "methods"), f"the route {route.name!r} serves no method", fix=fix)
    names = [arm.name for arm in route.arms]
    for index, name in enumerate(route.models):
        known(name, document.models, (*path, "models", index), mistakes)
    for index, arm in enumerate(route.arms):
        if arm.name in names[:index]:
            problem = f"the route {route.name!r} has two arms {arm.name!r}"
            mistakes.add((*path, "arms", index, "name"), problem, fix="choose another name")
        _arm(arm, (*path, "arms", index), route=route, document=document, mistakes=mistakes)


def _arm(arm: Arm, path: Path, *, route: Route, document: Document, mistakes: Mistakes) -> None:
    if (arm.upstream is None) == (arm.version is None):
        fix = "give `version` on a route with `models`, `upstream` on any other"
        mistakes.add(path, f"the arm {arm.name!r} needs either an upstream or a version", fix=fix)
    elif arm.upstream is not None and route.models:
        fix = "give `version`; the model's version says which upstream serves it"
        mistakes.add(path, f"the arm {arm.name!r} names an upstream, but its route asks models", fix=fix)
    elif arm.upstream is not None:
        known(arm.upstream, document.upstreams, (*path, "upstream"), mistakes)
    elif not route.models:
        fix = "list the models the route serves in `models`"
        mistakes.add(path, f"the arm {arm.name!r} names a version, but its route names no models", fix=fix)
    for model in document.models:
        versions = [version.version for version in model.versions]
        if arm.version is not None and model.name in route.models and arm.version not in versions:
            problem = f"the model {model.name!r} has no version {arm.version!r}"
            mistakes.add((*path, "version"), problem, fix=f"choose one of {', '.join(versions)}, or list it")
