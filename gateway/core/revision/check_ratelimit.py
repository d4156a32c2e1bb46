"""Cross-checks of what Envoy's rate limit filter may ask: descriptors that cannot be, and what could never be done."""

from collections.abc import Sequence

from gateway.core.contract import MethodContract, method_matches
from gateway.core.mistakes import near, one_of, told
from gateway.core.policy.document import Document
from gateway.core.policy.ratelimit import CountedDescriptor
from gateway.core.ratelimit.descriptors import Shape, keys_of, shape
from gateway.core.ratelimit.entries import SAID, entry_source
from gateway.core.rest.sources import SourceWrong
from gateway.core.revision.decode import Mistakes, Path

_NEEDED = ("subject", "channel")


def check_ratelimit(document: Document, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    """Report descriptors that nothing could be, and what cannot be said of those that somebody asks about."""
    domains: set[str] = set()
    for index, domain in enumerate(document.ratelimit):
        path: Path = ("ratelimit", index)
        called = domain.domain or domain.name
        if called in domains:
            mistakes.add((*path, "domain"), "ratelimit-domain-taken", domain=called)
        domains.add(called)
        names: set[str] = set()
        shapes: dict[Shape, str] = {}
        for place, descriptor in enumerate(domain.descriptors):
            at: Path = (*path, "descriptors", place)
            if descriptor.name in names:
                mistakes.add((*at, "name"), "ratelimit-name-taken", name=descriptor.name, domain=domain.name)
            names.add(descriptor.name)
            _entries(descriptor, at, shapes=shapes, mistakes=mistakes)
            _sources(descriptor, at, document=document, mistakes=mistakes)
    _forwarded_only(document, contracts, mistakes)


def _forwarded_only(document: Document, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    """Report routes and limits that are about such descriptors alone, and that nothing can come of."""
    asked = [contract.method for contract in contracts if contract.unrouted]
    others = [contract.method for contract in contracts if not contract.unrouted]

    def only_asks(patterns: Sequence[str]) -> str:
        """A method of these patterns, where they cover none that is forwarded."""
        if any(method_matches(pattern, method) for pattern in patterns for method in others):
            return ""
        return next((method for method in asked if any(method_matches(each, method) for each in patterns)), "")

    for index, route in enumerate(document.routes if asked else ()):
        if method := only_asks(route.methods):
            mistakes.add(("routes", index, "methods"), "ratelimit-routed", method=method)
    for index, limit in enumerate(document.limits if asked else ()):
        field = "concurrent" if isinstance(limit.concurrent, int) else "quota" if limit.quota is not None else ""
        if field and (method := only_asks(limit.methods)):
            mistakes.add(("limits", index, field), "ratelimit-never-over", field=field, method=method)


def _entries(descriptor: CountedDescriptor, path: Path, *, shapes: dict[Shape, str], mistakes: Mistakes) -> None:
    keys = keys_of(descriptor)
    if not keys:
        mistakes.add((*path, "entries"), "ratelimit-without-entries", name=descriptor.name)
    for place, key in enumerate(keys):
        if key in keys[:place]:
            mistakes.add((*path, "entries", place, "key"), "ratelimit-key-twice", key=key)
    other = shapes.setdefault(shape(descriptor), descriptor.name)
    if keys and other != descriptor.name:
        mistakes.add((*path, "entries"), "ratelimit-taken", name=other)


def _sources(descriptor: CountedDescriptor, path: Path, *, document: Document, mistakes: Mistakes) -> None:
    for name in ("agent", *SAID):
        text = getattr(descriptor, name)
        if not text:
            if name == "agent" or (descriptor.operation == "CONTACT" and name in _NEEDED):
                mistakes.add((*path, name), "ratelimit-needs", name=name, descriptor=descriptor.name)
            continue
        try:
            found = entry_source(text, keys=keys_of(descriptor))
        except SourceWrong as wrong:
            mistakes.add((*path, name), "ratelimit-source", text=text, problem=wrong.what)
            continue
        agents = [agent.name for agent in document.agents]
        if name == "agent" and not found.places and text not in agents and not mistakes.under("agents"):
            hint = near(text, agents, one_of(agents, told("add-to", section="agents")))
            mistakes.add((*path, name), "undefined", name=text, hint=hint)
