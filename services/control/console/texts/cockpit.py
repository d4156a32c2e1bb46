"""What the page *Cockpit* says; what KPIs are called is in `services.cockpit.texts`."""

from typing import Final

TEXTS: Final = {
    "cockpit": ("Cockpit", "Cockpit"),
    "cockpit-about": (
        "What contacts bring and what they cost: each number with its interval, and the decisions behind it.",
        "Ce que les sollicitations apportent et ce qu’elles coûtent : chaque chiffre avec son intervalle et les décisions qui le fondent.",
    ),
    "cockpit-digest": ("The weekly digest, ready to be mailed", "Le bilan de la semaine, prêt à être envoyé"),
    "cockpit-tenant": ("Tenant", "Organisation"),
    "cockpit-first": ("First day", "Premier jour"),
    "cockpit-last": ("Last day", "Dernier jour"),
    "cockpit-by": ("By", "Par"),
    "cockpit-show": ("Show", "Afficher"),
    "cockpit-none": ("Nothing was worked out of these days yet", "Rien n’a encore été calculé pour ces jours"),
    "cockpit-none-about": (
        "Numbers are worked out once an hour, as soon as an agent contacts customers.",
        "Les chiffres sont calculés une fois par heure, dès qu’un agent sollicite des clients.",
    ),
    "cockpit-days": (
        "{first} to {last} (UTC), worked out {time}. Intervals hold with a confidence of 95%.",
        "Du {first} au {last} (UTC), calculé {time}. Intervalles de confiance à 95 %.",
    ),
    "cockpit-currency": ("Amounts in {currency}.", "Montants en {currency}."),
    "cockpit-rates": ("Amounts in {currency}: {rates}.", "Montants en {currency} : {rates}."),
    "cockpit-open": (
        "Of {days} of these days more may still come: their numbers will change, and say so.",
        "Pour {days} de ces jours, des résultats peuvent encore arriver : leurs chiffres changeront, et ce sera indiqué.",
    ),
    "cockpit-apart": (
        "Not counted, because the policy has no rate for {currency}: {n} amounts, {cents} in all.",
        "Non comptés, faute de taux pour {currency} dans la politique : {n} montants, {cents} au total.",
    ),
    "cockpit-left-out": (
        "{days} days are left out: they were worked out in another currency.",
        "{days} jours sont écartés : ils ont été calculés dans une autre monnaie.",
    ),
    "cockpit-numbers": ("Indicators", "Indicateurs"),
    "cockpit-kpi": ("Indicator", "Indicateur"),
    "cockpit-value": ("Value", "Valeur"),
    "cockpit-interval": ("Interval", "Intervalle"),
    "cockpit-n": ("n", "n"),
    "cockpit-revised": ("Revised", "Révision"),
    "cockpit-over-time": ("Over time", "Dans le temps"),
    "cockpit-chart": (
        "{kpi} with its interval over time; the table below says the same.",
        "{kpi} et son intervalle dans le temps ; le tableau plus bas dit la même chose.",
    ),
    "cockpit-low": ("From", "De"),
    "cockpit-high": ("To", "À"),
    "cockpit-table": ("As a table", "Sous forme de tableau"),
    "cockpit-time": ("Days", "Jours"),
    "cockpit-contacts": ("Contacts", "Sollicitations"),
    "cockpit-refusals": ("Refused", "Refusées"),
    "cockpit-parts": ("By {by}", "Par {by}"),
    "cockpit-parts-none": ("No contact says it.", "Aucune sollicitation ne le précise."),
    "cockpit-segments": (
        "Which segments a single customer is in is personal, and the log does not say it: these numbers open the decisions of all segments.",
        "Les segments d’une personne sont une donnée personnelle, et le journal ne les dit pas : ces chiffres ouvrent les décisions de tous les segments.",
    ),
    "cockpit-incomparable": (
        "Of {refusals} refused contacts, nothing was made like {incomparable}: what these would have brought is not in the numbers.",
        "Sur {refusals} sollicitations refusées, {incomparable} n’ont pas d’équivalent qui ait eu lieu : ce qu’elles auraient apporté n’est pas compté.",
    ),
}
