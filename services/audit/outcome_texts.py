"""What a customer did after a contact, in words for those who look at its decision."""

from collections.abc import Sequence
from typing import Final

from gateway.core.record import CustomerOutcome
from gateway.core.texts import moment, saying

_TEXTS: Final = {
    "delivered": ("Afterwards, on {at}: it was delivered.", "Ensuite, le {at} : le message a été remis."),
    "opened": ("Afterwards, on {at}: the customer opened it.", "Ensuite, le {at} : le client l’a ouvert."),
    "clicked": ("Afterwards, on {at}: the customer clicked.", "Ensuite, le {at} : le client a cliqué."),
    "replied": ("Afterwards, on {at}: the customer replied.", "Ensuite, le {at} : le client a répondu."),
    "converted": (
        "Afterwards, on {at}: the customer took the offer.",
        "Ensuite, le {at} : le client a accepté l’offre.",
    ),
    "revenue": (
        "Afterwards, on {at}: the customer took the offer, worth {amount} {currency}.",
        "Ensuite, le {at} : le client a accepté l’offre, pour {amount} {currency}.",
    ),
    "unsubscribed": (
        "Afterwards, on {at}: the customer unsubscribed.",
        "Ensuite, le {at} : le client s’est désinscrit.",
    ),
    "complained": ("Afterwards, on {at}: the customer complained.", "Ensuite, le {at} : le client s’est plaint."),
    "bounced": (
        "Afterwards, on {at}: it could not be delivered.",
        "Ensuite, le {at} : le message n’a pas pu être remis.",
    ),
    "answered": (
        "Afterwards, on {at}: the customer answered “{question}” with {answer}.",
        "Ensuite, le {at} : à « {question} », le client a répondu {answer}.",
    ),
}

_say: Final = saying(_TEXTS)


def explain_outcomes(told: Sequence[CustomerOutcome], *, language: str) -> tuple[str, ...]:
    """A sentence for each, in that order; one of a kind that this version does not know is left out."""
    return tuple(_sentence(each, language) for each in told if each.type in _TEXTS)


def _sentence(told: CustomerOutcome, language: str) -> str:
    at = moment(told.occurred_ms // 1000 * 1000, language=language)
    key = "revenue" if told.type == "converted" and told.revenue_cents else told.type
    whole, cents = divmod(abs(told.revenue_cents), 100)
    amount = f"{'-' * (told.revenue_cents < 0)}{whole}{',' if language == 'fr' else '.'}{cents:02}"
    values = {"amount": amount, "currency": told.currency, "question": told.question, "answer": told.answer}
    return _say(key, language=language, at=at, **values)
