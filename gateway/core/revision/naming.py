"""Whether what a part of the policy names is there."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Protocol

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
    near = difflib.get_close_matches(name, names, n=1)
    choices = f", or choose one of: {', '.join(names)}" if names else ""
    fix = f"did you mean {near[0]!r}?" if near else f"add it to `{section}`{choices}"
    mistakes.add(path, f"{name!r} is not defined", fix=fix)


def one_of(choices: Sequence[str], otherwise: str) -> str:
    """A fix that names all that could be chosen, and what else could be done."""
    return f"choose one of {', '.join(choices)}, or {otherwise}" if choices else otherwise
