"""What the commands about rollouts say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "none": ("The active policy has no rollout.", "La politique active n’a aucun déploiement progressif."),
    "no-policy": (
        "No policy is active yet: pilote apply FILE",
        "Aucune politique n’est encore active : pilote apply FICHIER",
    ),
    "unknown": (
        "There is no rollout {name}; there are: {names}.",
        "Il n’y a pas de déploiement {name} ; il existe : {names}.",
    ),
    "moved-meanwhile": (
        "{name} has moved meanwhile: look at it again with pilote rollouts show {name}",
        "{name} a bougé entre-temps : regardez-le à nouveau avec pilote rollouts show {name}",
    ),
    "busy": (
        "The policy changes all the time, nothing was done: try again.",
        "La politique change sans cesse, rien n’a été fait : réessayez.",
    ),
    "reason": (
        "Say why, in {most} characters at most.",
        "Dites pourquoi, en {most} caractères au plus.",
    ),
    "name": ("A name has {most} characters at most.", "Un nom a {most} caractères au plus."),
    "nobody": (
        "The policy names people: say with --by which of them you are ({names}), and sign with --key.",
        "La politique nomme des personnes : dites avec --by laquelle vous êtes ({names}) et signez avec --key.",
    ),
    "unsigned": (
        "The policy names people, so {by} must sign: give the private key's file with --key.",
        "La politique nomme des personnes, {by} doit donc signer : donnez le fichier de la clé privée avec --key.",
    ),
    "wrong-key": (
        "This is not the private key of {by}: the policy names another public key.",
        "Ce n’est pas la clé privée de {by} : la politique nomme une autre clé publique.",
    ),
    "stranger": (
        "{by} may not move rollouts; these people may: {names}.",
        "{by} ne peut pas faire avancer les déploiements ; peuvent le faire : {names}.",
    ),
    "mistakes": (
        "Nothing was done, the policy would have mistakes: {mistakes}",
        "Rien n’a été fait, la politique aurait des erreurs : {mistakes}",
    ),
    "done": (
        "Revision {number}: {name} is {state}; its candidate serves {share}.",
        "Révision {number} : {name} est {state} ; son candidat sert {share}.",
    ),
    "list-columns": (
        "rollout|state|step|share|candidate|against|route|since|why",
        "déploiement|état|étape|part|candidat|face à|route|depuis|pourquoi",
    ),
    "title": (
        "{name}: {state}, step {step} of {steps}; {arm} serves {share} of the route {route}, since {since}.",
        "{name} : {state}, étape {step} sur {steps} ; {arm} sert {share} de la route {route}, depuis le {since}.",
    ),
    "title-still": (
        "{name}: {state}; {arm} serves {share} of the route {route}.",
        "{name} : {state} ; {arm} sert {share} de la route {route}.",
    ),
    "arm-columns": (
        "arm|people|calls|people in both|calls without a person",
        "bras|personnes|appels|personnes dans les deux|appels sans personne",
    ),
    "line-columns": (
        "measure|is a|{against}|{arm}|difference|lift|margin|people|verdict",
        "mesure|rôle|{against}|{arm}|différence|effet relatif|marge|personnes|verdict",
    ),
    "guardrail": ("guardrail", "garde-fou"),
    "success": ("success", "succès"),
    "HARM": ("worse by more than the margin", "moins bon, au-delà de la marge"),
    "NO_HARM": ("not worse", "pas moins bon"),
    "OPEN": ("nothing proven yet", "rien de prouvé encore"),
    "TOO_FEW": ("too few people: {few} of {wanted}", "trop peu de personnes : {few} sur {wanted}"),
    "certainty": (
        "Each verdict holds by itself with a certainty of {shares}, however often one looks.",
        "Chaque verdict vaut en lui-même avec une certitude de {shares}, quel que soit le nombre de consultations.",
    ),
    "changed": (
        "What the route leads to has changed: only what came since {since} counts.",
        "Ce que dessert la route a changé : seul compte ce qui est arrivé depuis le {since}.",
    ),
    "everybody": (
        "The candidate serves everybody, so there is nothing to compare it with.",
        "Le candidat sert tout le monde : il n’y a plus rien à quoi le comparer.",
    ),
    "ratio": (
        "People reach the arms as the shares say (p = {p}).",
        "Les personnes se répartissent entre les bras comme le disent les parts (p = {p}).",
    ),
    "ratio-wrong": (
        "People do not reach the arms as the shares say (p = {p}): do not believe the comparison before it is known why.",
        "Les personnes ne se répartissent pas comme le disent les parts (p = {p}) : ne vous fiez pas à la comparaison avant de savoir pourquoi.",
    ),
    "due": ("The controller is about to move it: {why}", "Le contrôleur va le faire avancer : {why}"),
    "problem-silent": (
        "The audit service does not answer ({detail}): is `pilote up` running?",
        "Le service d’audit ne répond pas ({detail}) : `pilote up` est-il lancé ?",
    ),
    "problem-refused": (
        "The audit service refuses the question: {detail}",
        "Le service d’audit refuse la question : {detail}",
    ),
    "problem-impossible": (
        "What the audit service answers cannot be, please report this: {detail}",
        "La réponse du service d’audit est impossible, merci de le signaler : {detail}",
    ),
    "unsettled": (
        "Rollout {name}: {state}, {share} of {route}. {why}",
        "Déploiement {name} : {state}, {share} de {route}. {why}",
    ),
}


say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
