"""Names of tools: "contacts_get" for ContactService.GetContact. Stable, unique, and at most 64 characters. Pure."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

MOST: Final = 64
"""Some models take no longer name."""
_OURS: Final = "/pilote."
_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+")
_OF_MANY: Final = frozenset({"list", "search", "stream", "import", "export"})
"""What is done with many at a time in any case."""
_BEFORE_ES: Final = ("s", "x", "z", "ch", "sh")


def names_of(methods: Iterable[str]) -> Mapping[str, str]:
    """The tool's name of each full method name, "/package.Service/Method".

    Where two services would share a name, that of our own contracts stays; the others' begin with their package. So a
    contract that is added later changes no name of ours.
    """
    wanted = sorted(set(methods))
    short = {method: _short(method) for method in wanted}
    own = Counter(name for method, name in short.items() if method.startswith(_OURS))
    every = Counter(short.values())
    found = {
        method: name
        if len(name) <= MOST and (own if method.startswith(_OURS) else every)[name] == 1
        else _long(method, name)
        for method, name in short.items()
    }
    times = Counter(found.values())
    return {method: name if times[name] == 1 else _cut(name, method) for method, name in found.items()}


def _short(method: str) -> str:
    service, _, call = method[1:].partition("/")
    thing = _words(service.rpartition(".")[2].removesuffix("Service"))
    words = _words(call)
    several = [*thing[:-1], _plural(thing[-1])] if thing else []
    if len(words) > 1 and words[1:] in (thing, several):
        many = words[1:] == several != thing and words[0] not in _OF_MANY
        return "_".join([*several, words[0], *(["many"] if many else [])])
    return "_".join([*thing, *words])


def _long(method: str, name: str) -> str:
    """The name after its package; what is too long is cut, with a digest that keeps it unique."""
    package = method[1:].partition("/")[0].rpartition(".")[0].removeprefix("pilote.")
    whole = re.sub(r"[^a-z0-9_]+", "_", f"{package}_{name}".lower()).strip("_")
    return whole if len(whole) <= MOST - 9 else _cut(whole, method)


def _cut(name: str, method: str) -> str:
    return f"{name[: MOST - 9]}_{hashlib.sha256(method.encode()).hexdigest()[:8]}"


def _words(name: str) -> list[str]:
    return [word.lower() for part in name.split("_") for word in _WORD.findall(part)]


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(_BEFORE_ES) else f"{word}s"
