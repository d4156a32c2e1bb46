"""What is said of KPIs, in English and French."""

from typing import Final

TEXTS: Final = {
    "kpi-activation_rate": ("Activation rate", "Taux d’activation"),
    "kpi-conversion_rate": ("Conversion", "Conversion"),
    "kpi-revenue_cents": ("Revenue", "Chiffre d’affaires"),
    "kpi-revenue_per_customer_cents": ("Revenue per customer", "Chiffre d’affaires par client"),
    "kpi-incremental_revenue_cents": ("Incremental revenue", "Chiffre d’affaires incrémental"),
    "kpi-nps": ("NPS", "NPS"),
    "kpi-pressure_much_too_much": ("Feel contacted much too much", "Pression perçue : « beaucoup trop »"),
    "kpi-pressure_a_bit_too_much": ("Feel contacted a bit too much", "Pression perçue : « un peu trop »"),
    "kpi-pressure_not_solicited": ("Feel not solicited", "Pression perçue : « pas sollicité »"),
    "kpi-departure_rate": ("Opt-outs and complaints", "Désinscriptions et plaintes"),
    "kpi-blocked_revenue_cents": ("Revenue blocked", "Chiffre d’affaires bloqué"),
    "kpi-protected_value_cents": ("Value protected", "Valeur protégée"),
    "kpi-pressure_p50": ("Contacts in a week, customer in the middle", "Sollicitations par semaine, client médian"),
    "kpi-pressure_p95": ("Contacts in a week that 95% do not exceed", "Sollicitations par semaine, 95ᵉ centile"),
    "kpi-pressure_gini": ("Inequality of contacts (Gini)", "Inégalité des sollicitations (Gini)"),
    "kpi-never_contacted_rate": ("Not contacted in the week", "Non sollicités dans la semaine"),
    "kpi-about-activation_rate": (
        "Contacted customers who clicked, replied or converted within 28 days.",
        "Clients sollicités qui ont cliqué, répondu ou converti sous 28 jours.",
    ),
    "kpi-about-conversion_rate": (
        "Contacted customers who converted within 28 days.",
        "Clients sollicités qui ont converti sous 28 jours.",
    ),
    "kpi-about-revenue_cents": (
        "What contacted customers spent within 28 days.",
        "Ce que les clients sollicités ont dépensé sous 28 jours.",
    ),
    "kpi-about-revenue_per_customer_cents": (
        "The same for one contacted customer.",
        "Le même montant, pour un client sollicité.",
    ),
    "kpi-about-incremental_revenue_cents": (
        "What contacts brought on top of what the holdout spent without them.",
        "Ce que les sollicitations ont apporté de plus que le groupe témoin, qui n’en reçoit pas.",
    ),
    "kpi-about-nps": (
        "Promoters (9, 10) less detractors (0 to 6), in points.",
        "Promoteurs (9, 10) moins détracteurs (0 à 6), en points.",
    ),
    "kpi-about-pressure_much_too_much": ("Of all answers to the survey.", "Parmi toutes les réponses à l’enquête."),
    "kpi-about-pressure_a_bit_too_much": ("Of all answers to the survey.", "Parmi toutes les réponses à l’enquête."),
    "kpi-about-pressure_not_solicited": ("Of all answers to the survey.", "Parmi toutes les réponses à l’enquête."),
    "kpi-about-departure_rate": (
        "Contacted customers who opted out or complained within 28 days.",
        "Clients sollicités qui se sont désinscrits ou plaints sous 28 jours.",
    ),
    "kpi-about-blocked_revenue_cents": (
        "What refused contacts would have brought, by comparable ones that were made.",
        "Ce que les sollicitations refusées auraient rapporté, d’après celles, comparables, qui ont eu lieu.",
    ),
    "kpi-about-protected_value_cents": (
        "What would have been lost with customers who would have left after refused contacts.",
        "Ce qui aurait été perdu avec les clients que les sollicitations refusées auraient fait partir.",
    ),
    "kpi-about-pressure_p50": ("In the last complete week.", "La dernière semaine complète."),
    "kpi-about-pressure_p95": ("In the last complete week.", "La dernière semaine complète."),
    "kpi-about-pressure_gini": (
        "0: all customers get as many; towards 1: one gets all.",
        "0 : tous les clients en reçoivent autant ; vers 1 : un seul reçoit tout.",
    ),
    "kpi-about-never_contacted_rate": (
        "Of customers for whom a contact was asked in four weeks.",
        "Parmi les clients pour lesquels une sollicitation a été demandée en quatre semaines.",
    ),
    "kpi-insufficient": ("insufficient (n = {n})", "insuffisant (n = {n})"),
    "kpi-points": ("{value} points", "{value} points"),
    "kpi-interval": ("{low} to {high}", "de {low} à {high}"),
    "kpi-at-least": ("at least {low}", "au moins {low}"),
    "kpi-revised": ("revised on {day}: {by}", "révisé le {day} : {by}"),
    "kpi-all": ("Everything", "Ensemble"),
    "kpi-by-agent": ("Agent", "Agent"),
    "kpi-by-version": ("Version", "Version"),
    "kpi-by-campaign": ("Campaign", "Campagne"),
    "kpi-by-objective": ("Objective", "Objectif"),
    "kpi-by-category": ("Category", "Catégorie"),
    "kpi-by-segment": ("Segment", "Segment"),
    "kpi-by-channel": ("Channel", "Canal"),
    "kpi-by-rule": ("Rule", "Règle"),
}
