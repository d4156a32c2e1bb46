"""What `pilote plan` says, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "none": (
        "{file} is the same as revision {number}, which is active: nothing would change.",
        "{file} est identique à la révision {number}, qui est active : rien ne changerait.",
    ),
    "title": (
        "{file} compared with revision {number}, which is active:",
        "{file} comparé à la révision {number}, qui est active :",
    ),
    "title-first": (
        "No policy is active yet; {file} would be the first:",
        "Aucune politique n’est active ; {file} serait la première :",
    ),
    "columns": ("change|methods|agents|calls", "modification|méthodes|agents|appels"),
    "all": ("all {count}", "toutes ({count})"),
    "all-agents": ("all", "tous"),
    "none-touched": ("none", "aucun"),
    "more": ("{names} and {count} more", "{names} et {count} de plus"),
    "calls": ("{calls} ({share})", "{calls} ({share})"),
    "unknown": ("unknown", "inconnu"),
    "total": (
        "Of the calls of the last {span} these changes may touch {calls} of {all} ({share}).",
        "Sur une période de {span}, ces modifications peuvent toucher {calls} appels sur {all} ({share}).",
    ),
    "bound": (
        "That is the most there can be: conditions are not weighed. `--backtest` says what would really end otherwise.",
        "C’est un maximum : les conditions ne sont pas évaluées. `--backtest` dit ce qui finirait vraiment autrement.",
    ),
    "no-calls": (
        "There were no calls in the last {span}.",
        "Il n’y a eu aucun appel sur une période de {span}.",
    ),
    "audit-down": (
        "The audit service does not answer at {address}, so nobody can say how many calls are concerned: is `pilote up` running?",
        "Le service d’audit ne répond pas à {address} : impossible de dire combien d’appels sont concernés. `pilote up` est-il lancé ?",
    ),
    "replay-agrees": (
        "{decision} agrees: decided once more under revision {revision}, it comes to the same, byte for byte ({verdict}).",
        "{decision} concorde : rejouée sous la révision {revision}, la décision est la même, octet pour octet ({verdict}).",
    ),
    "replay-differs": (
        "{decision} differs: decided once more under revision {revision}, it comes to something else.",
        "{decision} diffère : rejouée sous la révision {revision}, la décision est autre.",
    ),
    "replay-columns": ("field|recorded|replayed", "champ|enregistré|rejoué"),
    "replay-none": (
        "What it was decided by is not kept, or no longer: the policy says in `replay` of how many calls it is, and how long.",
        "Ce qui a servi à décider n’est pas conservé, ou ne l’est plus : la politique dit dans `replay` pour combien d’appels, et combien de temps.",
    ),
    "replay-erased": (
        "What it was decided by was erased with the customer, so nobody can decide about it once more.",
        "Ce qui a servi à décider a été effacé avec le client : on ne peut plus rejouer cette décision.",
    ),
    "replay-key": (
        "It was sealed with a key that is not in the key file here: set PILOTE_REPLAY_KEY_FILE to the gateways’ one.",
        "Scellé avec une clé absente du fichier de clés : donnez à PILOTE_REPLAY_KEY_FILE celui des passerelles.",
    ),
    "replay-damaged": (
        "What was kept was changed since, and is not used.",
        "Ce qui a été conservé a été modifié depuis et n’est pas utilisé.",
    ),
    "replay-version": (
        "Another version of Pilote kept it, with other inputs.",
        "Une autre version de Pilote l’a conservé, avec d’autres données.",
    ),
    "replay-revision-gone": (
        "The revision that decided is not there any more.",
        "La révision qui a décidé n’existe plus.",
    ),
    "replay-revision-unreadable": (
        "This version of Pilote cannot read the revision that decided.",
        "Cette version de Pilote ne peut pas lire la révision qui a décidé.",
    ),
    "replay-bad-id": (
        "{decision} is no decision: give the id of 32 hexadecimal digits.",
        "{decision} n’est pas une décision : donnez l’identifiant de 32 chiffres hexadécimaux.",
    ),
    "forgotten": (
        "{count} inputs about {subject} were deleted; what was recorded of the decisions stays.",
        "Les données de {count} appels au sujet de {subject} sont supprimées ; les décisions restent enregistrées.",
    ),
    "unreadable": (
        "Revision {number}, which is active, cannot be read by this version of Pilote, so nothing can be compared with it.",
        "La révision {number}, qui est active, ne peut pas être lue par cette version de Pilote : rien ne peut lui être comparé.",
    ),
    "bad-span": (
        "{given} is no span of time from 1h to 366d: write it as 7d or 12h.",
        "{given} n’est pas une durée de 1h à 366d : écrivez 7d ou 12h.",
    ),
}


say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
