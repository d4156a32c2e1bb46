"""What the commands about experiments say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "none": ("The active policy has no experiment.", "La politique active n’a aucune expérience."),
    "no-policy": (
        "No policy is active yet: pilote apply FILE",
        "Aucune politique n’est encore active : pilote apply FICHIER",
    ),
    "unknown": (
        "There is no experiment {name}; there are: {names}.",
        "Il n’y a pas d’expérience {name} ; il existe : {names}.",
    ),
    "sums-wrong": (
        "What the audit service answers about {measure} of {arm} cannot be: {fault}. Please report this.",
        "La réponse du service d’audit sur {measure} de {arm} est impossible : {fault}. Merci de le signaler.",
    ),
    "audit-down": (
        "The audit service does not answer at {address}: is `pilote up` running?",
        "Le service d’audit ne répond pas à {address} : `pilote up` est-il lancé ?",
    ),
    "bad-time": ("{text} is no day: write it as 2026-01-31.", "{text} n’est pas une date : écrivez 2026-01-31."),
    "bad-span": ("{text} is no duration: write it as 28d or 12h.", "{text} n’est pas une durée : écrivez 28d ou 12h."),
    "list-columns": (
        "experiment|state|variations|coverage|measures|hypothesis",
        "expérience|état|variantes|couverture|mesures|hypothèse",
    ),
    "running": ("running", "en cours"),
    "stopped": ("stopped", "arrêtée"),
    "title": ("{name}: {state}, since {since}", "{name} : {state}, depuis le {since}"),
    "title-all": ("{name}: {state}, from the beginning", "{name} : {state}, depuis le début"),
    "arm-columns": (
        "variation|weight|people|calls|people in several|calls without a person",
        "variante|poids|personnes|appels|personnes dans plusieurs|appels sans personne",
    ),
    "line-columns": (
        "measure|variation|{control}|variation’s own|difference|lift|verdict|variance taken away",
        "mesure|variante|{control}|la variante|différence|effet relatif|verdict|variance retirée",
    ),
    "BETTER": ("better", "meilleure"),
    "WORSE": ("worse", "moins bonne"),
    "NOT_WORSE": ("not worse", "pas moins bonne"),
    "INCONCLUSIVE": ("nothing proven yet", "rien de prouvé encore"),
    "TOO_FEW": ("too few people: {few} of {wanted}", "trop peu de personnes : {few} sur {wanted}"),
    "nothing-measured": ("nothing measured", "rien de mesuré"),
    "certainty": (
        "With a certainty of {share} none of these verdicts and intervals is wrong, however often one looks. That holds for large samples; see README.",
        "Avec une certitude de {share}, aucun de ces verdicts et intervalles n’est faux, quel que soit le nombre de consultations. Cela vaut pour de grands échantillons ; voir README.",
    ),
    "no-measures": (
        "The experiment names no measures, so nothing is compared.",
        "L’expérience ne nomme aucune mesure : rien n’est comparé.",
    ),
    "ratio-fine": (
        "Sample ratio of revisions {name}: as the weights say (p = {p}).",
        "Répartition sous les révisions {name} : conforme aux poids (p = {p}).",
    ),
    "ratio-mismatch": (
        "Sample ratio of revisions {name}: {counted} people instead of {expected} (p = {p}). Something loses or moves people of one variation: do not believe the comparison before it is found.",
        "Répartition sous les révisions {name} : {counted} personnes au lieu de {expected} (p = {p}). Quelque chose perd ou déplace les personnes d’une variante : ne vous fiez pas à la comparaison avant d’avoir trouvé.",
    ),
    "ratio-few": (
        "Sample ratio of revisions {name}: too few people to say.",
        "Répartition sous les révisions {name} : trop peu de personnes pour conclure.",
    ),
    "ratio-together": (
        "All phases together lean to one side (p = {p}): do not believe the comparison before it is known why.",
        "Toutes les phases penchent ensemble du même côté (p = {p}) : ne vous fiez pas à la comparaison avant de savoir pourquoi.",
    ),
    "stray": (
        "{share} of the people were seen in a variation that had no weight.",
        "{share} des personnes ont été vues dans une variante sans poids.",
    ),
    "phases": (
        "The allocation changed within this time, so a trend may look like an effect: leave out --since to see what came after the last change.",
        "La répartition a changé dans cette période : une tendance peut passer pour un effet. Sans --since, vous verrez ce qui a suivi le dernier changement.",
    ),
    "unknown-revisions": (
        "{count} people came in under revisions that are not known any more; their sample ratio is not tested.",
        "{count} personnes sont arrivées sous des révisions qui ne sont plus connues ; leur répartition n’est pas vérifiée.",
    ),
    "crossing": (
        "{count} people at most ({share}) were seen in several variations and are left out.",
        "{count} personnes au plus ({share}) ont été vues dans plusieurs variantes et sont écartées.",
    ),
    "crossing-many": (
        "{count} people at most ({share}) were seen in several variations. They are left out, but they are too many: who is left may differ between the variations.",
        "{count} personnes au plus ({share}) ont été vues dans plusieurs variantes. Elles sont écartées, mais elles sont trop nombreuses : celles qui restent peuvent différer d’une variante à l’autre.",
    ),
}


say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
