"""What was tried to have a call answered, in plain words. English and French."""

import itertools
from collections.abc import Sequence
from typing import Final

from gateway.core.record import Attempt
from gateway.core.texts import LANGUAGES, fill, number

ANSWERS: Final = frozenset(
    {
        *("INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "UNAUTHENTICATED", "ABORTED"),
        *("FAILED_PRECONDITION", "OUT_OF_RANGE", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"),
    }
)
"""Statuses by which an upstream says no in its own words."""

_TRY: Final = {
    "": ("The first try at {place}", "Le premier essai, sur {place},"),
    "retry": ("A further try at {place}", "Un nouvel essai, sur {place},"),
    "fallback": ("A try at {place}, which took over,", "Un essai sur {place}, qui prenait le relais,"),
    "hedge": ("A second try beside it, at {place},", "Un second essai en parallèle, sur {place},"),
}
_END: Final = {
    "OK": ("was answered after {took}.", "a reçu une réponse après {took}."),
    "answered": ("was answered with {status} after {took}.", "a reçu la réponse {status} après {took}."),
    "failed": ("failed with {status} after {took}.", "a échoué avec {status} après {took}."),
    "CANCELLED": ("was broken off after {took}.", "a été interrompu après {took}."),
    "OPEN": (
        "was not made: too many calls had failed there shortly before.",
        "n’a pas été fait : trop d’appels venaient d’y échouer.",
    ),
    "FULL": (
        "was not made: too many calls were running there.",
        "n’a pas été fait : trop d’appels y étaient en cours.",
    ),
    "DENIED": (
        "was not made: the policy does not let the call go there ({reason}).",
        "n’a pas été fait : la politique n’y laisse pas aller l’appel ({reason}).",
    ),
}
_NEXT: Final = (
    "If {place} could not serve it, {next} would.",
    "Si {place} ne pouvait pas le traiter, {next} le ferait.",
)


def explain_attempts(attempts: Sequence[Attempt], *, language: str = "en") -> tuple[str, ...]:
    """The tries as sentences, in the order in which they began."""
    return tuple(_attempt(each, language) for each in attempts)


def explain_order(arms: Sequence[tuple[str, str]], *, language: str = "en") -> tuple[str, ...]:
    """Which arms would take over, each as (arm, version), as sentences."""
    places = [_place(arm, version) for arm, version in arms]
    text = _NEXT[LANGUAGES.index(language)]
    return tuple(fill(text, {"place": place, "next": following}) for place, following in itertools.pairwise(places))


def _attempt(made: Attempt, language: str) -> str:
    end = made.status if made.status in _END else "answered" if made.status in ANSWERS else "failed"
    which = LANGUAGES.index(language)
    values = {
        "place": _place(made.arm, made.version),
        "status": made.status,
        "reason": made.reason,
        "took": f"{number(made.took_us / 1000, digits=2, language=language)} ms",
    }
    return fill(f"{_TRY.get(made.why, _TRY[''])[which]} {_END[end][which]}", values)


def _place(arm: str, version: str) -> str:
    return f"{arm} ({version})" if version else arm
