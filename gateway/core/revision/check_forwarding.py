"""Cross-checks of how calls are forwarded: what is tried when, where else, and what guards an upstream."""

from collections.abc import Sequence

from gateway.core.call import Operation
from gateway.core.contract import MethodContract, method_matches
from gateway.core.policy.document import Document
from gateway.core.policy.serving import Route
from gateway.core.policy.upstreams import Upstream
from gateway.core.policy.vocabulary import Duration, duration_ms
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.naming import one_of

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
            problem = f"the upstream {upstream.name!r} has the address {address!r} twice"
            mistakes.add((*path, "addresses", place), problem, fix="list each address once")
    if upstream.outliers is not None and len(upstream.all_addresses) < 2:
        problem = f"the upstream {upstream.name!r} has one address, which is never ejected"
        fix = "list several in `addresses`, or give it a `breaker` instead"
        mistakes.add((*path, "outliers"), problem, fix=fix)


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
            fix = one_of(names, "add it to the route's `arms` with `weight: 0`")
            mistakes.add(at, f"the route {route.name!r} has no arm {name!r}", fix=fix)
        elif name in route.fallback[:place]:
            mistakes.add(at, f"the arm {name!r} takes over twice", fix="name each arm once")
        elif chosen == {name}:
            problem = f"the arm {name!r} would take over from itself: no other one is ever chosen"
            mistakes.add(at, problem, fix="name another arm, one with `weight: 0` say")


def _times(route: Route, path: Path, mistakes: Mistakes) -> None:
    """Report waits that last as long as the whole call may, so that nothing would ever follow on them."""
    waits: list[tuple[Path, str, Duration | None]] = []
    if route.retries is not None:
        waits += [
            (("retries", "per_try"), "a try may take", route.retries.per_try),
            (("retries", "backoff"), "the wait before a second try is up to", route.retries.backoff),
        ]
    if route.hedge is not None:
        waits.append((("hedge", "after"), "a second try begins after", route.hedge.after))
    for field, words, span in waits:
        if span is not None and route.timeout is not None and duration_ms(span) >= duration_ms(route.timeout):
            problem = f"{words} {span}, and the call no more than {route.timeout}"
            mistakes.add((*path, *field), problem, fix="make it shorter than `timeout`, or `timeout` longer")


def _hedge(route: Route, path: Path, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    served = [each for each in contracts if any(method_matches(pattern, each.method) for pattern in route.methods)]
    writing = [each.method for each in served if each.operation not in _REPEATABLE]
    streams = [each.method for each in served if each.client_streaming or each.server_streaming]
    if writing:
        problem = f"{writing[0]} is never made twice at once, since it could change something"
        fix = "give calls that read or infer a route of their own, and hedge that one"
        mistakes.add(path, problem, fix=fix)
    elif served and len(streams) == len(served):
        problem = f"the route {route.name!r} serves streams only, which are never hedged"
        mistakes.add(path, problem, fix="remove `hedge`")
