"""Who asks, and in which language: what every signed operation of the control plane begins with."""

from collections.abc import Callable
from typing import Any

from litestar import Request

from gateway.core.authority import Authority, authority_of
from gateway.core.policy.people import Person, Role
from gateway.core.texts import language_of
from gateway.signing import verify
from services.control.access.asking import Unasked, asking
from services.control.policy import ActivePolicy
from services.revisions.revising import RevisionProblem


class Persons:
    """Knows the people of the active policy by their signatures of requests."""

    def __init__(self, policy: ActivePolicy, *, clock_ms: Callable[[], int]) -> None:
        self._policy = policy
        self._clock_ms = clock_ms

    async def asking(self, request: Request[Any, Any, Any], *, role: Role | None = None) -> Person:
        """The person who signed a request, and has the role, if one is needed.

        Raises:
            Unasked: nobody whom the active policy names did, or not just now.
            RevisionProblem: the policy does not give them the role.
        """
        person = asking(
            request.headers.get("authorization", ""),
            (request.method, _target(request), await request.body()),
            self._authority(),
            now_ms=self._clock_ms(),
            verify=verify,
        )
        if role is not None and role not in person.roles:
            raise RevisionProblem("role-missing", person=person.name, role=role)
        return person

    def _authority(self) -> Authority:
        revision = self._policy.revision
        if revision is None or not revision.document.people:
            raise Unasked("asked-nobody")
        return authority_of(revision.document)


def language_in(request: Request[Any, Any, Any]) -> str:
    """The language that the answer is wanted in."""
    return language_of(request.headers.get("accept-language"))


def _target(request: Request[Any, Any, Any]) -> str:
    query = request.scope.get("query_string", b"").decode("ascii", "replace")
    path = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
    return f"{path}?{query}" if query else path
