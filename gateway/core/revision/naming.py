"""Whether what a part of the policy names is there."""

from collections.abc import Iterable
from typing import Protocol

from gateway.core.mistakes import near, one_of, told
from gateway.core.revision.decode import Mistakes, Path


class Named(Protocol):
    """A part of the policy that has a name."""

    @property
    def name(self) -> str:
        """Its name."""


def known(name: str, parts: Iterable[Named], path: Path, mistakes: Mistakes) -> None:
    """Report that nothing of that name is among the parts, with the one that may be meant."""
    names = [part.name for part in parts]
    section = {"upstream": "upstreams", "issuer": "issuers", "route": "routes"}.get(str(path[-1]), "models")
    if name in names or mistakes.under(section):  # where a section cannot be read, what it defines is not known
        return
    add = told("add-to", section=section)
    mistakes.add(path, "undefined", name=name, hint=near(name, names, one_of(names, add)))
