"""Which method of a policy a descriptor is. Pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.core.policy.ratelimit import CountedDescriptor, RateLimitDomain
from gateway.core.ratelimit.entries import entry_source
from gateway.core.rest.sources import Source, SourceWrong

NOBODY: Final = "-"
Entries = tuple[tuple[str, str], ...]
Shape = tuple[tuple[str, str], ...]


class Counted(NamedTuple):
    """A method of a policy."""

    method: str
    """Such as "/ratelimit/vendors/messages"."""
    agent: Source


def keys_of(descriptor: CountedDescriptor) -> tuple[str, ...]:
    """The keys of its entries, in order."""
    return tuple(entry.key for entry in descriptor.entries)


def shape(descriptor: CountedDescriptor) -> Shape:
    """Two of one shape fit the same descriptors."""
    return tuple((entry.key, entry.value) for entry in descriptor.entries)


class Descriptors:
    """The methods of all domains of a policy that was checked."""

    def __init__(self, domains: Iterable[RateLimitDomain]) -> None:
        self._names: dict[str, str] = {}
        self._found: dict[tuple[str, tuple[str, ...]], list[tuple[Shape, Counted]]] = {}
        for domain in domains:
            called = domain.domain or domain.name
            self._names[called] = domain.name
            for descriptor in domain.descriptors:
                try:
                    agent = entry_source(descriptor.agent, keys=keys_of(descriptor))
                except SourceWrong:
                    continue
                counted = Counted(f"/ratelimit/{domain.name}/{descriptor.name}", agent)
                self._found.setdefault((called, keys_of(descriptor)), []).append((shape(descriptor), counted))
        for each in self._found.values():
            each.sort(key=lambda pair: [not value for _, value in pair[0]])

    def find(self, domain: str, entries: Entries) -> Counted | None:
        """The method that such a descriptor is; `None` where nobody has described it.

        Where several fit, the one that says the value of the earliest entry counts.
        """
        for wanted, counted in self._found.get((domain, tuple(key for key, _ in entries)), ()):
            if all(value in ("", given) for (_, value), (_, given) in zip(wanted, entries, strict=True)):
                return counted
        return None

    def nobodys(self, domain: str) -> str:
        """What a descriptor is called that no method describes: by its domain, if there is one."""
        return f"/ratelimit/{self._names.get(domain, NOBODY)}/{NOBODY}"
