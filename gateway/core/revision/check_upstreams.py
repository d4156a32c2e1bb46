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
                problem = f"the server {version.upstream!r} cannot be asked for the version {version.version!r}"
                fix = "add `served_as`, the name by which the server knows this very version"
                mistakes.add(("models", index, "versions", place), problem, fix=fix)
    for index, route in enumerate(document.routes):
        for place, arm in enumerate(route.arms):
            if arm.upstream in http and not route.models:
                problem = f"the arm {arm.name!r} leads to a server of language models, but its route asks none"
                fix = "give it a gRPC upstream, or make it a route of `models`"
                mistakes.add(("routes", index, "arms", place, "upstream"), problem, fix=fix)


def check_asked_over_http(document: Document, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    """Report routes by which a server of the OpenAI-compatible API would be asked what it does not know."""
    http = {upstream.name for upstream in document.upstreams if upstream.kind == "openai"}
    for index, route in enumerate(document.routes):
        if http.isdisjoint(_upstreams(route, document)):
            continue
        for contract in contracts:
            if takes_route(route, contract) and not contract.method.startswith(LANGUAGE_MODELS):
                problem = f"{contract.method} cannot be asked over the OpenAI-compatible API"
                fix = f"give it a route of its own, with versions at gRPC upstreams; here list {LANGUAGE_MODELS}*"
                mistakes.add(("routes", index, "methods"), problem, fix=fix)


def _upstreams(route: Route, document: Document) -> Iterator[str]:
    for model in document.models:
        for arm in route.arms if model.name in route.models else ():
            wanted = version_of(arm, model)
            yield from (version.upstream for version in model.versions if version.version == wanted)


def _upstream(upstream: Upstream, path: Path, mistakes: Mistakes) -> None:
    name, addresses = upstream.name, upstream.all_addresses
    if upstream.kind == "grpc":
        if not addresses:
            fix = 'add `address`, such as "127.0.0.1:50061"'
            mistakes.add(path, f"the upstream {name!r} has no address", fix=fix)
        for field in ("url", "key_file", "max_tokens_name"):
            if getattr(upstream, field) is not None:
                fix = "say `kind: openai`, or remove it"
                mistakes.add((*path, field), f"`{field}` goes with OpenAI-compatible servers only", fix=fix)
        return
    for field, given in (
        ("address", upstream.address is not None),
        ("addresses", bool(upstream.addresses)),
        ("tls", upstream.tls),
        ("outliers", upstream.outliers is not None),
    ):
        if given:
            fix = "remove it: `url` says where the server is, and https:// encrypts"
            mistakes.add((*path, field), f"`{field}` goes with gRPC servers only", fix=fix)
    if upstream.url is None:
        fix = 'add `url`, such as "https://llm.example.com/v1"'
        mistakes.add(path, f"the upstream {name!r} has no url", fix=fix)
    else:
        _url(upstream, upstream.url, (*path, "url"), mistakes)


def _url(upstream: Upstream, url: str, path: Path, mistakes: Mistakes) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host:
        mistakes.add(path, "the url names no server", fix='write it like "https://llm.example.com/v1"')
    elif parts.username is not None or parts.password is not None:
        fix = "take it out; a key goes into a file that `key_file` names"
        mistakes.add(path, "the url holds a credential, and everybody can read a policy", fix=fix)
    elif upstream.key_file is not None and parts.scheme == "http" and host not in LOOPBACK:
        fix = "write https://, or let a proxy on this machine encrypt"
        mistakes.add(path, "the key would be sent in the clear", fix=fix)
