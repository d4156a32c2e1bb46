"""What the commands `pilote insights` say."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "reading": ("Reading the log", "Lecture du journal"),
    "looking": ("Looking for {kind}", "Recherche : {kind}"),
    "nothing": (
        "{read} entries of the log were read in {seconds} s, and nothing stands out.",
        "{read} entrées du journal lues en {seconds} s ; rien ne se distingue.",
    ),
    "seen": (
        "{read} entries of the log were read and looked at in {seconds} s.",
        "{read} entrées du journal lues et examinées en {seconds} s.",
    ),
    "failed": (
        "The look for {kind} ended with a mistake of ours; its trace is in the log of this command.",
        "La recherche {kind} s’est arrêtée sur une erreur de notre fait ; la trace est dans le journal de la commande.",
    ),
    "about": ("about", "sujet"),
    "what": ("what", "quoi"),
    "value": ("value", "valeur"),
    "interval": ("interval", "intervalle"),
    "of": ("of", "sur"),
    "filter": ("decisions", "décisions"),
}

say: Final = saying(_TEXTS)
