"""Cross-checks of mirrors and shadows: where copies of calls go, and what is compared of them."""

from collections.abc import Iterator, Sequence

from gateway.core.contract import MethodContract, RedactionMistake, method_matches
from gateway.core.mistakes import one_of, told
from gateway.core.policy.document import Document
from gateway.core.policy.serving import Arm, Copy, Route, Shadow
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.serving import version_of
from gateway.core.shadows import HARMLESS


def check_copies(document: Document, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    """Report copies that would go nowhere, to where their call went, or write where something is real."""
    for index, route in enumerate(document.routes):
        for field, copy in (("mirror", route.mirror), ("shadow", route.shadow)):
            if copy is not None:
                _copy(copy, ("routes", index, field), route=route, mistakes=mistakes)
        if not mistakes.under("contracts"):
            taking = [
                each
                for each in contracts
                if not each.unrouted and any(method_matches(pattern, each.method) for pattern in route.methods)
            ]
            served = [each for each in taking if not (each.client_streaming or each.server_streaming)]
            if taking and not served:
                _streams(route, ("routes", index), mistakes)
            _contracts(route, ("routes", index), document=document, served=served, mistakes=mistakes)
    _sandboxes(document, mistakes)


def _copy(copy: Copy, path: Path, *, route: Route, mistakes: Mistakes) -> None:
    arm = _arm(route, copy)
    if arm is None:
        resting = [each.name for each in route.arms if each.weight == 0]
        hint = one_of(resting, told("add-resting-arm"))
        mistakes.add((*path, "arm"), "arm-unknown", route=route.name, name=copy.arm, hint=hint)
    elif arm.weight > 0:
        mistakes.add((*path, "arm"), "copy-of-itself", name=copy.arm)


def _streams(route: Route, path: Path, mistakes: Mistakes) -> None:
    for field, copy in (("mirror", route.mirror), ("shadow", route.shadow)):
        if copy is not None:
            mistakes.add((*path, field), "copy-of-streams", route=route.name)


def _sandboxes(document: Document, mistakes: Mistakes) -> None:
    """What is real at one name is not unreal at another one."""
    real = {place: each.name for each in document.upstreams if not each.sandbox for place in each.all_addresses}
    for index, upstream in enumerate(document.upstreams):
        shared = [real[place] for place in upstream.all_addresses if place in real] if upstream.sandbox else []
        if shared:
            mistakes.add(("upstreams", index, "sandbox"), "sandbox-real", name=upstream.name, other=shared[0])


def _contracts(
    route: Route, path: Path, *, document: Document, served: Sequence[MethodContract], mistakes: Mistakes
) -> None:
    if route.shadow is not None:
        _ignored(route.shadow, (*path, "shadow", "ignore"), served=served, mistakes=mistakes)
    writing = [contract.method for contract in served if contract.operation not in HARMLESS]
    if route.mirror is None or not writing:
        return
    real = [name for name in _upstreams(route, route.mirror, document) if not _sandbox(document, name)]
    if real:
        mistakes.add((*path, "mirror", "arm"), "copy-acts", method=writing[0], upstream=real[0])


def _ignored(shadow: Shadow, path: Path, *, served: Sequence[MethodContract], mistakes: Mistakes) -> None:
    compared = [each for each in served if each.operation in HARMLESS and each.comparer is not None]
    for place, text in enumerate(shadow.ignore if compared else ()):
        wrong = [_wrong(contract, text, place) for contract in compared]
        if wrong[0] is not None and None not in wrong:
            scope = told("scope-reply", method=compared[0].method)
            mistakes.tell((*path, place), told(wrong[0].what.code, **wrong[0].what.values, scope=scope))


def _wrong(contract: MethodContract, text: str, place: int) -> RedactionMistake | None:
    assert contract.comparer is not None  # noqa: S101 - only such are asked
    try:
        contract.comparer.check(text, place=place)
    except RedactionMistake as mistake:
        return mistake
    return None


def _upstreams(route: Route, copy: Copy, document: Document) -> Iterator[str]:
    """The upstreams that an arm leads to, by way of its model's versions where it names one."""
    arm = _arm(route, copy)
    if arm is not None and arm.upstream is not None:
        yield arm.upstream
    for model in document.models:
        if arm is not None and arm.version is not None and model.name in route.models:
            yield from (each.upstream for each in model.versions if each.version == version_of(arm, model))


def _sandbox(document: Document, name: str) -> bool:
    """Whether nothing in the upstream is real; one that is not defined is reported elsewhere."""
    return all(upstream.sandbox for upstream in document.upstreams if upstream.name == name)


def _arm(route: Route, copy: Copy) -> Arm | None:
    return next((arm for arm in route.arms if arm.name == copy.arm), None)
