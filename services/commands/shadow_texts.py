"""What the commands about shadows and mirrors say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "none": (
        "No route of the active policy copies its calls: give one a `shadow` or a `mirror`.",
        "Aucune route de la politique active ne copie ses appels : donnez-lui un `shadow` ou un `mirror`.",
    ),
    "no-policy": (
        "No policy is active yet: pilote apply FILE",
        "Aucune politique n’est encore active : pilote apply FICHIER",
    ),
    "unknown": (
        "Nothing is known of copies of the route {name}; routes with copies: {names}.",
        "Aucune copie connue de la route {name} ; routes avec copies : {names}.",
    ),
    "audit-down": (
        "The audit service does not answer at {address}: is `pilote up` running?",
        "Le service d’audit ne répond pas à {address} : `pilote up` est-il lancé ?",
    ),
    "bad-span": ("{text} is no duration: write it as 1d or 12h.", "{text} n’est pas une durée : écrivez 1d ou 12h."),
    "list-columns": (
        "route|kind|arm|goes to|share|copies|agreement",
        "route|type|bras|va à|part|copies|accord",
    ),
    "shadow": ("shadow", "fantôme"),
    "mirror": ("mirror", "miroir"),
    "title": ("Copies of the route {name}, of the last {span}", "Copies de la route {name}, sur {span}"),
    "no-copies": (
        "No call of this route was copied in this time.",
        "Aucun appel de cette route n’a été copié pendant cette période.",
    ),
    "counts": (
        "arm|version|kind|copies|sent|agreed|differed|failed|dropped|stopped|refused|agreement",
        "bras|version|type|copies|envoyées|en accord|en désaccord|échouées|abandonnées|suspendues|refusées|accord",
    ),
    "interval": ("{value} [{low}, {high}]", "{value} [{low} ; {high}]"),
    "latencies": (
        "arm|version|median|median of the calls|95th percentile|95th percentile of the calls",
        "bras|version|médiane|médiane des appels|95e centile|95e centile des appels",
    ),
    "differences": (
        "arm|version|what differs|how|calls|share|decision to look at",
        "bras|version|ce qui diffère|comment|appels|part|décision à regarder",
    ),
    "costs": (
        "arm|version|budget|calls|cost|cost of the calls|difference",
        "bras|version|budget|appels|coût|coût des appels|différence",
    ),
    "missing": ("missing", "absent"),
    "added": ("added", "ajouté"),
    "changed": ("changed", "modifié"),
    "changed-by": ("changed, by {share} at most", "modifié, de {share} au plus"),
    "whole": ("the whole reply", "la réponse entière"),
    "rule": ("rule {rule}", "règle {rule}"),
    "rule-added": ("applies to the candidate only", "ne s’applique qu’au candidat"),
    "rule-missing": ("applies to the calls only", "ne s’applique qu’aux appels"),
    "refusal": ("verdict {verdict} by {rule}", "verdict {verdict} par {rule}"),
    "refusal-plain": ("verdict {verdict}: no rule allows it", "verdict {verdict} : aucune règle ne l’autorise"),
    "failure": ("status {status}", "statut {status}"),
    "failure-how": ("its upstream failed", "son système a échoué"),
    "agreement": (
        "Agreement is the share of what was decided, and where sent answered, as the call was; in brackets where it may lie (95 %, calls taken as independent).",
        "L’accord est la part de ce qui a été décidé, et si envoyé répondu, comme l’appel ; entre crochets, où elle peut se situer (95 %, appels supposés indépendants).",
    ),
    "dropped": (
        "{share} of the copies were dropped because too many were waiting: what is left may be the quick ones only.",
        "{share} des copies ont été abandonnées, trop de copies attendant : il ne reste peut-être que les plus rapides.",
    ),
    "failed": (
        "{share} of the copies sent got no answer; they say nothing about agreement.",
        "{share} des copies envoyées sont restées sans réponse ; elles ne disent rien de l’accord.",
    ),
    "few": (
        "Fewer than {wanted} copies could be compared: too few to rely on.",
        "Moins de {wanted} copies ont pu être comparées : trop peu pour s’y fier.",
    ),
}


say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
