"""Cross-checks of who serves calls: upstreams, routes and their arms."""

from gateway.core.assignment import BASIS_POINTS
from gateway.core.mistakes import one_of, told
from gateway.core.policy.document import Document
from gateway.core.policy.serving import Arm, Model, Route
from gateway.core.revision.check_upstreams import check_upstreams
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.naming import known


def check_serving(document: Document, mistakes: Mistakes) -> None:
    """Report whatever upstreams and routes name that is not there, or does not add up."""
    check_upstreams(document, mistakes)
    for index, route in enumerate(document.routes):
        _route(route, ("routes", index), document, mistakes)


def _route(route: Route, path: Path, document: Document, mistakes: Mistakes) -> None:
    total = sum(arm.weight for arm in route.arms)
    if total != BASIS_POINTS:
        mistakes.add((*path, "arms"), "route-weights", name=route.name, total=total, whole=BASIS_POINTS)
    if not route.methods:
        mistakes.add((*path, "methods"), "route-without-method", name=route.name)
    names = [arm.name for arm in route.arms]
    for index, name in enumerate(route.models):
        known(name, document.models, (*path, "models", index), mistakes)
    for index, arm in enumerate(route.arms):
        if arm.name in names[:index]:
            mistakes.add((*path, "arms", index, "name"), "arm-twice", route=route.name, name=arm.name)
        _arm(arm, (*path, "arms", index), route=route, document=document, mistakes=mistakes)


def _arm(arm: Arm, path: Path, *, route: Route, document: Document, mistakes: Mistakes) -> None:
    if (arm.upstream is None) == (arm.version is None):
        mistakes.add(path, "arm-either", name=arm.name)
    elif arm.upstream is not None and route.models:
        mistakes.add(path, "arm-upstream-of-models", name=arm.name)
    elif arm.upstream is not None:
        known(arm.upstream, document.upstreams, (*path, "upstream"), mistakes)
    elif not route.models:
        mistakes.add(path, "arm-version-of-none", name=arm.name)
    for model in document.models:
        if arm.version is not None and model.name in route.models:
            _version(arm.version, model, (*path, "version"), mistakes)


def _version(wanted: str, model: Model, path: Path, mistakes: Mistakes) -> None:
    versions = [version.version for version in model.versions]
    if wanted.startswith("@") and wanted[1:] not in model.aliases:
        aliases = [f"@{alias}" for alias in sorted(model.aliases)]
        hint = one_of(aliases, told("add-alias"))
        mistakes.add(path, "alias-unknown", model=model.name, alias=wanted[1:], hint=hint)
    elif not wanted.startswith("@") and wanted not in versions:
        hint = one_of(versions, told("list-it"))
        mistakes.add(path, "version-unknown", model=model.name, version=wanted, hint=hint)
