"""Which method of a policy a plain HTTP request is. Pure."""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from gateway.core.policy.rest import RestApi, RestMethod
from gateway.core.rest.paths import Paths, Template, TemplateWrong, segments_of, template, variables
from gateway.core.rest.sources import SAID, SourceWrong, source

NOBODY: Final = "-"
_DEFAULT_PORTS: Final = (":443", ":80")


class Target(NamedTuple):
    """A method of a policy."""

    method: str
    """Such as "/rest/hubspot/contacts.get"."""
    headers: frozenset[str]
    """Those that say something about its requests."""


class Targets:
    """The methods of all APIs of a policy that was checked."""

    def __init__(self, apis: Iterable[RestApi]) -> None:
        found: dict[tuple[str, str], list[tuple[Template, Target]]] = {}
        self._names: dict[str, str] = {}
        for api in apis:
            for host in api.hosts:
                self._names.setdefault(host, api.name)
            for method in api.methods:
                try:
                    segments = template(method.path)
                except TemplateWrong:
                    continue
                target = Target(f"/rest/{api.name}/{method.name}", _headers(method, segments))
                for host in api.hosts:
                    found.setdefault((host, method.verb), []).append((segments, target))
        self._paths: dict[tuple[str, str], Paths[Target]] = {key: Paths(each) for key, each in found.items()}

    def find(self, host: str, verb: str, path: bytes) -> tuple[Target, Mapping[str, str]] | None:
        """The method that such a request is, and the variables of its path; `None` where nobody has described it.

        Raises:
            PathUnclear: the path can be read in more than one way.
        """
        parts = segments_of(path)
        paths = self._paths.get((_host(host), verb))
        return None if paths is None else paths.find(parts)

    def nobodys(self, host: str) -> str:
        """What a request is called that no method describes: by the API whose host it goes to, if there is one."""
        return f"/rest/{self._names.get(_host(host), NOBODY)}/{NOBODY}"


def _host(host: str) -> str:
    host = host.lower()
    for port in _DEFAULT_PORTS:
        host = host.removesuffix(port)
    return host


def _headers(method: RestMethod, segments: Template) -> frozenset[str]:
    found: set[str] = set()
    for name in SAID:
        with contextlib.suppress(SourceWrong):
            places = source(getattr(method, name), variables=variables(segments)).places
            found |= {place.steps[0] for place in places if place.origin == "headers"}
    return frozenset(found)
