"""What the checklist of a report says, in English and French: what is asked for and what was found."""

from typing import Final

from gateway.core.texts import saying, typeset

_TEXTS: Final = {
    "caption": ("Design targets, no legal claim", "Objectifs de conception, sans valeur juridique"),
    "before": (
        "This list says what Pilote is designed to show for some articles of the AI Act (Regulation (EU) 2024/1689) and of the GDPR, and what was found in this time. These are design targets, no legal claim: whether an article applies, and is kept, is for people who know the law and the systems to say.",
        "Cette liste dit ce que Pilote est conçu pour montrer, pour certains articles du règlement sur l’IA (UE 2024/1689) et du RGPD, et ce qui a été constaté sur la période. Ce sont des objectifs de conception, sans valeur juridique : qu’un article s’applique et soit respecté, c’est aux personnes qui connaissent le droit et les systèmes de le dire.",
    ),
    "columns": ("article|asked for|state|what the log shows", "article|demandé|état|ce que montre le journal"),
    "shown": ("✓ shown", "✓ montré"),
    "partly": ("~ in part", "~ en partie"),
    "not-shown": ("\N{EN DASH} not shown", "\N{EN DASH} non montré"),
    "ai-12": ("AI Act 12", "Règl. IA 12"),
    "ai-14": ("AI Act 14", "Règl. IA 14"),
    "ai-19": ("AI Act 19", "Règl. IA 19"),
    "ai-26": ("AI Act 26", "Règl. IA 26"),
    "gdpr-22": ("GDPR 22", "RGPD 22"),
    "record": ("Events are recorded automatically", "Les événements sont enregistrés automatiquement"),
    "record-found": (
        "Calls on record: {total}; the gateway forwards none without a record. Ended: {ended}; in doubt: {doubt}; not ended yet: {running}.",
        "Appels enregistrés : {total} ; la passerelle n’en transmet aucun sans enregistrement. Terminés : {ended} ; douteux : {doubt} ; pas encore terminés : {running}.",
    ),
    "record-none": ("No call was made.", "Aucun appel n’a été fait."),
    "record-gaps": ("Parts of the store cannot be read: {segments}.", "Parties illisibles du dépôt : {segments}."),
    "traced": ("It can be told what led to a result", "On peut dire ce qui a mené à un résultat"),
    "traced-found": (
        "The revision of the policy that decided is on record for {revised} of {total} calls, a model version for {versioned} of {total}.",
        "La révision de politique qui a décidé est enregistrée pour {revised} appels sur {total}, une version de modèle pour {versioned} sur {total}.",
    ),
    "sealed": ("Records cannot be changed unnoticed", "Toute modification des enregistrements se remarque"),
    "sealed-found": (
        "The log with {size} entries is signed, and the signature is good.",
        "Le journal de {size} entrées est signé, et la signature est bonne.",
    ),
    "sealed-early": (
        "The log is signed, but before the end of this time: make the report again later.",
        "Le journal est signé, mais avant la fin de la période : refaites le rapport plus tard.",
    ),
    "sealed-none": ("There is no valid checkpoint.", "Il n’y a pas de point de contrôle valide."),
    "oversight": ("People can oversee it and step in", "Des personnes peuvent superviser et intervenir"),
    "oversight-found": (
        "Calls kept for a person: {held}; decisions of people about calls: {reviewed}. Stops made: {stops}. Policies changed: {revisions}; of these with the agreement of a second person: {signed}.",
        "Appels retenus pour une personne : {held} ; décisions de personnes sur des appels : {reviewed}. Arrêts : {stops}. Changements de politique : {revisions} ; dont avec l’accord d’une seconde personne : {signed}.",
    ),
    "understood": ("People understand what it can and cannot do", "Les personnes en comprennent capacités et limites"),
    "understood-found": (
        "Each decision can be explained in words. Whether people understand them, no log says.",
        "Chaque décision peut être expliquée en mots. Aucun journal ne dit si des personnes les comprennent.",
    ),
    "kept": ("Logs are kept for at least six months", "Les journaux sont conservés au moins six mois"),
    "kept-found": (
        "Kept for less than 183 days: {short} of {total} records.",
        "Conservés moins de 183 jours : {short} enregistrements sur {total}.",
    ),
    "monitored": ("Operation is monitored", "Le fonctionnement est surveillé"),
    "monitored-found": (
        "Findings: {findings}; closed in this time: {closed}; times that people looked after one: {deeds}.",
        "Constats : {findings} ; clos sur la période : {closed} ; suivis par des personnes : {deeds}.",
    ),
    "monitored-none": (
        "No finding, and nobody looked after one: that the log was looked at, it does not show.",
        "Aucun constat, et personne ne s’est occupé de l’un d’eux : le journal ne montre pas qu’on l’a examiné.",
    ),
    "assigned": ("Oversight is given to competent people", "La supervision est confiée à des personnes compétentes"),
    "assigned-found": (
        "People who decided on calls, stopped something or looked after findings: {people}. Their competence, no log shows.",
        "Personnes ayant tranché, arrêté ou suivi des constats : {people}. Aucun journal ne montre leur compétence.",
    ),
    "inputs": ("Inputs are relevant and representative", "Les entrées sont pertinentes et représentatives"),
    "inputs-found": (
        "Not recorded in a way that shows it; findings of drift in inputs: {drifts}.",
        "Non enregistré d’une façon qui le montre ; constats de dérive des entrées : {drifts}.",
    ),
    "informed": ("People concerned are informed", "Les personnes concernées sont informées"),
    "informed-found": (
        "Reports about a person that were made: {count}. What was told to customers otherwise is not in the log.",
        "Rapports établis sur une personne : {count}. Ce qui a été dit autrement aux clients n’est pas au journal.",
    ),
    "alone": ("Decisions without a human are known", "Les décisions sans intervention humaine sont connues"),
    "alone-found": (
        "Made without a human: {alone} of {about} decisions about a customer. Which of them have legal or similar effects, the log does not say.",
        "Sans intervention humaine : {alone} décisions sur {about} concernant un client. Lesquelles ont des effets juridiques ou semblables, le journal ne le dit pas.",
    ),
    "contest": ("They can be explained and contested", "Elles peuvent être expliquées et contestées"),
    "contest-found": (
        "Means: a report about a person explains each decision in words (made: {count}), a rule can have calls kept for a person ({held} were), who can refuse them (decided on: {reviewed}). Whether anybody contested one, the log does not say.",
        "Moyens : un rapport sur une personne explique chaque décision en mots (établis : {count}), une règle peut retenir des appels pour une personne ({held}), qui peut les refuser (tranchés : {reviewed}). Le journal ne dit pas si quelqu’un en a contesté une.",
    ),
}  # fmt: skip
KEYS: Final = frozenset(_TEXTS)

say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})
"""A text by its key, in a language, filled with values."""
