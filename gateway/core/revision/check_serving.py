"""Cross-checks of who serves calls: upstreams, routes and their arms."""

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.document import Document
from gateway.core.policy.serving import Arm, Model, Route
from gateway.core.revision.check_upstreams import check_upstreams
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.naming import known, one_of


def check_serving(document: Document, mistakes: Mistakes) -> None:
    """Report whatever upstreams and routes name that is not there, or does not add up."""
    check_upstreams(document, mistakes)
    for index, route in enumerate(document.routes):
        _route(route, ("routes", index), document, mistakes)


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
        if arm.version is not None and model.name in route.models:
            _version(arm.version, model, (*path, "version"), mistakes)


def _version(wanted: str, model: Model, path: Path, mistakes: Mistakes) -> None:
    versions = [version.version for version in model.versions]
    if wanted.startswith("@") and wanted[1:] not in model.aliases:
        aliases = [f"@{alias}" for alias in sorted(model.aliases)]
        problem = f"the model {model.name!r} has no alias {wanted[1:]!r}"
        mistakes.add(path, problem, fix=one_of(aliases, "add it to the model's `aliases`"))
    elif not wanted.startswith("@") and wanted not in versions:
        mistakes.add(path, f"the model {model.name!r} has no version {wanted!r}", fix=one_of(versions, "list it"))
