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
    "target": (
        "PILOTE_INSIGHTS_TARGET_LOW_PERCENT is above PILOTE_INSIGHTS_TARGET_HIGH_PERCENT: set it lower.",
        "PILOTE_INSIGHTS_TARGET_LOW_PERCENT dépasse PILOTE_INSIGHTS_TARGET_HIGH_PERCENT : réduisez-le.",
    ),
    "about": ("about", "sujet"),
    "what": ("what", "quoi"),
    "value": ("value", "valeur"),
    "interval": ("interval", "intervalle"),
    "of": ("of", "sur"),
    "filter": ("decisions", "décisions"),
    "pressure-none": (
        "Nothing can be said yet: weeks are looked at eight days after their end, and channels from 30 customers on.",
        "Rien ne peut encore être dit : les semaines sont examinées huit jours après leur fin, à partir de 30 clients.",
    ),
    "pressure-few": ("too few", "effectif trop faible"),
    "pressure-channel": (
        "{tenant}, channel {channel}, {start} to {end}: {standing}",
        "{tenant}, canal {channel}, du {start} au {end} : {standing}",
    ),
    "pressure-SATURATED": ("saturated", "saturé"),
    "pressure-ON_TARGET": ("on target", "dans la cible"),
    "pressure-UNDER_SOLICITED": ("under-solicited", "sous-sollicité"),
    "pressure-UNKNOWN": ("whether it is saturated is not known", "saturation indéterminée"),
    "pressure-segments": (
        "Segments; on target is {low} to {high} of what caps allow, of the customer in the middle:",
        "Segments ; dans la cible : de {low} à {high} de ce que les plafonds autorisent, pour le client médian :",
    ),
    "pressure-segment": ("segment", "segment"),
    "pressure-stands": ("state", "état"),
    "pressure-sample": ("customers in the sample", "clients de l’échantillon"),
    "pressure-fullness": ("cap used in the middle", "plafond utilisé, médiane"),
    "pressure-people": ("customers", "clients"),
    "pressure-contacts": ("contacts", "sollicitations"),
    "pressure-p50": ("contacts of a customer, median", "sollicitations par client, médiane"),
    "pressure-p95": ("contacts of a customer, 95%", "sollicitations par client, 95 %"),
    "pressure-p99": ("contacts of a customer, 99%", "sollicitations par client, 99 %"),
    "pressure-gini": ("inequality (Gini)", "inégalité (Gini)"),
    "pressure-never": ("share never contacted", "part jamais sollicitée"),
    "pressure-over": ("share beyond a cap", "part au-delà d’un plafond"),
    "pressure-capped": ("share refused by a cap", "part refusée par un plafond"),
    "pressure-opt-outs": ("opt-outs", "désinscriptions"),
    "pressure-complaints": ("complaints", "plaintes"),
    "pressure-much-too-much": ("“much too much” answers", "réponses « beaucoup trop »"),
    "pressure-before": ("contacts in the week before", "sollicitations de la semaine d’avant"),
    "pressure-looks": ("looked at", "effectif"),
    "pressure-events": ("cases", "cas"),
    "pressure-per-people": ("for 1,000 customers", "pour 1 000 clients"),
    "pressure-per-contacts": ("for 1,000 contacts", "pour 1 000 sollicitations"),
    "pressure-above": ("more than the holdout", "de plus que le groupe témoin"),
    "pressure-holdout": ("holdout", "groupe témoin"),
    "pressure-senders": ("Who adds the pressure:", "Qui ajoute la pression :"),
    "pressure-agent": ("agent", "agent"),
    "pressure-beyond": ("beyond", "en trop"),
    "pressure-of-contacts": ("share of all", "part du total"),
    "pressure-of-beyond": ("share of those beyond", "part de celles en trop"),
}

say: Final = saying(_TEXTS)
