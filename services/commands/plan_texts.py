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
