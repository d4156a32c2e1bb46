"""What operations share that are signed with managed keys, or look at recorded calls."""

from collections.abc import Callable
from typing import Final

from gateway.core.policy.vocabulary import duration_ms
from gateway.signing import Signer
from services.control.access.principals import Asked, principal_of
from services.control.drafts.store import DraftProblem
from services.revisions.revising import Hand

LONGEST_MS: Final = 366 * 86_400_000
HandOf = Callable[[Asked], Hand]
"""Who asks, and their managed key."""


def managed(signer: Callable[[Asked], Signer]) -> HandOf:
    """What gives who asks and their managed key, by what gives the key.

    It raises `DraftProblem` where they sign with a key of their own, and what `signer` raises, such as
    `ConfirmationNeeded`.
    """

    def hand(request: Asked) -> Hand:
        principal = principal_of(request)
        if principal.kind == "signature":
            raise DraftProblem("sign-yourself")
        return Hand(principal.name, signer(request))

    return hand


def since(text: str) -> int:
    """Milliseconds of how long ago calls begin that are looked at; at most a leap year."""
    return min(duration_ms(text), LONGEST_MS)
