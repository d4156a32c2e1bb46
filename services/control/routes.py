"""Routes and models of the active policy as people see them: which arm gets which share of the calls. Pure."""

import msgspec

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.document import Document
from gateway.core.policy.learning import Holdout, Rollout
from gateway.core.policy.serving import Arm, Copy, Model, Route


class ArmShare(msgspec.Struct, frozen=True, kw_only=True):
    """One arm of a route."""

    name: str
    target: str
    """The upstream, or the model's version or alias."""
    weight: float
    """Of 1: its share as the policy says."""
    share: float
    """Of 1: what it gets now, with what a rollout gives the candidate; what experiments choose is not in it."""


class CopyShown(msgspec.Struct, frozen=True, kw_only=True):
    """Copies of a route's calls."""

    kind: str
    """"shadow": decided about and compared; "mirror": nobody looks at the answers."""
    arm: str
    share: float
    """Of 1."""


class RouteShown(msgspec.Struct, frozen=True, kw_only=True):
    """One route."""

    name: str
    methods: tuple[str, ...]
    models: tuple[str, ...]
    when: str
    """Which calls it is for, in CEL; empty: all."""
    sticky: str
    arms: tuple[ArmShare, ...]
    fallback: tuple[str, ...]
    copies: tuple[CopyShown, ...]
    rollout: str
    """The rollout that moves its candidate; empty for none."""
    experiments: tuple[str, ...]


class VersionShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One version of a model."""

    version: str
    upstream: str
    served_as: str
    prompt: str
    aliases: tuple[str, ...]
    routes: tuple[str, ...]
    """Routes with an arm that leads to it."""


class ModelShown(msgspec.Struct, frozen=True, kw_only=True):
    """One model."""

    name: str
    versions: tuple[VersionShown, ...]


class HoldoutShown(msgspec.Struct, frozen=True, kw_only=True):
    """Customers whom no agent may contact."""

    name: str
    share: float
    """Of 1."""
    categories: tuple[str, ...]
    exempt: tuple[str, ...]
    channels: tuple[str, ...]


def routes_of(document: Document) -> tuple[RouteShown, ...]:
    """All routes, in the policy's order: the first that matches is taken."""
    return tuple(_route(route, document) for route in document.routes)


def models_of(document: Document) -> tuple[ModelShown, ...]:
    """All models, by name."""
    return tuple(_model(model, document) for model in sorted(document.models, key=lambda each: each.name))


def version_in(document: Document, model: str, version: str) -> VersionShown | None:
    """One version of a model; `None`: the policy knows none of that name."""
    found = (each for each in models_of(document) if each.name == model)
    return next((version_ for each in found for version_ in each.versions if version_.version == version), None)


def versions_of(document: Document, *, route: str, arm: str) -> tuple[tuple[str, str], ...]:
    """The versions that an arm leads to: the name of each of its route's models, and its version."""
    found = next((each for each in document.routes if each.name == route), None)
    written = next((each.version for each in found.arms if each.name == arm), None) if found else None
    if found is None or not written:
        return ()
    models = [each for each in document.models if each.name in found.models]
    named = ((each.name, each.aliases.get(written[1:], "") if written[0] == "@" else written) for each in models)
    return tuple((model, version) for model, version in named if version)


def holdouts_of(document: Document) -> tuple[HoldoutShown, ...]:
    """All holdouts, by name."""
    return tuple(_holdout(each) for each in sorted(document.holdouts, key=lambda each: each.name))


def _route(route: Route, document: Document) -> RouteShown:
    rollout = next((each for each in document.rollouts if each.route == route.name), None)
    copies = (("shadow", route.shadow), ("mirror", route.mirror))
    return RouteShown(
        name=route.name,
        methods=route.methods,
        models=route.models,
        when=route.when or "",
        sticky=route.sticky,
        arms=tuple(_arm(arm, rollout) for arm in route.arms),
        fallback=route.fallback,
        copies=tuple(_copy(kind, copy) for kind, copy in copies if copy is not None),
        rollout=rollout.name if rollout else "",
        experiments=tuple(each.name for each in document.experiments if each.route == route.name),
    )


def _arm(arm: Arm, rollout: Rollout | None) -> ArmShare:
    weight = arm.weight / BASIS_POINTS
    moved = rollout.share / BASIS_POINTS if rollout else 0.0
    own = moved if rollout and rollout.arm == arm.name else 0.0
    return ArmShare(
        name=arm.name,
        target=arm.upstream or arm.version or "",
        weight=weight,
        share=round(own + (1 - moved) * weight, 6),
    )


def _copy(kind: str, copy: Copy) -> CopyShown:
    return CopyShown(kind=kind, arm=copy.arm, share=copy.share / BASIS_POINTS)


def _model(model: Model, document: Document) -> ModelShown:
    versions = []
    for each in model.versions:
        aliases = tuple(sorted(name for name, version in model.aliases.items() if version == each.version))
        written = {each.version, *(f"@{name}" for name in aliases)}
        leading = (
            route.name
            for route in document.routes
            if model.name in route.models and any(arm.version in written for arm in route.arms)
        )
        versions.append(
            VersionShown(
                version=each.version,
                upstream=each.upstream,
                served_as=each.served_as or each.version,
                prompt=each.prompt or "",
                aliases=aliases,
                routes=tuple(leading),
            )
        )
    return ModelShown(name=model.name, versions=tuple(versions))


def _holdout(holdout: Holdout) -> HoldoutShown:
    return HoldoutShown(
        name=holdout.name,
        share=holdout.share / BASIS_POINTS,
        categories=holdout.categories,
        exempt=holdout.exempt,
        channels=holdout.channels,
    )
