"""Cross-checks of upstreams: where they are, and what can be asked of which kind."""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from gateway.core.contract import MethodContract
from gateway.core.policy.document import Document
from gateway.core.policy.serving import Route
from gateway.core.policy.upstreams import Upstream
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.serving import takes_route, version_of

LANGUAGE_MODELS: Final = "/pilote.inference.v1.InferenceService/"
"""The contract that servers of the OpenAI-compatible API are asked by."""
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def check_upstreams(document: Document, mistakes: Mistakes) -> None:
    """Report upstreams that are nowhere, or in two places, and versions that their upstream could not be asked for."""
    for index, upstream in enumerate(document.upstreams):
        _upstream(upstream, ("upstreams", index), mistakes)
    http = {upstream.name for upstream in document.upstreams if upstream.kind == "openai"}
    for index, model in enumerate(document.models):
        for place, version in enumerate(model.versions):
            if version.upstream in http and version.served_as is None:
                values = {"upstream": version.upstream, "version": version.version}
                mistakes.add(("models", index, "versions", place), "served-as-missing", **values)
    for index, route in enumerate(document.routes):
        for place, arm in enumerate(route.arms):
            if arm.upstream in http and not route.models:
                mistakes.add(("routes", index, "arms", place, "upstream"), "arm-of-language-models", name=arm.name)


def check_asked_over_http(document: Document, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    """Report routes by which a server of the OpenAI-compatible API would be asked what it does not know."""
    http = {upstream.name for upstream in document.upstreams if upstream.kind == "openai"}
    for index, route in enumerate(document.routes):
        if http.isdisjoint(_upstreams(route, document)):
            continue
        for contract in contracts:
            if takes_route(route, contract) and not contract.method.startswith(LANGUAGE_MODELS):
                values = {"method": contract.method, "pattern": f"{LANGUAGE_MODELS}*"}
                mistakes.add(("routes", index, "methods"), "not-over-http", **values)


def _upstreams(route: Route, document: Document) -> Iterator[str]:
    for model in document.models:
        for arm in route.arms if model.name in route.models else ():
            wanted = version_of(arm, model)
            yield from (version.upstream for version in model.versions if version.version == wanted)


def _upstream(upstream: Upstream, path: Path, mistakes: Mistakes) -> None:
    if upstream.kind == "grpc":
        if not upstream.all_addresses:
            mistakes.add(path, "upstream-without-address", name=upstream.name)
        for field in ("url", "key_file", "max_tokens_name"):
            if getattr(upstream, field) is not None:
                mistakes.add((*path, field), "upstream-only-http", field=field)
    elif upstream.kind == "envoy":
        for field in ("address", "addresses", "tls", "outliers", "url", "key_file", "max_tokens_name"):
            if getattr(upstream, field):
                mistakes.add((*path, field), "upstream-of-envoy", field=field)
    else:
        _language_models(upstream, path, mistakes)


def _language_models(upstream: Upstream, path: Path, mistakes: Mistakes) -> None:
    for field, given in (
        ("address", upstream.address is not None),
        ("addresses", bool(upstream.addresses)),
        ("tls", upstream.tls),
        ("outliers", upstream.outliers is not None),
    ):
        if given:
            mistakes.add((*path, field), "upstream-only-grpc", field=field)
    if upstream.url is None:
        mistakes.add(path, "upstream-without-url", name=upstream.name)
    else:
        _url(upstream, upstream.url, (*path, "url"), mistakes)


def _url(upstream: Upstream, url: str, path: Path, mistakes: Mistakes) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host:
        mistakes.add(path, "url-without-server")
    elif parts.username is not None or parts.password is not None:
        mistakes.add(path, "url-with-credential")
    elif upstream.key_file is not None and parts.scheme == "http" and host not in LOOPBACK:
        mistakes.add(path, "url-in-the-clear")
