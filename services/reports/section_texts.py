"""What reports say of how customers are solicited, and of a model version beside its calls, in English and French."""

from typing import Final

from gateway.core.texts import saying, typeset

_TEXTS: Final = {
    "none": ("None.", "Aucun élément."),
    "interval": ("{value} ({low} to {high})", "{value} (de {low} à {high})"),
    "at-least": ("{value} (at least {low})", "{value} (au moins {low})"),
    "few": ("too few", "effectif trop faible"),
    "spread-none": (
        "How many contacts single customers had is not known for this time: `pilote insights` works it out for whole weeks, and keeps those that were looked at last.",
        "Le nombre de sollicitations par client n’est pas connu pour cette période : `pilote insights` le calcule par semaines entières, et garde les dernières examinées.",
    ),
    "spread-said": (
        "How often single customers of {tenant} were contacted from {start} to {end}, the weeks that were looked at last; they need not be those of this report. In brackets the interval of 95%, where it is known.",
        "Fréquence des sollicitations par client de {tenant} du {start} au {end}, dernières semaines examinées ; elles ne sont pas forcément celles de ce rapport. Entre parenthèses, l’intervalle à 95 %, lorsqu’il est connu.",
    ),
    "spread": ("Contacts of single customers of {tenant}, by channel", "Sollicitations par client de {tenant}, par canal"),
    "spread-columns": (
        "channel|customers|in the middle|95% have at most|99% have at most|never contacted|beyond a cap",
        "canal|clients|client médian|95 % en ont au plus|99 % en ont au plus|jamais sollicités|au-delà d’un plafond",
    ),
    "cost": ("What contacts cost, for 1,000 customers of {tenant}", "Ce que coûtent les sollicitations, pour 1 000 clients de {tenant}"),
    "cost-columns": (
        "channel, outcome|without contacts (holdout)|more among the others",
        "canal, effet|sans sollicitation (groupe témoin)|de plus chez les autres",
    ),
    "cost-opt-outs": ("opt-outs", "désinscriptions"),
    "cost-complaints": ("complaints", "plaintes"),
    "cost-much-too-much": ("“much too much” answers", "réponses « beaucoup trop »"),
    "probes": ("Probes", "Sondes"),
    "probes-unknown": (
        "The active policy does not have this version, so it cannot be told what it was probed with.",
        "La politique active n’a pas cette version : on ne peut dire avec quoi elle a été sondée.",
    ),
    "probes-none": (
        "No suite that is kept has been run against this version as it is now.",
        "Aucune suite conservée n’a été exécutée contre cette version telle qu’elle est.",
    ),
    "probes-said": (
        "What the suites as they are now came to for the version as the active policy has it, when they were run last; results are kept for 180 days.",
        "Résultat des suites telles qu’elles sont pour la version telle que l’a la politique active, lors de leur dernière exécution ; les résultats sont gardés 180 jours.",
    ),
    "probes-caption": ("Suites of probes (n = {n})", "Suites de sondes (n = {n})"),
    "probes-columns": ("suite|came to|does not hold|cases|run", "suite|résultat|ne tient pas|cas|exécution"),
    "passed": ("holds", "tient"),
    "failed": ("does not hold", "ne tient pas"),
    "run": ("{when}, by {who}", "{when}, par {who}"),
    "reviews": ("Reviews", "Revues"),
    "reviews-none": (
        "No decision of this version from this time has been judged by people yet.",
        "Aucune décision de cette version sur cette période n’a encore été jugée par des personnes.",
    ),
    "reviews-said": (
        "What people who judge decisions have found of those of this time; reviews know a version by its name only, whichever model it is of.",
        "Ce qu’ont établi les personnes qui jugent des décisions, pour celles de cette période ; les revues ne connaissent d’une version que son nom, quel que soit le modèle.",
    ),
    "labels": ("What decisions were found to be (n = {n})", "Ce que les décisions se sont révélées être (n = {n})"),
    "labels-columns": ("found to be|decisions|share", "constat|décisions|part"),
    "label-RIGHT": ("right", "juste"),
    "label-WRONG_SHOULD_ALLOW": ("wrong: it should have been allowed", "erronée : elle aurait dû être autorisée"),
    "label-WRONG_SHOULD_DENY": (
        "wrong: it should not have been allowed so",
        "erronée : elle n’aurait pas dû être autorisée ainsi",
    ),
    "label-UNCLEAR": ("unclear", "impossible à dire"),
    "wrong": (
        "How many of all decisions are wrong, from those that were drawn, with the interval of 95%",
        "Part erronée de toutes les décisions, d’après celles tirées au sort, avec l’intervalle à 95 %",
    ),
    "wrong-columns": ("agent|wrong|decisions|reviewed|wrong among those", "agent|erronées|décisions|revues|erronées parmi celles-ci"),
    "wrong-few": ("fewer than 10 reviews", "moins de 10 revues"),
    "rollouts": ("Rollouts", "Déploiements"),
    "rollouts-none": (
        "No rollout has moved this version in this time.",
        "Aucun déploiement n’a fait avancer cette version sur cette période.",
    ),
    "moves": ("Steps of rollouts (n = {n})", "Étapes de déploiements (n = {n})"),
    "moves-columns": (
        "when|rollout|state|why|share of customers|revision",
        "quand|déploiement|état|pourquoi|part des clients|révision",
    ),
    "moves-by": ("{why} ({who})", "{why} ({who})"),
}  # fmt: skip
KEYS: Final = frozenset(_TEXTS)

say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})
"""A text by its key, in a language, filled with values."""
