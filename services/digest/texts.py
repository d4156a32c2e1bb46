"""What a digest says, in English and French."""

from typing import Final

from gateway.core.texts import saying, typeset

_TEXTS: Final = {
    "title": ("{tenant}: the week {week}", "{tenant} : la semaine {week}"),
    "subtitle": (
        "Monday {start} to Sunday {end}, made {made}. Intervals of 95%; a difference is only called one where it is more than chance.",
        "Du lundi {start} au dimanche {end}, établi le {made}. Intervalles à 95 % ; un écart n’est dit tel que s’il dépasse le hasard.",
    ),
    "preheader": (
        "{contacts} contacts, {risks} of {goals} objectives at risk.",
        "{contacts} sollicitations, {risks} objectif(s) menacé(s) sur {goals}.",
    ),
    "glance": ("At a glance", "En un coup d’œil"),
    "tile-contacts": ("Contacts", "Sollicitations"),
    "tile-before": ("{before} the week before", "{before} la semaine d’avant"),
    "tile-incremental": ("Incremental revenue so far", "CA incrémental à ce jour"),
    "tile-pressure": ("Feel contacted much too much", "Sollicités « beaucoup trop »"),
    "tile-goals": ("Objectives at risk", "Objectifs menacés"),
    "tile-of": ("of {n} running", "sur {n} en cours"),
    "tile-none": ("none is stated", "aucun n’est énoncé"),
    "tile-interval": ("{low} to {high}, n = {n}", "de {low} à {high}, n = {n}"),
    "nothing-kept": (
        "Nothing was worked out of this week: `pilote insights run` does so once an hour.",
        "Rien n’a été calculé pour cette semaine : `pilote insights run` le fait une fois par heure.",
    ),
    "stands-out": ("Proven against the week before: {what}.", "Prouvé par rapport à la semaine d’avant : {what}."),
    "stands-out-not": (
        "No KPI differs from the week before by more than chance.",
        "Aucun indicateur ne s’écarte de la semaine d’avant au-delà du hasard.",
    ),
    "goals": ("Objectives", "Objectifs"),
    "goals-none": ("No objective runs in this week.", "Aucun objectif n’est en cours cette semaine."),
    "goals-caption": ("How objectives stand", "Où en sont les objectifs"),
    "goals-columns": ("objective|target|by now|of the period|state", "objectif|cible|à ce jour|de la période|état"),
    "goals-plot": ("Share of each target that is reached", "Part de chaque cible déjà atteinte"),
    "goals-alt": ("Bars: {bars}.", "Barres : {bars}."),
    "goals-unit": ("% of the target", "% de la cible"),
    "state-at-risk": ("at risk", "menacé"),
    "state-well": ("proven well", "prouvé bon"),
    "state-open": ("open", "rien de prouvé"),
    "state-over": ("over", "terminé"),
    "alert": ("{goal}, {part} {measure}: {said}", "{goal}, {part} {measure} : {said}"),
    "week": ("The week against the one before", "La semaine face à la précédente"),
    "week-columns": ("KPI|this week|the week before|proven", "indicateur|cette semaine|semaine d’avant|prouvé"),
    "week-caption": ("KPIs of {week} and {before}", "Indicateurs de {week} et {before}"),
    "week-open": (
        "“Still open”: what customers do after a contact comes in for four weeks, and the week before has had longer. So a rise counts, a fall is not called one yet.",
        "« Encore ouvert » : ce que font les clients après une sollicitation arrive pendant quatre semaines, et la semaine d’avant a eu plus de temps. Une hausse compte donc, une baisse n’est pas encore dite telle.",
    ),
    "contacts-plot": ("Contacts and refusals by week", "Sollicitations et refus par semaine"),
    "contacts-alt": (
        "Columns for {weeks} weeks: {contacts} contacts and {refusals} refusals in the last one.",
        "Colonnes pour {weeks} semaines : {contacts} sollicitations et {refusals} refus la dernière.",
    ),
    "contacts-unit": ("contacts", "sollicitations"),
    "made": ("made", "faites"),
    "refused": ("refused", "refusées"),
    "settled": ("Four weeks ago, with every outcome in", "Il y a quatre semaines, tous résultats connus"),
    "settled-caption": ("KPIs of {week} and {before}, complete", "Indicateurs de {week} et {before}, complets"),
    "settled-columns": ("KPI|{week}|{before}|proven", "indicateur|{week}|{before}|prouvé"),
    "settled-none": (
        "There is no such week yet: outcomes of a contact are waited for four weeks.",
        "Il n’y a pas encore de telle semaine : les résultats d’une sollicitation sont attendus quatre semaines.",
    ),
    "called-more": ("up by {by}", "en hausse de {by}"),
    "called-less": ("down by {by}", "en baisse de {by}"),
    "called-same": ("no difference", "pas d’écart"),
    "called-open": ("still open", "encore ouvert"),
    "called-unknown": ("too few to say", "effectif insuffisant"),
    "points": ("{by} points", "{by} points"),
    "value": ("{value}\n({low} to {high})", "{value}\n(de {low} à {high})"),
    "value-least": ("{value}\n(at least {low})", "{value}\n(au moins {low})"),
    "pressure": ("Contact pressure", "Pression commerciale"),
    "pressure-said": (
        "Contacts in the week: {p50} for the customer in the middle, more than {p95} for at most one in twenty; {never} of those for whom any was asked in four weeks had none.",
        "Sollicitations dans la semaine : {p50} pour le client médian, plus de {p95} pour un client sur vingt au plus ; {never} de ceux pour qui une a été demandée en quatre semaines n’en ont reçu aucune.",
    ),
    "pressure-few": (
        "Too few customers were contacted to say how pressure is spread.",
        "Trop peu de clients sollicités pour dire comment la pression se répartit.",
    ),
    "felt-plot": ("Who feels contacted much too much, with its interval", "Qui se dit « beaucoup trop » sollicité, avec l’intervalle"),
    "felt-alt": ("By week: {points}.", "Par semaine : {points}."),
    "felt-unit": ("% of answers", "% des réponses"),
    "rules": ("What rules blocked and protected", "Ce que les règles ont bloqué et protégé"),
    "rules-none": ("No rule, limit or cap refused a contact in this week.", "Aucune règle, limite ni aucun plafond n’a refusé de sollicitation cette semaine."),
    "rules-said": (
        "{refusals} contacts were refused and not made soon after. What they would have brought and cost is taken from comparable ones that were made, as far as outcomes are known.",
        "{refusals} sollicitations ont été refusées sans être faites peu après. Ce qu’elles auraient apporté et coûté est estimé d’après celles, comparables, qui ont eu lieu, selon les résultats connus.",
    ),
    "rules-caption": ("Rules, limits and caps that refused most", "Règles, limites et plafonds qui ont le plus refusé"),
    "rules-columns": ("rule|refused|blocked|protected", "règle|refusées|bloqué|protégé"),
    "policy": ("What changed in the policy", "Ce qui a changé dans la politique"),
    "policy-none": ("No revision became active in this week.", "Aucune révision n’est devenue active cette semaine."),
    "policy-caption": ("Revisions that became active", "Révisions devenues actives"),
    "policy-columns": ("revision|when|by|agreed|why", "révision|quand|par|accord de|pourquoi"),
    "how-rollback": ("taken back", "retour en arrière"),
    "how-rollout": ("step of a rollout", "étape d’un déploiement"),
    "findings": ("What else was found", "Autres constats"),
    "findings-none": ("Nothing else opened in this week.", "Rien d’autre n’est apparu cette semaine."),
    "findings-open": ("Findings open in all: {n}.", "Constats ouverts en tout : {n}."),
    "next": ("What to do next", "Que faire maintenant"),
    "next-risk": (
        "Open the finding of “{goal}” ({measure}): it shows the decisions, and a changed cap or target can be tried in what-if.",
        "Ouvrez le constat de « {goal} » ({measure}) : il montre les décisions, et un plafond ou une cible modifiés s’essaient dans la simulation.",
    ),
    "next-budget": (
        "Decide on the budget of “{goal}”: at this pace it is used up on {day}.",
        "Décidez du budget de « {goal} » : à ce rythme, il sera épuisé le {day}.",
    ),
    "next-felt": (
        "More customers feel contacted much too much: try a lower cap in what-if before publishing it.",
        "Davantage de clients se disent « beaucoup trop » sollicités : essayez un plafond plus bas dans la simulation avant de le publier.",
    ),
    "next-left": (
        "More customers opted out or complained: see on the page Pressure which agents add to it.",
        "Davantage de clients se sont désinscrits ou plaints : voyez à la page Pression quels agents y contribuent.",
    ),
    "next-blocked": (
        "“{rule}” surely blocked more than it protected: look whether it is meant to, and try it otherwise in what-if.",
        "« {rule} » a sûrement plus bloqué que protégé : voyez si c’est voulu, et essayez autre chose dans la simulation.",
    ),
    "next-holdout": (
        "Incremental revenue is not known: a holdout of enough customers is needed.",
        "Le chiffre d’affaires incrémental n’est pas connu : il faut un groupe témoin assez grand.",
    ),
    "next-finding": ("Take on: {title}.", "Prenez en charge : {title}."),
    "next-none": ("Nothing is urgent.", "Rien n’est urgent."),
    "pair": ("{name}: {value}", "{name} : {value}"),
    "item": ("• {said}", "• {said}"),
    "foot": (
        "Made by Pilote from its log of decisions. No customer is named in it.",
        "Établi par Pilote d’après son journal des décisions. Aucun client n’y est nommé.",
    ),
    "open-console": ("Open the cockpit", "Ouvrir le cockpit"),
    "week-unknown": (
        "'{week}' is no week: write it as 2026-W47.",
        "« {week} » n’est pas une semaine : écrivez-la comme 2026-W47.",
    ),
    "week-to-come": (
        "The week {week} is not over: ask for {last} or an earlier one.",
        "La semaine {week} n’est pas terminée : demandez {last} ou une plus ancienne.",
    ),
    "tenant-unknown": (
        "The active policy has no tenant '{tenant}': give --tenant with one of {known}.",
        "La politique active n’a pas l’organisation « {tenant} » : donnez --tenant avec l’une de {known}.",
    ),
    "where": (
        "Say where to write it: --html FILE, --pdf FILE or --eml FILE.",
        "Dites où l’écrire : --html FICHIER, --pdf FICHIER ou --eml FICHIER.",
    ),
    "address": (
        "'{address}' is no address for mail: write name@example.com.",
        "« {address} » n’est pas une adresse de courriel : écrivez nom@example.com.",
    ),
    "made-files": ("{title}: {files}.", "{title} : {files}."),
    "unset": (
        "The digest could not be set in time; retry.",
        "Le bilan n’a pas pu être mis en page à temps ; réessayez.",
    ),
}  # fmt: skip
KEYS: Final = frozenset(_TEXTS)

say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})
"""A text by its key, in a language, filled with values."""
