"""What operations, channels and legal bases are called in a sentence. English and French.

Channels are a policy's own words: those that are common have a French name, others stand as they are.
"""

from typing import Final

from gateway.core.texts import LANGUAGES

_OPERATIONS: Final = {
    "READ": ("a read", "une lecture"),
    "WRITE": ("a change", "une modification"),
    "CONTACT": ("a contact", "une sollicitation"),
    "DELETE": ("a deletion", "une suppression"),
    "INFER": ("an inference", "une inférence"),
}
_CHANNELS: Final = {
    "email": ("email", "e-mail"),
    "phone": ("phone", "téléphone"),
    "sms": ("SMS", "SMS"),
    "mail": ("mail", "courrier"),
    "post": ("post", "courrier"),
    "letter": ("letter", "courrier"),
    "push": ("push notification", "notification"),
    "chat": ("chat", "messagerie"),
    "whatsapp": ("WhatsApp", "WhatsApp"),
}
_BASES: Final = {
    "consent": ("consent", "consentement"),
    "contract": ("contract", "contrat"),
    "existing_customer": ("existing customer", "client existant"),
    "legitimate_interest": ("legitimate interest", "intérêt légitime"),
    "legal_obligation": ("legal obligation", "obligation légale"),
    "public_task": ("public task", "mission d’intérêt public"),
    "vital_interest": ("vital interest", "intérêts vitaux"),
}


def operation_named(operation: str, *, language: str) -> str:
    """What a method does, as a noun: "a contact"; empty for none."""
    return _named(_OPERATIONS, operation, language)


def channel_named(channel: str, *, language: str) -> str:
    """A channel behind "by": "by phone", "par téléphone"."""
    return _named(_CHANNELS, channel, language)


def basis_named(basis: str, *, language: str) -> str:
    """A legal basis (GDPR, article 6)."""
    return _named(_BASES, basis, language)


def _named(texts: dict[str, tuple[str, str]], word: str, language: str) -> str:
    return texts[word][LANGUAGES.index(language)] if word in texts else word
