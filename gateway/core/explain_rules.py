"""Which rules, consents, quiet hours and holdouts looked at a call, and what they said. English and French."""

from typing import Final

from gateway.core.record import RuleLook
from gateway.core.texts import day, moment, saying

_TEXTS: Final = {
    "rule-allow": ("The rule {rule} allowed it.", "La règle {rule} l’a autorisé."),
    "rule-deny": ("The rule {rule} denied it.", "La règle {rule} l’a refusé."),
    "rule-hold": (
        "The rule {rule} wanted a person to look at it first.",
        "La règle {rule} demandait qu’une personne l’examine d’abord.",
    ),
    "rule-redact": ("The rule {rule} had fields redacted.", "La règle {rule} a fait masquer des champs."),
    "rule-defer": ("The quiet hours {rule} stood in its way.", "Les heures calmes {rule} lui faisaient obstacle."),
    "rule-holdout": (
        "The customer is held out of such contacts by {rule}.",
        "Pour ces sollicitations, le client fait partie du groupe témoin {rule}.",
    ),
    "quiet": (
        "It fell into the quiet hours {rule}, which end on {until}.",
        "Il tombait dans les heures calmes {rule}, qui finissent le {until}.",
    ),
    "quiet-never": (
        "It fell into the quiet hours {rule}, whose end is not known.",
        "Il tombait dans les heures calmes {rule}, dont on ignore la fin.",
    ),
    "watch-allow": (
        "The rule {rule} would have allowed it, but only watches.",
        "La règle {rule} l’aurait autorisé, mais elle ne fait qu’observer.",
    ),
    "watch-deny": (
        "The rule {rule} would have denied it, but only watches.",
        "La règle {rule} l’aurait refusé, mais elle ne fait qu’observer.",
    ),
    "watch-hold": (
        "The rule {rule} would have had a person look at it first, but only watches.",
        "La règle {rule} l’aurait fait examiner par une personne, mais elle ne fait qu’observer.",
    ),
    "watch-redact": (
        "The rule {rule} would have had fields redacted, but only watches.",
        "La règle {rule} aurait fait masquer des champs, mais elle ne fait qu’observer.",
    ),
    "watch-defer": (
        "The quiet hours {rule} would have put it off, but only watch.",
        "Les heures calmes {rule} l’auraient remis à plus tard, mais elles ne font qu’observer.",
    ),
    "watch-quiet": (
        "It fell into the quiet hours {rule}, but they only watch.",
        "Il tombait dans les heures calmes {rule}, mais elles ne font qu’observer.",
    ),
    "watch-failed": (
        "The rule {rule} could not be evaluated, but only watches: {error}.",
        "La règle {rule} n’a pas pu être évaluée, mais elle ne fait qu’observer : {error}.",
    ),
    "failed-allow": (
        "The rule {rule} could not be evaluated and was left out: {error}.",
        "La règle {rule} n’a pas pu être évaluée et a été écartée : {error}.",
    ),
    "failed-deny": (
        "The rule {rule} could not be evaluated, and so denied it: {error}.",
        "La règle {rule} n’a pas pu être évaluée, elle l’a donc refusé : {error}.",
    ),
    "failed-redact": (
        "The rule {rule} could not be evaluated, and so had its fields redacted: {error}.",
        "La règle {rule} n’a pas pu être évaluée, elle a donc fait masquer ses champs : {error}.",
    ),
    "consent-granted": (
        "The consent {rule} was on record since {since}.",
        "Le consentement {rule} était enregistré depuis le {since}.",
    ),
    "consent-none": ("The consent {rule} was not on record.", "Le consentement {rule} n’était pas enregistré."),
    "consent-unknown": (
        "Whether the consent {rule} was on record could not be read.",
        "On n’a pas pu lire si le consentement {rule} était enregistré.",
    ),
    "consent-refused": (
        "The customer had refused the consent {rule} on {since}.",
        "Le client avait refusé le consentement {rule} le {since}.",
    ),
    "consent-withdrawn": (
        "The customer had withdrawn the consent {rule} on {since}.",
        "Le client avait retiré le consentement {rule} le {since}.",
    ),
    "consent-expired": (
        "The consent {rule}, given on {since}, was too old.",
        "Le consentement {rule}, donné le {since}, était trop ancien.",
    ),
}
_say: Final = saying(_TEXTS)


def explain_rule(look: RuleLook, *, language: str) -> str:
    """One rule that was looked at and applied, as a sentence."""
    values = {
        "rule": look.rule,
        "error": look.error.rstrip("."),
        "since": day(look.since_ms, language=language),
        "until": moment(max(0, look.until_ms), language=language),
    }
    return _say(_key(look), language=language, **values)


def _key(look: RuleLook) -> str:
    watches = look.mode == "monitor"
    if f"consent-{look.standing}" in _TEXTS and not watches:
        return f"consent-{look.standing}"
    if look.until_ms and not look.standing:
        return "watch-quiet" if watches else "quiet" if look.until_ms > 0 else "quiet-never"
    if look.error:
        return "watch-failed" if watches else f"failed-{look.effect}"
    return f"{'watch' if watches else 'rule'}-{look.effect}"
