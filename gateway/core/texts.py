"""What callers read when a call does not go through, in English and French. Numbers and names are filled in."""

import re
from collections.abc import Mapping
from typing import Final

from gateway.core.errors import Reason

LANGUAGES: Final = ("en", "fr")

_REFUSALS: Final[Mapping[Reason, tuple[str, str]]] = {
    Reason.METHOD_UNDESCRIBED: (
        "Nobody has described how {method} is governed, so it is refused.",
        "Personne n’a décrit comment {method} doit être gouvernée : l’appel est refusé.",
    ),
    Reason.POLICY_DENIED: (
        "The policy does not allow this call of {agent}.",
        "La politique n’autorise pas cet appel de {agent}.",
    ),
    Reason.STOPPED: (
        "Such calls are halted until somebody resumes them ({rule}).",
        "Ces appels sont suspendus jusqu’à nouvel ordre ({rule}).",
    ),
    Reason.CONSENT_MISSING: (
        "The customer has not agreed to this.",
        "Le client n’a pas donné son consentement.",
    ),
    Reason.QUIET_HOURS: (
        "The customer may not be reached now. {retry}",
        "Le client ne peut pas être contacté à cette heure. {retry}",
    ),
    Reason.LIMIT_EXCEEDED: (
        "The limit {rule} is used up: {used} of {capacity}. {retry}",
        "La limite {rule} est atteinte : {used} sur {capacity}. {retry}",
    ),
    Reason.CAP_EXCEEDED: (
        "The customer has been contacted often enough: {used} of {capacity} within {window} ({rule}). {retry}",
        "Le client a été assez sollicité : {used} sur {capacity} en {window} ({rule}). {retry}",
    ),
    Reason.IDEMPOTENCY_KEY_REUSED: (
        "This idempotency key was used with another request; choose a new one.",
        "Cette clé d’idempotence a déjà servi pour une autre requête ; choisissez-en une nouvelle.",
    ),
    Reason.IDEMPOTENCY_KEY_RUNNING: (
        "The first call with this idempotency key has not ended yet; retry later.",
        "Le premier appel portant cette clé d’idempotence n’est pas terminé ; réessayez plus tard.",
    ),
    Reason.UPSTREAM_IN_DOUBT: (
        "The first call may or may not have acted: find out before you repeat it.",
        "Le premier appel a peut-être agi : vérifiez avant de le répéter.",
    ),
    Reason.ROUTE_NOT_FOUND: (
        "No route serves this method or model.",
        "Aucune route ne dessert cette méthode ou ce modèle.",
    ),
}
_LACKS_DIMENSION: Final = (
    "The limit {rule} counts by {dimension}, which this call does not have.",
    "La limite {rule} compte par {dimension}, que cet appel n’a pas.",
)
RULE_PLACEHOLDERS: Final = ("agent", "method", "rule", "revision")
"""What a rule's own message may fill in."""
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_FRENCH: Final[Mapping[Reason, str]] = {
    Reason.AGENT_UNAUTHENTICATED: "Identifiez-vous par une clé d’API ou un jeton valable ({problem}).",
    Reason.ARGUMENT_INVALID: "L’appel ne peut pas être gouverné tel quel : corrigez {field}.",
    Reason.UPSTREAM_UNAVAILABLE: "Le système derrière la passerelle ne répond pas ; réessayez.",
    Reason.UPSTREAM_FAILED: "Le système derrière la passerelle a échoué.",
    Reason.UPSTREAM_IN_DOUBT: "Le système derrière la passerelle a peut-être agi : vérifiez avant de répéter l’appel.",
    Reason.REPLY_WITHHELD: "Le système derrière la passerelle a agi, mais sa réponse n’a pas pu être masquée et reste "
    "retenue : ne répétez pas l’appel, prévenez le responsable de ce système.",
    Reason.STORE_UNAVAILABLE: "Le registre des limites et des décisions ne répond pas ; réessayez.",
    Reason.REVISION_MISSING: "Aucune politique n’est active : tout appel est refusé.",
    Reason.DEADLINE_EXCEEDED: "Le délai de l’appel est dépassé.",
    Reason.DRAINING: "Ce processus va s’arrêter ; réessayez.",
    Reason.INTERNAL: "Pilote a fait une erreur ; elle est dans notre journal.",
}
"""Where the English text is written by whoever ends the call."""
_RETRY: Final = (("Retry in {wait}.", "Réessayez dans {wait}."), ("It is closed.", "Elle est fermée."))


def refusal(reason: Reason, values: Mapping[str, str], *, language: str) -> str:
    """The text for a refusal. `values` fills the placeholders; one that is missing stays readable as its name."""
    template = _REFUSALS[reason][LANGUAGES.index(language)]
    return fill(template, {"retry": "", **values}).strip()


def in_french(reason: Reason, values: Mapping[str, str]) -> str:
    """The text in French for a call that ends for a reason outside the policy; empty where there is none."""
    return fill(_FRENCH.get(reason, ""), values)


def bucket_values(
    *, used: int, capacity: int, period_ms: int, wait_ms: int, rule: str, language: str
) -> dict[str, str]:
    """What the refusal of a limit or cap fills in. Times are milliseconds; `wait_ms` is -1 for never."""
    return {
        "rule": rule,
        "used": str(used),
        "capacity": str(capacity),
        "window": span(period_ms, language=language),
        "retry": retry(wait_ms, language=language),
    }


def lacks_dimension(limit: str, dimension: str, *, language: str) -> str:
    """The text for a call that lacks what a limit counts by."""
    return fill(_LACKS_DIMENSION[LANGUAGES.index(language)], {"rule": limit, "dimension": dimension})


def retry(wait_ms: int, *, language: str) -> str:
    """When it is worth coming back; -1 for never."""
    template = _RETRY[1 if wait_ms < 0 else 0][LANGUAGES.index(language)]
    return fill(template, {"wait": span(wait_ms, language=language)})


def number(value: float, *, digits: int, language: str) -> str:
    """A number with so many digits behind the point, or in French behind the comma."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "fr" else text


def span(ms: int, *, language: str) -> str:
    """A time span in two units at most, rounded up: "6 d 23 h", "1.2 s"."""
    if ms < 1000:
        return f"{max(ms, 0)} ms"
    if ms < 60_000:
        text = f"{-(-ms // 100) / 10:g} s"
        return text.replace(".", ",") if language == "fr" else text
    minutes = -(-ms // 60_000)
    if minutes > 1440:
        minutes = -(-minutes // 60) * 60
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    day = "j" if language == "fr" else "d"
    parts = [f"{count} {unit}" for count, unit in ((days, day), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts[:2])


def placeholders(template: str) -> tuple[str, ...]:
    """The names that `fill` would replace, in order."""
    return tuple(_PLACEHOLDER.findall(template))


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with `{name}` replaced. Never fails, and never interprets what is filled in."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def language_of(accept_language: str | bytes | None) -> str:
    """The supported language a caller asks for first in `accept-language`; English by default."""
    if isinstance(accept_language, str):
        for part in accept_language.split(",")[:10]:
            tag = part.split(";")[0].strip().lower()[:2]
            if tag in LANGUAGES:
                return tag
    return "en"
