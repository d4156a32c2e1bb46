"""What callers read when a consent is missing, in English and French: which one, how it stands and since when."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from gateway.core.call import Call
from gateway.core.consent_rules import Missing, purpose_of
from gateway.core.policy.vocabulary import Message
from gateway.core.texts import LANGUAGES, day, fill

_MISSING: Final[Mapping[str, tuple[str, str]]] = {
    "none": (
        "No consent of the customer to {purpose} by {channel} is on record; obtain it first.",
        "Aucun consentement à être sollicité par {channel} (objet : {purpose}) n’est enregistré ; à recueillir.",
    ),
    "unknown": (
        "Whether the customer has agreed to {purpose} by {channel} cannot be read now; retry.",
        "Impossible de lire si le client accepte d’être sollicité par {channel} (objet : {purpose}) ; réessayez.",
    ),
    "refused": (
        "The customer refused {purpose} by {channel} on {since}.",
        "Le client a refusé le {since} d’être sollicité par {channel} (objet : {purpose}).",
    ),
    "withdrawn": (
        "The customer withdrew the consent to {purpose} by {channel} on {since}.",
        "Le client a retiré le {since} son consentement à être sollicité par {channel} (objet : {purpose}).",
    ),
    "expired": (
        "The customer's consent to {purpose} by {channel} of {since} is too old; obtain it anew.",
        "Le consentement du {since} à être sollicité par {channel} (objet : {purpose}) est périmé ; renouvelez-le.",
    ),
}
_UNTIL: Final = (
    " Do not contact them for this before {until}.",
    " Ne le sollicitez pas à ce titre avant le {until}.",
)
_UNSAID: Final = ("contacts", "non précisé")
"""What stands for the purpose of a call that names neither purpose nor category."""
_STATUS: Final[Mapping[str, tuple[str, str]]] = {
    "none": ("none", "absent"),
    "unknown": ("unknown", "inconnu"),
    "refused": ("refused", "refusé"),
    "withdrawn": ("withdrawn", "retiré"),
    "expired": ("expired", "expiré"),
}


def refusal(missing: Missing, call: Call) -> Message:
    """The refusal in both languages, in the requirement's own words where it has any."""
    own = missing.rule.message
    english, french = (
        fill(_template(missing, language) if own is None else getattr(own, language), _values(missing, call, language))
        for language in LANGUAGES
    )
    return Message(en=english, fr=french)


def metadata(missing: Missing, call: Call) -> tuple[tuple[str, str], ...]:
    """The same for machines: channel, purpose, status, and where there are any `since` and `until` in RFC 3339."""
    standing = missing.standing
    told = [("channel", call.channel), ("purpose", purpose_of(call)), ("status", standing.status)]
    times = (("since", standing.since_ms), ("until", standing.silent_until_ms))
    told += [(name, f"{_utc(at_ms):%Y-%m-%dT%H:%M:%SZ}") for name, at_ms in times if at_ms]
    return tuple(told)


def _template(missing: Missing, language: str) -> str:
    at = LANGUAGES.index(language)
    return _MISSING[missing.standing.status][at] + (_UNTIL[at] if missing.standing.silent_until_ms else "")


def _values(missing: Missing, call: Call, language: str) -> dict[str, str]:
    at, standing = LANGUAGES.index(language), missing.standing
    return {
        "channel": call.channel,
        "purpose": purpose_of(call) or _UNSAID[at],
        "status": _STATUS[standing.status][at],
        "since": day(standing.since_ms, language=language) if standing.since_ms else "-",
        "until": _minute(standing.silent_until_ms, language) if standing.silent_until_ms else "-",
    }


def _minute(at_ms: int, language: str) -> str:
    return f"{day(at_ms, language=language)} {_utc(at_ms):%H:%M} UTC"


def _utc(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ms // 1000, dt.UTC)
