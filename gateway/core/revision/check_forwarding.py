"""Cross-checks of how calls are forwarded: what is tried when, where else, and what guards an upstream."""

from collections.abc import Sequence

from gateway.core.call import Operation
from gateway.core.contract import MethodContract, method_matches
from gateway.core.mistakes import one_of, told
from gateway.core.policy.document import Document
from gateway.core.policy.serving import Route
from gateway.core.policy.upstreams import Upstream
from gateway.core.policy.vocabulary import Duration, duration_ms
from gateway.core.revision.decode import Mistakes, Path

_REPEATABLE = frozenset({Operation.READ, Operation.INFER})


def check_forwarding(document: Document, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    """Report tries that would never be made, or never may be, and guards that could guard nothing."""
    for index, upstream in enumerate(document.upstreams):
        _upstream(upstream, ("upstreams", index), mistakes)
    for index, route in enumerate(document.routes):
        path: Path = ("routes", index)
        _fallback(route, path, chosen=_chosen(route, document), mistakes=mistakes)
        _times(route, path, mistakes)
        if route.hedge is not None and not mistakes.under("contracts"):
            _hedge(route, (*path, "hedge"), contracts, mistakes)


def _upstream(upstream: Upstream, path: Path, mistakes: Mistakes) -> None:
    for place, address in enumerate(upstream.addresses):
        if address in (upstream.address, *upstream.addresses[:place]):
            mistakes.add((*path, "addresses", place), "address-twice", name=upstream.name, address=address)
    if upstream.outliers is not None and len(upstream.all_addresses) < 2:
        mistakes.add((*path, "outliers"), "outliers-of-one", name=upstream.name)


def _chosen(route: Route, document: Document) -> frozenset[str]:
    """The arms that calls may be assigned to."""
    weighed = [arm.name for arm in route.arms if arm.weight > 0]
    tried = [arm.arm for each in document.experiments if each.route == route.name for arm in each.arms]
    rolled = [name for each in document.rollouts if each.route == route.name for name in (each.arm, each.against)]
    return frozenset(name for name in (*weighed, *tried, *rolled) if name is not None)


def _fallback(route: Route, path: Path, *, chosen: frozenset[str], mistakes: Mistakes) -> None:
    names = [arm.name for arm in route.arms]
    for place, name in enumerate(route.fallback):
        at = (*path, "fallback", place)
        if name not in names:
            hint = one_of(names, told("add-resting-arm"))
            mistakes.add(at, "arm-unknown", route=route.name, name=name, hint=hint)
        elif name in route.fallback[:place]:
            mistakes.add(at, "fallback-twice", name=name)
        elif chosen == {name}:
            mistakes.add(at, "fallback-of-itself", name=name)


def _times(route: Route, path: Path, mistakes: Mistakes) -> None:
    """Report waits that last as long as the whole call may, so that nothing would ever follow on them."""
    waits: list[tuple[Path, str, Duration | None]] = []
    if route.retries is not None:
        waits += [
            (("retries", "per_try"), "try-too-long", route.retries.per_try),
            (("retries", "backoff"), "backoff-too-long", route.retries.backoff),
        ]
    if route.hedge is not None:
        waits.append((("hedge", "after"), "hedge-too-late", route.hedge.after))
    for field, code, span in waits:
        if span is not None and route.timeout is not None and duration_ms(span) >= duration_ms(route.timeout):
            mistakes.add((*path, *field), code, span=span, timeout=route.timeout)


def _hedge(route: Route, path: Path, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    routed = (each for each in contracts if not each.unrouted)
    served = [each for each in routed if any(method_matches(pattern, each.method) for pattern in route.methods)]
    writing = [each.method for each in served if each.operation not in _REPEATABLE]
    streams = [each.method for each in served if each.client_streaming or each.server_streaming]
    if writing:
        mistakes.add(path, "hedge-of-writes", method=writing[0])
    elif served and len(streams) == len(served):
        mistakes.add(path, "hedge-of-streams", route=route.name)
