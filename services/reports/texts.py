"""What reports say, in English and French. How the checklist says it is in `services.reports.check_texts`."""

from typing import Final

from gateway.core.texts import saying, typeset

_TEXTS: Final = {
    "period-title": ("What AI agents did", "Ce qu’ont fait les agents d’IA"),
    "version-title": ("Model version {version} of {model}", "Version {version} du modèle {model}"),
    "subtitle": (
        "From {start} to {end}, {tenant}. Made {made}.",
        "Du {start} au {end}, {tenant}. Établi le {made}.",
    ),
    "tenant": ("tenant {tenant}", "organisation {tenant}"),
    "tenants": ("all tenants", "toutes les organisations"),
    "none": ("None.", "Aucun élément."),
    "more-values": ("Further values that are not shown: {count}.", "Autres valeurs, non montrées : {count}."),
    "calls": ("Calls", "Appels"),
    "calls-said": (
        "Calls of agents on record: n = {total}. Let through: {allowed} ({allowed_share}); refused: {denied} ({denied_share}); kept for a person: {held} ({held_share}); put off: {deferred} ({deferred_share}).",
        "Appels d’agents enregistrés : n = {total}. Autorisés : {allowed} ({allowed_share}) ; refusés : {denied} ({denied_share}) ; retenus pour une personne : {held} ({held_share}) ; différés : {deferred} ({deferred_share}).",
    ),
    "calls-none": (
        "No call of an agent was recorded in this time (n = 0).",
        "Aucun appel d’agent n’a été enregistré sur cette période (n = 0).",
    ),
    "chart": ("Calls over time, by verdict", "Appels dans le temps, par verdict"),
    "chart-alt": (
        "Columns, one for each step of {width} of the time from {start} to {end}: {total} calls in all, at most {most} in one step, that from {peak}.",
        "Colonnes, une par pas de {width} du {start} au {end} : {total} appels en tout, au plus {most} par pas, celui du {peak}.",
    ),
    "unit": ("calls", "appels"),
    "unit-contacts": ("contacts", "sollicitations"),
    "ALLOW": ("let through", "autorisés"),
    "DEFER": ("put off", "différés"),
    "HOLD": ("kept for a person", "retenus"),
    "DENY": ("refused", "refusés"),
    "by": ("{field} (n = {n})", "{field} (n = {n})"),
    "by-columns": ("{field}|calls|share|refused|refused, share", "{field}|appels|part|refusés|part refusée"),
    "counted-columns": ("{field}|calls|share", "{field}|appels|part"),
    "field-agent": ("agent", "agent"),
    "field-category": ("category", "catégorie"),
    "field-channel": ("channel", "canal"),
    "field-method": ("method", "méthode"),
    "field-model_version": ("model version", "version de modèle"),
    "field-operation": ("operation", "opération"),
    "field-reason": ("why not let through", "motif de non-autorisation"),
    "field-revision": ("revision of the policy", "révision de la politique"),
    "field-rule": ("rule that applied", "règle appliquée"),
    "field-state": ("how it ended", "issue"),
    "pressure": ("Contacts", "Sollicitations"),
    "contacts-said": (
        "Contacts that were let through: {contacted}, of {total} calls.",
        "Sollicitations autorisées : {contacted}, sur {total} appels.",
    ),
    "contacts-plot": ("Contacts by channel (n = {n})", "Sollicitations par canal (n = {n})"),
    "contacts-alt": ("Bars: {bars}.", "Barres : {bars}."),
    "pressure-none": (
        "No finding about pressure on customers was seen in this time. That is no measure of it: it says that nobody who looked has found too much.",
        "Aucun constat de pression sur les clients sur cette période. Ce n’est pas une mesure : personne n’en a trouvé trop, parmi ce qui a été examiné.",
    ),
    "pressure-found": ("Findings about pressure on customers", "Constats de pression sur les clients"),
    "people": ("Decisions of people", "Décisions humaines"),
    "people-said": (
        "Calls kept for a person: {held}; decisions of people about calls: {reviewed}. Of {about} calls about a customer {alone} were decided without a person ({share}).",
        "Appels retenus pour une personne : {held} ; décisions de personnes sur des appels : {reviewed}. Sur {about} appels concernant un client, {alone} décidés sans intervention humaine ({share}).",
    ),
    "waits": (
        "How long they took (n = {n}): half of them at most {median}, nine of ten at most {p90}, the longest {longest}.",
        "Temps pris (n = {n}) : la moitié en au plus {median}, neuf sur dix en au plus {p90}, le plus long {longest}.",
    ),
    "deeds": ("What people did (n = {n})", "Ce que des personnes ont fait (n = {n})"),
    "deeds-columns": ("what|times|by how many people", "quoi|fois|par combien de personnes"),
    "deeds-cut": (
        "More was noted than is read for a report; the numbers of what people did are too small.",
        "Il y a plus de notes qu’un rapport n’en lit ; les nombres de ce que des personnes ont fait sont trop petits.",
    ),
    "deed-held": ("decided on a call that waited", "décision sur un appel retenu"),
    "deed-stop": ("stopped something", "arrêt"),
    "deed-resumed": ("ended a stop", "levée d’un arrêt"),
    "deed-policy": ("proposed, approved or took back a policy", "politique proposée, approuvée ou rétablie"),
    "deed-finding": ("looked after a finding", "suivi d’un constat"),
    "deed-read": ("read what a call was decided by", "consultation de ce qui a servi à décider"),
    "deed-person": ("made a report about a person", "rapport sur une personne"),
    "deed-erasure": ("erased a customer", "effacement d’un client"),
    "deed-report": ("made a report", "rapport établi"),
    "deed-other": ("something else", "autre"),
    "policy": ("Changes of the policy", "Changements de la politique"),
    "policy-said": (
        "Revisions that became active: {count}; of these with the agreement of a second person: {signed}.",
        "Révisions entrées en vigueur : {count} ; dont avec l’accord d’une seconde personne : {signed}.",
    ),
    "policy-columns": ("revision|active since|author|agreed|how", "révision|active depuis|auteur|accord|comment"),
    "how-apply": ("applied", "appliquée"),
    "how-propose": ("proposed", "proposée"),
    "how-rollback": ("taken back", "retour en arrière"),
    "how-rollout": ("step of a rollout", "étape d’un déploiement"),
    "findings": ("Findings", "Constats"),
    "findings-said": (
        "Findings: {count}; of these begun in this time: {opened}, closed within it: {closed}.",
        "Constats : {count} ; dont commencés sur cette période : {opened}, clos : {closed}.",
    ),
    "findings-caption": ("The gravest findings", "Les constats les plus graves"),
    "findings-columns": ("finding|grade|state|reach|n", "constat|gravité|état|portée|n"),
    "findings-more": ("Further findings that are not shown: {count}.", "Autres constats, non montrés : {count}."),
    "proof": ("What proves it", "Ce qui le prouve"),
    "proof-said": (
        "The numbers are counted from the log {origin} as it was signed on {signed}, with {size} entries. Whoever has a checkpoint of the log and an export can check that nothing was changed, dropped or inserted, without any server.",
        "Les nombres proviennent du journal {origin} tel que signé le {signed}, avec {size} entrées. Quiconque possède un point de contrôle du journal et un export peut vérifier, sans aucun serveur, que rien n’a été modifié, supprimé ou inséré.",
    ),
    "proof-early": (
        "The time of this report was not over when it was made, or the log was signed before its end: what came since the checkpoint is not covered by it.",
        "La période n’était pas terminée à l’établissement du rapport, ou le journal a été signé avant sa fin : ce qui est arrivé après le point de contrôle n’est pas couvert.",
    ),
    "proof-limits": (
        "A checkpoint proves which entries are in the log. It does not prove that what was counted is all that happened, nor what the store had not taken yet.",
        "Un point de contrôle prouve quelles entrées sont dans le journal. Il ne prouve pas que ce qui est compté est tout ce qui s’est produit, ni ce que le dépôt n’avait pas encore reçu.",
    ),
    "proof-none": (
        "Nothing of the log is signed yet, so nothing proves these numbers.",
        "Rien du journal n’est encore signé : rien ne prouve donc ces nombres.",
    ),
    "proof-bad": (
        "The checkpoint is not signed by the key that the log names, or says another size or root: do not trust these numbers before that is explained.",
        "Le point de contrôle n’est pas signé par la clé que nomme le journal, ou indique une autre taille ou racine : ne vous fiez pas à ces nombres avant explication.",
    ),
    "proof-unreadable": (
        "These parts of the store could not be read, and are missing in the numbers: {segments}.",
        "Ces parties du dépôt étaient illisibles et manquent dans les nombres : {segments}.",
    ),
    "proof-note": ("The signed checkpoint: {size} entries, root {root}", "Le point de contrôle signé : {size} entrées, racine {root}"),
    "proof-key": ("The key that it is signed by", "La clé qui le signe"),
    "proof-how": ("How to check it", "Comment le vérifier"),
    "proof-steps": (
        "Save the checkpoint as checkpoint.txt, export the log, and verify that it continues it:",
        "Enregistrez le point de contrôle dans checkpoint.txt, exportez le journal et vérifiez qu’il le prolonge :",
    ),
    "person-title": ("What AI agents did concerning you", "Ce que des agents d’IA ont fait à votre sujet"),
    "person-subtitle": (
        "{tenant}, recorded under the pseudonym {ref}. Made {made}.",
        "{tenant}, enregistré sous le pseudonyme {ref}. Établi le {made}.",
    ),
    "person-summary": ("In short", "En bref"),
    "person-entries": ("Each decision", "Chaque décision"),
    "person-entries-n": ("Each decision (n = {n}), the oldest first", "Chaque décision (n = {n}), de la plus ancienne à la plus récente"),
    "person-columns": ("what, and why|number of the decision", "quoi, et pourquoi|numéro de la décision"),
    "person-rights": ("What you can do", "Ce que vous pouvez faire"),
    "person-rights-said": (
        "You can ask the company that sent you this for a copy of what is recorded about you (GDPR 15), and have a person look again at a decision that was made about you without one, where it has legal or similar effects (GDPR 22). Name the number of the decision. This report is meant to help with that; it is no legal advice.",
        "Vous pouvez demander à l’entreprise qui vous envoie ceci une copie de ce qui est enregistré à votre sujet (RGPD 15), et qu’une personne réexamine une décision prise à votre sujet sans intervention humaine, si elle a des effets juridiques ou semblables (RGPD 22). Citez le numéro de la décision. Ce rapport est fait pour y aider ; ce n’est pas un conseil juridique.",
    ),
    "checklist": ("What the law asks for, and what the log shows", "Ce que demande la loi, et ce que montre le journal"),
}  # fmt: skip
KEYS: Final = frozenset(_TEXTS)

say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})
"""A text by its key, in a language, filled with values."""
