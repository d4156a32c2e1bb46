"""What findings say, in English and French: each kind's title, and what was seen with how sure that is."""

from typing import Final

from gateway.core.texts import saying, typeset

_TEXTS: Final = {
    "title": ("{kind}: {where}", "{kind} : {where}"),
    "title-drift": ("Drift", "Dérive"),
    "means-drift": (
        "Its values are distributed otherwise than they were before.",
        "Ses valeurs ne se répartissent plus comme avant.",
    ),
    "title-fairness": ("Unequal treatment", "Inégalité de traitement"),
    "means-fairness": (
        "This group fares worse than the group that it is compared with.",
        "Ce groupe est moins bien traité que le groupe auquel il est comparé.",
    ),
    "title-pressure": ("Too much pressure", "Pression excessive"),
    "means-pressure": (
        "The more often customers are contacted, the more of them complain, opt out or say that it is too much.",
        "Plus les clients sont sollicités, plus ils sont nombreux à se plaindre, à se désinscrire ou à dire que c’est trop.",
    ),
    "title-saturation": ("Saturated", "Saturation"),
    "means-saturation": (
        "Most of these customers have no room left under their caps, or hardly any; measured is the share of them.",
        "La plupart de ces clients n’ont plus, ou presque plus, de marge sous leurs plafonds ; la mesure en est la part.",
    ),
    "title-burst": ("Burst", "Rafale"),
    "means-burst": (
        "It happens much more often than at the same hours before.",
        "Cela arrive bien plus souvent qu’aux mêmes heures auparavant.",
    ),
    "title-probing": ("Limits are probed", "Limites sondées"),
    "means-probing": (
        "The calls look as if somebody tried out where the limits are.",
        "Les appels donnent à penser que quelqu’un cherche où sont les limites.",
    ),
    "title-adding-up": ("Calls that add up", "Appels qui s’additionnent"),
    "means-adding-up": (
        "Each call was allowed; together they are more than was ever usual.",
        "Chaque appel était autorisé ; ensemble, ils dépassent tout ce qui était habituel.",
    ),
    "title-novelty": ("New values", "Valeurs nouvelles"),
    "means-novelty": (
        "Values come that were never seen before, more than are to be expected.",
        "Des valeurs jamais vues arrivent, plus qu’il ne faut s’y attendre.",
    ),
    "title-silence": ("A rule matches otherwise", "Règle qui ne s’applique plus comme avant"),
    "means-silence": (
        "A rule applies to far fewer calls than before, or to far more.",
        "Une règle s’applique à bien moins d’appels qu’avant, ou à bien plus.",
    ),
    "title-around": ("Refusals are got round", "Refus contournés"),
    "means-around": (
        "What one agent was refused another one did soon after, more often than by chance.",
        "Ce qui a été refusé à un agent, un autre l’a fait peu après, plus souvent que par hasard.",
    ),
    "title-rule-failing": ("A rule fails", "Règle en échec"),
    "means-rule-failing": (
        "The rule could not be evaluated, and counted as its on_error says.",
        "La règle n’a pas pu être évaluée, et a compté comme le dit son on_error.",
    ),
    "title-log-differs": ("The log and another system differ", "Écart entre le journal et un autre système"),
    "means-log-differs": (
        "What another system has of these calls is not what the log has.",
        "Ce qu’un autre système sait de ces appels n’est pas ce que contient le journal.",
    ),
    "title-review": ("Found in review", "Constaté en revue"),
    "means-review": (
        "People who reviewed decisions found them wrong, or did not agree with each other.",
        "Les personnes qui ont revu des décisions les ont jugées erronées, ou ne s’accordent pas entre elles.",
    ),
    "title-other": ("Something unusual ({kind})", "Fait inhabituel ({kind})"),
    "means-other": (
        "What was seen is not what was to be expected.",
        "Ce qui a été observé n’est pas ce qui était attendu.",
    ),
    "measured": (
        "Measured: {value}, and with {level} confidence between {low} and {high}.",
        "Mesure : {value}, et avec une confiance de {level} entre {low} et {high}.",
    ),
    "measured-only": ("Measured: {value}.", "Mesure : {value}."),
    "looked-at": ("{n} were looked at.", "Effectif examiné : {n}."),
    "compared": ("{n} were looked at, and compared with {m}.", "Effectif examiné : {n}, comparé à {m}."),
    "reach-calls": ("Calls concerned: {reach}.", "Appels concernés : {reach}."),
    "reach-people": ("People concerned: {reach}.", "Personnes concernées : {reach}."),
    "false-weeks": (
        "In {weeks} weeks in which nothing is wrong, at most one raises a finding of this kind.",
        "Sur {weeks} semaines où rien ne va mal, une au plus fait apparaître un constat de ce type.",
    ),
    "false-share": (
        "At most {share} of weeks in which nothing is wrong raise a finding of this kind.",
        "Au plus {share} des semaines où rien ne va mal font apparaître un constat de ce type.",
    ),
    "false-none": (
        "It was counted, not estimated: it cannot be a false alarm.",
        "C’est un décompte, pas une estimation : ce ne peut être une fausse alerte.",
    ),
    "failed-one": (
        "It failed once, under revision {revision}: {error}.",
        "Un échec, sous la révision {revision} : {error}.",
    ),
    "failed": (
        "It failed {count} times, the last time under revision {revision}: {error}.",
        "{count} échecs, le dernier sous la révision {revision} : {error}.",
    ),
    "about-agent": ("agent", "agent"),
    "about-arm": ("arm", "variante"),
    "about-attribute": ("attribute", "attribut"),
    "about-category": ("category", "catégorie"),
    "about-channel": ("channel", "canal"),
    "about-field": ("field", "champ"),
    "about-group": ("group", "groupe"),
    "about-limit": ("limit", "limite"),
    "about-measure": ("measure", "mesure"),
    "about-method": ("method", "méthode"),
    "about-model": ("model", "modèle"),
    "about-other-agent": ("done by", "fait par"),
    "about-operation": ("operation", "opération"),
    "about-outcome": ("outcome", "résultat"),
    "about-reason": ("reason", "motif"),
    "about-reviewer": ("reviewer", "relecteur"),
    "about-route": ("route", "route"),
    "about-rule": ("rule", "règle"),
    "about-segment": ("segment", "segment"),
    "about-subject": ("customer", "client"),
    "about-system": ("system", "système"),
    "about-value": ("value", "valeur"),
    "about-verdict": ("verdict", "verdict"),
    "about-version": ("version", "version"),
    "measure-agents": ("agents of one customer", "agents d’un même client"),
    "measure-calls": ("calls for one customer", "appels pour un même client"),
    "measure-complaints": ("complaints", "plaintes"),
    "measure-contacts": ("contacts", "sollicitations"),
    "measure-customers": ("customers read", "clients consultés"),
    "measure-input": ("input", "entrée"),
    "measure-inferences": ("inferences", "inférences"),
    "measure-latency": ("latency", "latence"),
    "measure-much-too-much": ("“much too much” answers", "réponses « beaucoup trop »"),
    "measure-near": ("windows just below a cap", "fenêtres juste sous un plafond"),
    "measure-offers": ("offers", "offres"),
    "measure-opt-outs": ("opt-outs", "désinscriptions"),
    "measure-refusals": ("refusals", "refus"),
    "measure-score": ("score", "score"),
    "measure-swept": ("customers called once, after a refusal", "clients appelés une seule fois, après un refus"),
    "measure-varied": ("refusals tried again otherwise", "refus retentés autrement"),
    "measure-verdict": ("verdicts", "verdicts"),
    "state-OPEN": ("open", "ouvert"),
    "state-ACCEPTED": ("taken on", "pris en charge"),
    "state-RESOLVED": ("resolved", "résolu"),
    "state-DISMISSED": ("dismissed", "écarté"),
    "grade-CRITICAL": ("critical", "critique"),
    "grade-MAJOR": ("major", "majeur"),
    "grade-MINOR": ("minor", "mineur"),
}
KEYS: Final = frozenset(_TEXTS)

say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})
"""A text by its key, in a language, filled with values."""
