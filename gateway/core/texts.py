"""What callers read when a call does not go through, in English and French. Numbers and names are filled in."""

import datetime as dt
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final, Protocol

from gateway.core.errors import Reason
from gateway.core.record import BucketLook

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
    Reason.HELD_OUT: (
        "The customer is held out, so that it can be measured what contacts bring ({rule}): leave them alone.",
        "Le client fait partie d’un groupe témoin, pour mesurer l’effet des sollicitations ({rule}) : laissez-le.",
    ),
    Reason.QUIET_HOURS: (
        "The customer may not be reached now. {retry}",
        "Le client ne peut pas être contacté à cette heure. {retry}",
    ),
    Reason.APPROVAL_REQUIRED: (
        "A person must look at this call first: wait for {hold}.",
        "Une personne doit d’abord examiner cet appel : attendez {hold}.",
    ),
    Reason.DEFERRED: (
        "The call is kept and made in {wait}: wait for {hold}.",
        "L’appel est conservé et sera fait dans {wait} : attendez {hold}.",
    ),
    Reason.HOLD_REFUSED: (
        "A person has looked at this call and refused it.",
        "Une personne a examiné cet appel et l’a refusé.",
    ),
    Reason.HOLD_EXPIRED: (
        "The call was kept too long and is not made any more.",
        "L’appel a été conservé trop longtemps et ne sera plus fait.",
    ),
    Reason.HOLD_DAMAGED: (
        "What was kept of the call was changed since, and is not used.",
        "Ce qui a été conservé de l’appel a été modifié depuis et n’est pas utilisé.",
    ),
    Reason.AUTONOMY_OBSERVE: (
        "{agent} only observes such calls: this one was recorded, not carried out.",
        "{agent} ne fait qu’observer ces appels : celui-ci est enregistré, pas exécuté.",
    ),
    Reason.LINEAGE_UNKNOWN: (
        "Which model version led to this call is unknown: name a recent inference of a version in the policy.",
        "La version de modèle à l’origine de l’appel est inconnue : citez une inférence récente d’une version active.",
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
_BUCKETS: Final[Mapping[str, tuple[str, str]]] = {
    "window": (
        "The limit {rule} is used up: {used} of {capacity} within {window}. {retry}",
        "La limite {rule} est atteinte : {used} sur {capacity} en {window}. {retry}",
    ),
    "budget": (
        "The budget {rule} does not suffice for {cost}: {used} of {capacity} are spent within {window}. {retry}",
        "Le budget {rule} ne suffit pas pour {cost} : {used} sur {capacity} sont dépensés en {window}. {retry}",
    ),
    "concurrency": (
        "The limit {rule} is used up: {used} of {capacity} calls are running. {retry}",
        "La limite {rule} est atteinte : {used} appels sur {capacity} sont en cours. {retry}",
    ),
    "quota": (
        "What the system behind the gateway allows this agent is used up ({rule}): {used} calls are counted. {retry}",
        "Ce que le système en aval permet à cet agent est épuisé ({rule}) : {used} appels sont comptés. {retry}",
    ),
    "cap-outranked": (
        "The last contact is kept for something more important: {other} ({rule}). {retry}",
        "La dernière sollicitation est réservée à plus important : {other} ({rule}). {retry}",
    ),
    "gap": (
        "The customer was contacted less than {window} ago ({rule}). {retry}",
        "Le client a été sollicité il y a moins de {window} ({rule}). {retry}",
    ),
    "score": (
        "The customer was contacted too much of late: {rule} {used} of {capacity}, this would add {cost}. {retry}",
        "Le client a été trop sollicité : {rule} {used} sur {capacity}, ce contact ajouterait {cost}. {retry}",
    ),
    "sequence": (
        "This may not follow so soon on {other} ({rule}). {retry}",
        "Cet appel ne peut pas suivre d’aussi près {other} ({rule}). {retry}",
    ),
}
"""Refusals of buckets, by kind; of a rate and of a cap as of their reasons."""
_LACKS_DIMENSION: Final = (
    "The limit {rule} counts by {dimension}, which this call does not have.",
    "La limite {rule} compte par {dimension}, que cet appel n’a pas.",
)
_STREAM_HELD: Final = (
    (
        "A person must look at this call first, and neither a stream nor plain HTTP can be kept for one: "
        "make a unary gRPC call."
    ),
    (
        "Une personne doit d’abord examiner cet appel, et ni un flux ni du HTTP simple ne peuvent être conservés : "
        "faites un appel gRPC unaire."
    ),
)
_HOLDOUT_UNKNOWN: Final = (
    "Whether the customer is held out cannot be read now; retry.",
    "On ne peut pas lire pour l’instant si le client fait partie d’un groupe témoin ; réessayez.",
)
RULE_PLACEHOLDERS: Final = ("agent", "method", "rule", "revision")
"""What a rule's own message may fill in."""
SEQUENCE_PLACEHOLDERS: Final = ("other", "window", "retry")
"""What a sequence's message may fill in besides."""
HOLD_PLACEHOLDERS: Final = ("hold", "wait")
"""What one that has a call kept may fill in besides."""
CONSENT_PLACEHOLDERS: Final = ("channel", "purpose", "status", "since", "until")
"""What a required consent's message may fill in besides."""
_NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
_BEFORE: Final = re.compile(r" (?=[;?!»])")
_COLON: Final = re.compile(r" (?=:)")
_AFTER: Final = re.compile(r"(?<=«) ")
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_FRENCH: Final[Mapping[Reason, str]] = {
    Reason.AGENT_UNAUTHENTICATED: "Identifiez-vous par une clé d’API ou un jeton valable ({problem}).",
    Reason.ARGUMENT_INVALID: "L’appel ne peut pas être gouverné tel quel : corrigez {field}.",
    Reason.UPSTREAM_UNAVAILABLE: "Le système derrière la passerelle ne répond pas ; réessayez.",
    Reason.UPSTREAM_FAILED: "Le système derrière la passerelle a échoué.",
    Reason.UPSTREAM_IN_DOUBT: "Le système derrière la passerelle a peut-être agi : vérifiez avant de répéter l’appel.",
    Reason.REPLY_WITHHELD: "Le système derrière la passerelle a agi, mais sa réponse n’a pas pu être masquée et reste "
    "retenue : ne répétez pas l’appel, prévenez le responsable de ce système.",
    Reason.REQUEST_WITHHELD: "La requête doit être masquée en partie et n’a pas pu l’être : elle n’a pas été "
    "transmise ; prévenez l’exploitant de la passerelle.",
    Reason.STORE_UNAVAILABLE: "Le registre des limites et des décisions ne répond pas ; réessayez.",
    Reason.FACTS_DAMAGED: "Ce qui est enregistré de ce client, et de lui seul, est endommagé : faites-le saisir à "
    "nouveau par `pilote facts import --replace-damaged`, puis réessayez.",
    Reason.REVISION_MISSING: "Aucune politique n’est active : tout appel est refusé.",
    Reason.DEADLINE_EXCEEDED: "Le délai de l’appel est dépassé.",
    Reason.DRAINING: "Ce processus va s’arrêter ; réessayez.",
    Reason.INTERNAL: "Pilote a fait une erreur ; elle est dans notre journal.",
}
"""Where the English text is written by whoever ends the call."""
_RETRY: Final = (("Retry in {wait}.", "Réessayez dans {wait}."), ("It is closed.", "Elle est fermée."))


class Asked(Protocol):
    """What of a bucket is said: of a `Bucket` that is asked for, or of a record's `BucketAsk`."""

    @property
    def limit(self) -> str:
        """Name of the limit or cap."""

    @property
    def kind(self) -> str:
        """Its kind."""

    @property
    def capacity(self) -> int:
        """Most that it holds."""

    @property
    def period_ms(self) -> int:
        """Its period or window."""

    @property
    def cost(self) -> int:
        """What the call takes."""

    @property
    def says(self) -> tuple[str, ...]:
        """Its own refusal in each of `LANGUAGES`; empty where it has none."""


def refusal(reason: Reason, values: Mapping[str, str], *, language: str) -> str:
    """The text for a refusal. `values` fills the placeholders; one that is missing stays readable as its name."""
    template = _REFUSALS[reason][LANGUAGES.index(language)]
    return fill(template, {"retry": "", **values}).strip()


def with_citation(text: str, citation: str) -> str:
    """The text, and in brackets what it rests on."""
    return f"{text} ({citation})" if citation else text


def in_french(reason: Reason, values: Mapping[str, str]) -> str:
    """The text in French for a call that ends for a reason outside the policy; empty where there is none."""
    return fill(_FRENCH.get(reason, ""), values)


def bucket_values(ask: Asked, look: BucketLook, *, language: str) -> dict[str, str]:
    """What the refusal of a bucket fills in: names, and numbers as people read them."""
    values = {
        "rule": ask.limit,
        "used": amount(look.used, kind=ask.kind, language=language),
        "capacity": amount(ask.capacity, kind=ask.kind, language=language),
        "cost": amount(ask.cost, kind=ask.kind, language=language),
        "window": span(ask.period_ms, language=language),
        "retry": retry(look.wait_ms, language=language),
    }
    return values | ({"other": f"decisions/{look.other}"} if look.other else {})


def bucket_refusal(reason: Reason, ask: Asked, values: Mapping[str, str], *, language: str) -> str:
    """The text for a refusal by this bucket, its own or that of its kind; `values` as `bucket_values` gives them."""
    if ask.says:
        return fill(ask.says[LANGUAGES.index(language)], values)
    kind = ask.kind
    texts = _BUCKETS.get("cap-outranked" if kind == "cap" and "other" in values else kind)
    return fill((texts or _REFUSALS[reason])[LANGUAGES.index(language)], values).strip()


def amount(value: int, *, kind: str, language: str) -> str:
    """A number that a bucket counts; a score is counted in thousandths."""
    if kind != "score":
        return str(value)
    text = f"{value / 1000:.2f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if language == "fr" else text


def lacks_dimension(limit: str, dimension: str, *, language: str) -> str:
    """The text for a call that lacks what a limit counts by."""
    return fill(_LACKS_DIMENSION[LANGUAGES.index(language)], {"rule": limit, "dimension": dimension})


def stream_held(*, language: str) -> str:
    """The text for a stream that a person would have to look at."""
    return _STREAM_HELD[LANGUAGES.index(language)]


def holdout_unknown(*, language: str) -> str:
    """The text for a contact with somebody who may be held out, while nothing can be read of them."""
    return _HOLDOUT_UNKNOWN[LANGUAGES.index(language)]


def retry(wait_ms: int, *, language: str) -> str:
    """When it is worth coming back; -1 for never."""
    template = _RETRY[1 if wait_ms < 0 else 0][LANGUAGES.index(language)]
    return fill(template, {"wait": span(wait_ms, language=language)})


def number(value: float, *, digits: int, language: str) -> str:
    """A number with so many digits behind the point, or in French behind the comma."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "fr" else text


def day(at_ms: int, *, language: str) -> str:
    """A date in UTC as the language writes it: "2026-01-31", "31/01/2026"."""
    at = dt.datetime.fromtimestamp(at_ms // 1000, dt.UTC)
    return at.strftime("%d/%m/%Y" if language == "fr" else "%Y-%m-%d")


def moment(at_ms: int, *, language: str) -> str:
    """A time in UTC, rounded up to whole seconds: "2026-01-31 08:00:00 UTC", "31/01/2026 à 08:00:00 UTC"."""
    at = dt.datetime.fromtimestamp(-(-at_ms // 1000), dt.UTC)
    between = " à " if language == "fr" else " "
    return f"{day(at_ms + 999, language=language)}{between}{at:%H:%M:%S} UTC"


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


class Worded(ABC):
    """A value that is said in the language of the text it fills in."""

    @abstractmethod
    def worded(self, *, language: str) -> str:
        """It in words, in one of `LANGUAGES`."""


class Say(Protocol):
    """Gives the text of that key in that language, with its placeholders filled in."""

    def __call__(self, key: str, /, *, language: str, **values: object) -> str:
        """Values are put in as `str` has them, those that are `Worded` in the language."""


def saying(texts: Mapping[str, tuple[str, str]]) -> Say:
    """What says these texts, each in English and French."""

    def say(key: str, /, *, language: str, **values: object) -> str:
        said = {
            name: value.worded(language=language) if isinstance(value, Worded) else str(value)
            for name, value in values.items()
        }
        return fill(texts[key][LANGUAGES.index(language)], said)

    return say


def typeset(french: str) -> str:
    """French with its spaces before ":;?!" and within guillemets made unbreakable."""
    return _AFTER.sub(_NARROW, _BEFORE.sub(_NARROW, _COLON.sub("\N{NO-BREAK SPACE}", french)))


def language_of(accept_language: str | bytes | None) -> str:
    """The supported language a caller asks for first in `accept-language`; English by default."""
    if isinstance(accept_language, str):
        for part in accept_language.split(",")[:10]:
            tag = part.split(";")[0].strip().lower()[:2]
            if tag in LANGUAGES:
                return tag
    return "en"
