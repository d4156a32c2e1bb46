"""One spelling for each contact point, so that "Ada@Example.org " and "ada@example.org" share their consents."""

import functools
import re
from typing import Final

TELEPHONE: Final = frozenset({"phone", "sms", "mms", "voice", "whatsapp"})
"""Channels whose contact points are telephone numbers."""

_EMAIL: Final = re.compile(r"[^\s<>()\[\],;:\"@]{1,64}@[^\s<>()\[\],;:\"@]{1,190}")
_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f]{1,256}")


class ContactPointUnclear(ValueError):
    """The text names no contact point, or may name more than one. The message says how to write it."""


@functools.lru_cache(maxsize=4096)
def normalised(text: str, *, channel: str) -> str:
    """The contact point in its one spelling: e-mail in lower case, telephone in E.164, anything else as it is.

    A telephone number must say its country ("+33 6 12 34 56 78" or "0033…"): a national one means another person in
    another country, and so could pass by what a customer has refused.

    Raises:
        ContactPointUnclear: it cannot be brought into one spelling.
    """
    text = text.strip()
    if channel in TELEPHONE:
        return _e164(text.removeprefix("tel:"))
    if channel == "email":
        if not _EMAIL.fullmatch(text):
            raise ContactPointUnclear("must be one e-mail address and nothing else, such as ada@example.org")
        return text.lower()
    if not _TEXT.fullmatch(text):
        raise ContactPointUnclear("must be 1 to 256 characters, none of them a control character")
    return text


def _e164(text: str) -> str:
    import phonenumbers  # noqa: PLC0415 - 3 MB and 15 ms that only gateways with telephone numbers pay

    if text.startswith("00"):
        text = f"+{text[2:]}"
    try:
        number = phonenumbers.parse(text) if len(text) <= 40 else None
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ContactPointUnclear("must be a telephone number with its country, such as +33612345678")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
