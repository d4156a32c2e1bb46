"""People of the active policy, known by their signatures of requests; and the language of a request."""

from collections.abc import Callable
from typing import Final

from gateway.core.authority import Authority, authority_of
from gateway.core.policy.people import Person
from gateway.core.texts import LANGUAGES, language_of
from gateway.signing import verify
from services.control.access.asking import SCHEME, Unasked, asking
from services.control.access.principals import Asked, Principal
from services.control.access.rights import EVERYWHERE, Right, Rights
from services.control.policy import ActivePolicy

LANGUAGE_COOKIE: Final = "pilote_language"
"""The cookie with the language that somebody has chosen on a page."""
_ALL: Final = frozenset({Right.OWN, Right.SEE, Right.VIEWS, Right.EXPORT, Right.REPORT})


class Persons:
    """Knows the people of the active policy."""

    def __init__(self, policy: ActivePolicy, *, clock_ms: Callable[[], int]) -> None:
        self._policy = policy
        self._clock_ms = clock_ms

    async def knows(self, request: Asked) -> Principal | None:
        """The person who signed a request; `None` where it is not signed.

        Raises:
            Unasked: nobody whom the active policy names did, or not just now.
        """
        given = request.headers.get("authorization", "")
        if not given.startswith(SCHEME):
            return None
        signed = (request.method, _target(request), await request.body())
        person = asking(given, signed, self._authority(), now_ms=self._clock_ms(), verify=verify)
        return Principal(name=person.name, kind="signature", rights=rights_of_person(person))

    def _authority(self) -> Authority:
        revision = self._policy.revision
        if revision is None or not revision.document.people:
            raise Unasked("asked-nobody")
        return authority_of(revision.document)


def rights_of_person(person: Person) -> Rights:
    """What the policy lets somebody do whom it names."""
    rights = set(_ALL)
    if person.may_write:
        rights.add(Right.POLICY_WRITE)
    if person.may_approve:
        rights.add(Right.POLICY_APPROVE)
    if "values" in person.roles:
        rights.add(Right.VALUES)
    if "erase" in person.roles:
        rights.add(Right.ERASE)
    return Rights({EVERYWHERE: frozenset(rights)})


def language_in(request: Asked) -> str:
    """The language that the answer is wanted in: chosen on a page of ours, else what the request asks for first."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else language_of(request.headers.get("accept-language"))


def _target(request: Asked) -> str:
    query = request.scope.get("query_string", b"").decode("ascii", "replace")
    path = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
    return f"{path}?{query}" if query else path
