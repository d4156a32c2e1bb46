"""Who asks the control plane about policies: a person of the active one, known by a signature of the request itself.

The header `authorization: Pilote-Ed25519 person=ada, created=1790000000000, signature=…` signs, with the person's key,
`pilote.dev/request/v1`, the method, the path with its query, the SHA-256 of the body and `created` (milliseconds since
the epoch), each on a line of its own. No private key and no secret ever travels.
"""

import hashlib
import re
from typing import Final

from gateway.core.authority import Authority, Verify
from gateway.core.policy.people import Person
from services.not_done import NotDone
from services.revisions.texts import say

SCHEME: Final = "Pilote-Ed25519"
DOMAIN: Final = "pilote.dev/request/v1"
SKEW_MS: Final = 60_000
"""How far the person's clock may be from ours; for so long a request could be sent once more by who saw it."""
_HEADER: Final = re.compile(
    rf"{SCHEME} person=([a-z][a-z0-9_.-]{{0,62}}), ?created=([0-9]{{1,15}}), ?signature=([0-9a-f]{{128}})"
)


class Unasked(NotDone):
    """Nobody whom the active policy names has signed this request."""

    say = staticmethod(say)

    def __init__(self, code: str) -> None:
        super().__init__(code, reason="PERSON_UNAUTHENTICATED")


def to_sign(method: str, target: str, body: bytes, *, created_ms: int) -> bytes:
    """What a person signs of a request. `target` is the path, with "?" and the query where there is one."""
    lines = (DOMAIN, method, target, hashlib.sha256(body).hexdigest(), str(created_ms), "")
    return "\n".join(lines).encode()


def header(person: str, signature: str, *, created_ms: int) -> str:
    """The value of the header `authorization`."""
    return f"{SCHEME} person={person}, created={created_ms}, signature={signature}"


def asking(given: str, signed: tuple[str, str, bytes], authority: Authority, *, now_ms: int, verify: Verify) -> Person:
    """The person who signed a request: `signed` is its method, target and body.

    Raises:
        Unasked: nobody whom `authority` names did, or not just now.
    """
    found = _HEADER.fullmatch(given)
    if found is None:
        raise Unasked("asked-unsigned")
    name, created_ms, signature = found[1], int(found[2]), found[3]
    if abs(now_ms - created_ms) > SKEW_MS:
        raise Unasked("asked-late")
    person = authority.person(name)
    method, target, body = signed
    message = to_sign(method, target, body, created_ms=created_ms)
    if person is None or not verify(person.public_key, signature, message):
        raise Unasked("asked-stranger")
    return person
