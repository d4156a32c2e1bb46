"""The words for changes of a policy, in English and French."""

from collections.abc import Mapping
from typing import Final

from gateway.core.texts import LANGUAGES, fill

NOUNS: Final[Mapping[str, tuple[str, str]]] = {
    "description": ("the description", "la description"),
    "tenants": ("the tenant", "l’organisation"),
    "agents": ("the agent", "l’agent"),
    "issuers": ("the issuer of tokens", "l’émetteur de jetons"),
    "sources": ("the source of events", "la source d’événements"),
    "upstreams": ("the upstream", "le système en aval"),
    "prompts": ("the prompt", "l’invite"),
    "models": ("the model", "le modèle"),
    "contracts": ("the contract", "le contrat"),
    "rest": ("the HTTP API", "l’API HTTP"),
    "ratelimit": ("the rate limit domain", "le domaine de limitation"),
    "routes": ("the route", "la route"),
    "lineage": ("the lineage of actions", "la traçabilité des actions"),
    "experiments": ("the experiment", "l’expérience"),
    "holdouts": ("the holdout", "le groupe témoin"),
    "rollouts": ("the rollout", "le déploiement progressif"),
    "objectives": ("the objective", "l’objectif"),
    "rules": ("the rule", "la règle"),
    "limits": ("the limit", "la limite"),
    "caps": ("the cap", "le plafond"),
    "pressure": ("the score of contact pressure", "le score de pression"),
    "sequences": ("the sequence", "la séquence"),
    "quiet_hours": ("the quiet hours", "les heures calmes"),
    "consents": ("the required consent", "le consentement exigé"),
    "packs": ("the policy pack", "le pack"),
    "autonomy": ("the autonomy of agents", "l’autonomie des agents"),
    "holds": ("how calls are held", "la mise en attente des appels"),
    "people": ("the person", "la personne"),
    "approvals": ("who must agree", "les approbations exigées"),
    "replay": ("what is kept for replays", "ce qui est conservé pour rejouer"),
    "records": ("what records hold", "ce que contiennent les enregistrements"),
    "retention": ("the class of retention", "la classe de conservation"),
    "reporting": ("what amounts are reported in", "la monnaie de présentation des montants"),
}
"""Each section's parts, as the object of a sentence."""

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "added": ("Adds {what}", "Ajoute {what}"),
    "removed": ("Removes {what}", "Retire {what}"),
    "changed": ("Changes {what}", "Modifie {what}"),
    "moved": ("Moves {what} behind {after}", "Déplace {what} après {after}"),
    "moved-first": ("Moves {what} to the front", "Déplace {what} en tête"),
    "colon": ("{head}: {detail}.", "{head} : {detail}."),
    "field": ("{path} is {new} instead of {old}", "{path} vaut {new} au lieu de {old}"),
    "field-new": ("{path} is {new}", "{path} vaut {new}"),
    "field-gone": ("{path} ({old}) goes", "{path} ({old}) disparaît"),
    "field-secret": ("{path} is another one", "{path} est remplacé"),
    "field-order": ("the order of {path} is {new}", "l’ordre de {path} est {new}"),
    "listed-new": ("{path} comes new", "{path} est nouveau"),
    "listed-gone": ("{path} goes", "{path} disparaît"),
    "nothing": ("nothing", "rien"),
    "yes": ("yes", "oui"),
    "no": ("no", "non"),
    "at-most": ("at most {most}", "au plus {most}"),
    "unlimited": ("any number of", "un nombre illimité de"),
    "route-order": (
        "A call takes the first route that matches, so calls may take another one.",
        "Un appel prend la première route qui convient : des appels peuvent en changer.",
    ),
    "rule-order": (
        "That changes no verdict; where several rules refuse a call, another one may be named.",
        "Aucun verdict ne change ; si plusieurs règles refusent un appel, une autre peut être citée.",
    ),
    "weight": (
        "{arm} serves {new} instead of {old}",
        "{arm} sert {new} au lieu de {old}",
    ),
    "people-move": (
        "People change from one variation to another.",
        "Des personnes passent d’une variante à une autre.",
    ),
    "coverage-grows": (
        "Nobody who takes part changes the variation.",
        "Aucun participant ne change de variante.",
    ),
    "contacts-change": (
        "People who may be contacted change.",
        "Les personnes qui peuvent être sollicitées changent.",
    ),
    "holdout-share": (
        "nobody contacts {new} of customers, instead of {old}",
        "personne ne sollicite {new} des clients, au lieu de {old}",
    ),
    "cap": ("{most} contact(s) {window}", "{most} sollicitation(s) {window}"),
    "within": ("within {window}", "en {window}"),
    "per-unit": ("per {unit}", "par {unit}"),
    "day": ("calendar day", "jour civil"),
    "week": ("calendar week", "semaine civile"),
    "month": ("calendar month", "mois civil"),
    "year": ("calendar year", "année civile"),
    "limit-rate": ("{most} calls per {window}", "{most} appels par {window}"),
    "limit-max": ("{most} {window}", "{most} {window}"),
    "limit-concurrent": ("{most} calls at a time", "{most} appels à la fois"),
    "instead": ("{new}, instead of {old}", "{new} (auparavant : {old})"),
    "tighter": ("It lets less through than before.", "Moins d’appels passent qu’avant."),
    "looser": ("It lets more through than before.", "Plus d’appels passent qu’avant."),
    "effect-allow": ("it allows", "elle autorise"),
    "effect-deny": ("it refuses", "elle refuse"),
    "effect-hold": ("it has a person look first", "elle demande l’avis d’une personne"),
    "effect-redact": ("it takes fields out", "elle masque des champs"),
    "effect-when": ("{effect} where {when}", "{effect} si {when}"),
    "effect-all": ("{effect} whatever it covers", "{effect} tout ce qu’elle couvre"),
    "when": ("it applies where {new}, instead of {old}", "elle s’applique si {new}, au lieu de {old}"),
    "mode-enforce": (
        "it is enforced, and no longer only watched",
        "elle est appliquée, et non plus seulement observée",
    ),
    "mode-monitor": (
        "it is only watched, and no longer enforced",
        "elle est seulement observée, et non plus appliquée",
    ),
    "watched": ("it is only watched", "elle est seulement observée"),
    "key-added": ("it gets the key {name}", "il reçoit la clé {name}"),
    "key-gone": ("its key {name} no longer counts", "sa clé {name} ne vaut plus"),
    "key-other": ("its key {name} is another one", "sa clé {name} est remplacée"),
    "agent-new": ("it may call for {tenant}", "il peut appeler pour {tenant}"),
    "agent-gone": ("its calls are refused from then on", "ses appels sont désormais refusés"),
    "alias": (
        "{name} stands for version {new} instead of {old}",
        "{name} désigne la version {new} au lieu de {old}",
    ),
    "alias-new": ("{name} stands for version {new}", "{name} désigne la version {new}"),
    "rollout": (
        "its candidate {arm} serves {new} of {route} instead of {old}",
        "son candidat {arm} sert {new} de {route} au lieu de {old}",
    ),
    "rollout-new": ("its candidate {arm} serves {new} of {route}", "son candidat {arm} sert {new} de {route}"),
}


def say(text: str, language: str, **values: str) -> str:
    """The text of that name, filled in."""
    return fill(_TEXTS[text][LANGUAGES.index(language)], values)


def noun(section: str, language: str, *, name: str = "") -> str:
    """A part as the object of a sentence: "the rule no-mail"."""
    found = NOUNS.get(section, (section, section))[LANGUAGES.index(language)]
    return f"{found} {name}".strip()
