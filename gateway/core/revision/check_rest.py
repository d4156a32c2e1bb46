"""Cross-checks of plain HTTP APIs: paths and sources that cannot be, and what their routes could never do."""

from collections.abc import Mapping, Sequence

from gateway.core.contract import MethodContract, method_matches
from gateway.core.policy.document import Document
from gateway.core.policy.rest import RestApi, RestMethod
from gateway.core.policy.serving import Route
from gateway.core.rest.paths import Template, TemplateWrong, shape, template, variables
from gateway.core.rest.reply_paths import is_path, is_request_path
from gateway.core.rest.sources import SAID, SourceWrong, source
from gateway.core.revision.decode import Mistakes, Path

_NEEDED = ("subject", "channel")
_OURS = ("fallback", "retries", "hedge", "mirror", "shadow")
"""What only the gateway could do, which does not forward these requests."""


def check_rest(document: Document, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    """Report methods that no request could be, and routes and upstreams that do not go with them."""
    taken: dict[tuple[str, str, Template], str] = {}
    for index, api in enumerate(document.rest):
        if not api.hosts:
            mistakes.add(("rest", index, "hosts"), "rest-without-host", name=api.name)
        _api(api, ("rest", index), taken=taken, mistakes=mistakes)
    kinds = {upstream.name: upstream.kind for upstream in document.upstreams}
    for index, route in enumerate(document.routes):
        routed = (each for each in contracts if not each.unrouted)
        covered = [each for each in routed if any(method_matches(pattern, each.method) for pattern in route.methods)]
        _route(route, ("routes", index), covered=covered, kinds=kinds, mistakes=mistakes)


def _api(api: RestApi, path: Path, *, taken: dict[tuple[str, str, Template], str], mistakes: Mistakes) -> None:
    names: set[str] = set()
    for place, method in enumerate(api.methods):
        at: Path = (*path, "methods", place)
        if method.name in names:
            mistakes.add((*at, "name"), "rest-name-taken", name=method.name, api=api.name)
        names.add(method.name)
        _sensitive(method, at, mistakes=mistakes)
        try:
            segments = template(method.path)
        except TemplateWrong as wrong:
            mistakes.add((*at, "path"), "rest-path", path=method.path, problem=wrong.what)
            continue
        _sources(method, at, segments=segments, mistakes=mistakes)
        full = f"rest/{api.name}/{method.name}"
        for host in dict.fromkeys(api.hosts):
            other = taken.setdefault((host, method.verb, shape(segments)), full)
            if other != full:
                mistakes.add((*at, "path"), "rest-path-taken", path=method.path, verb=method.verb, method=other)
                break


def _sensitive(method: RestMethod, path: Path, *, mistakes: Mistakes) -> None:
    for name, code, fits in (
        ("sensitive", "rest-reply-path", is_path),
        ("sensitive_requests", "rest-request-path", is_request_path),
    ):
        for level, fields in getattr(method, name).items():
            for number, field in enumerate(fields):
                if not fits(field):
                    mistakes.add((*path, name, level, number), code, field=field, scope="")


def _sources(method: RestMethod, path: Path, *, segments: Template, mistakes: Mistakes) -> None:
    for name in SAID:
        text = getattr(method, name)
        if not text:
            if method.operation == "CONTACT" and name in _NEEDED:
                mistakes.add((*path, name), "rest-needs", name=name, method=method.name)
            continue
        try:
            source(text, variables=variables(segments))
        except SourceWrong as wrong:
            mistakes.add((*path, name), "rest-source", text=text, problem=wrong.what)


def _route(
    route: Route, path: Path, *, covered: Sequence[MethodContract], kinds: Mapping[str, str], mistakes: Mistakes
) -> None:
    over_http = [contract.method for contract in covered if contract.http]
    others = [contract.method for contract in covered if not contract.http]
    for place, arm in enumerate(route.arms):
        kind = kinds.get(arm.upstream or "")
        at: Path = (*path, "arms", place, "upstream")
        if kind == "envoy" and others:
            mistakes.add(at, "rest-upstream-only", name=arm.upstream or "", method=others[0])
        elif kind not in ("envoy", None) and over_http:
            mistakes.add(at, "rest-upstream-missing", name=arm.upstream or "", method=over_http[0])
    for field in _OURS:
        if over_http and getattr(route, field):
            mistakes.add((*path, field), "rest-route", field=field, method=over_http[0])
