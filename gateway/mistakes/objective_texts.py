"""Mistakes of objectives: what it is and how to mend it, each in English and French."""

from typing import Final

TEXTS: Final = {
    "objectives-too-many": (
        (
            "there are {count} objectives; at most {most} are taken",
            "il y a {count} objectifs ; {most} au plus sont admis",
        ),
        ("remove those whose period is over", "retirez ceux dont la période est terminée"),
    ),
    "objectives-waver": (
        (
            "a call could serve the objectives '{one}' and '{two}' alike: neither is narrower",
            "un appel pourrait servir aussi bien l’objectif « {one} » que « {two} » : aucun n’est plus étroit",
        ),
        (
            "part them by `campaign`, `segment`, `agents`, `channels`, `categories` or `period`, or make one narrower in all that both say",
            "séparez-les par `campaign`, `segment`, `agents`, `channels`, `categories` ou `period`, ou rendez l’un plus étroit en tout ce qu’ils disent",
        ),
    ),
    "objective-agent": (
        (
            "the tenant '{tenant}' has no agent '{name}'",
            "l’organisation « {tenant} » n’a pas d’agent « {name} »",
        ),
        ("{hint}", "{hint}"),
    ),
    "objective-campaign": (
        (
            "the campaign '{name}' has neither a letter nor a digit",
            "la campagne « {name} » n’a ni lettre ni chiffre",
        ),
        (
            "write its name, or leave `campaign` out: then the objective is about all of them",
            "écrivez son nom, ou retirez `campaign` : l’objectif porte alors sur toutes",
        ),
    ),
    "objective-target-between": (
        (
            "the target {target} can never be reached: {kpi} is {least} to {most}",
            "la cible {target} est hors d’atteinte : {kpi} va de {least} à {most}",
        ),
        ("choose a target between {least} and {most}", "choisissez une cible entre {least} et {most}"),
    ),
    "objective-target-above": (
        (
            "the target {target} is below {least}: {kpi} is an amount in cents",
            "la cible {target} est inférieure à {least} : {kpi} est un montant en centimes",
        ),
        ("give the amount in cents", "donnez le montant en centimes"),
    ),
    "objective-guardrail-twice": (
        (
            "the objective '{name}' has two guardrails of {measure}",
            "l’objectif « {name} » a deux garde-fous pour {measure}",
        ),
        ("keep the tighter one", "gardez le plus strict"),
    ),
    "objective-costs-nothing": (
        (
            "the objective '{name}' says what a contact costs, but not how much may be spent",
            "l’objectif « {name} » dit ce que coûte une sollicitation, mais pas combien dépenser",
        ),
        ("give `cents`, or remove `cents_per_contact`", "donnez `cents`, ou retirez `cents_per_contact`"),
    ),
    "objective-period-reversed": (
        (
            "the period ends on {last}, before it begins on {first}",
            "la période finit le {last}, avant de commencer le {first}",
        ),
        ("give it a `last` that is not before `first`", "donnez-lui un `last` qui ne précède pas `first`"),
    ),
    "objective-day": (
        ("there is no day {day}", "le jour {day} n’existe pas"),
        ("write a day of the calendar, such as 2026-03-31", "écrivez un jour du calendrier, comme 2026-03-31"),
    ),
    "objective-period-long": (
        ("the period of '{name}' has more than {most} days", "la période de « {name} » compte plus de {most} jours"),
        ("state an objective for each year", "énoncez un objectif par année"),
    ),
    "objective-budget-name": (
        (
            "the budget of the objective '{name}' would be called '{taken}', as another part is",
            "le budget de l’objectif « {name} » s’appellerait « {taken} », comme une autre partie",
        ),
        ("choose another name for one of them", "choisissez un autre nom pour l’un des deux"),
    ),
}
