"""What the command line says, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "starting": ("Starting Pilote in {home}", "Démarrage de Pilote dans {home}"),
    "ready": (
        "Pilote is up. Agents call {gateway}; logs are in {logs}.",
        "Pilote est prêt. Les agents appellent {gateway} ; les journaux sont dans {logs}.",
    ),
    "no-policy": (
        "No policy is active yet, so every call is refused: pilote apply FILE",
        "Aucune politique n’est encore active, tout appel est donc refusé : pilote apply FICHIER",
    ),
    "unnoted": (
        "The log does not have this: the audit service at {address} does not note it.",
        "Le journal n’en garde pas trace : le service d’audit à l’adresse {address} ne le note pas.",
    ),
    "note-owed": (
        "The audit service at {address} does not answer: a control plane brings the note of this to the log once it does.",
        "Le service d’audit à l’adresse {address} ne répond pas : un plan de contrôle en portera note au journal dès que possible.",
    ),
    "oidc-url": (
        "PILOTE_OIDC_FILE needs PILOTE_CONTROL_URL: the provider sends browsers back there.",
        "PILOTE_OIDC_FILE demande PILOTE_CONTROL_URL : le fournisseur y renvoie les navigateurs.",
    ),
    "stop-hint": ("Ctrl-C stops everything.", "Ctrl-C arrête tout."),
    "stopping": ("Draining; a second Ctrl-C ends at once.", "Arrêt en cours ; un second Ctrl-C termine aussitôt."),
    "stopped": ("Everything has stopped.", "Tout est arrêté."),
    "child": ("{child}: {state} {detail}", "{child} : {state} {detail}"),
    "policy-good": (
        "{file} is a valid policy: {agents} agents, {routes} routes, {rules} rules, {limits} limits, {caps} caps; {methods} methods are described.",
        "{file} est une politique valide : {agents} agents, {routes} routes, {rules} règles, {limits} limites, {caps} plafonds ; {methods} méthodes sont décrites.",
    ),
    "cells-fixed": (
        "{tenant} has {cells} cell(s), the policy says {wanted}. Caps are counted in a customer’s cell, so another number would forget them: write `cells: {cells}`, or move the tenant first: pilote cells {tenant} {wanted}",
        "{tenant} a {cells} cellule(s), la politique en demande {wanted}. Les plafonds sont comptés dans la cellule du client, un autre nombre les oublierait : écrivez `cells: {cells}`, ou déplacez d’abord cette organisation : pilote cells {tenant} {wanted}",
    ),
    "cells": ("{tenant} has {cells} cell(s).", "{tenant} a {cells} cellule(s)."),
    "cells-not-halted": (
        '{tenant} can be moved while nothing of it runs: pilote stop all --tenant {tenant} --reason "move"',
        '{tenant} ne peut être déplacé que quand rien ne tourne : pilote stop all --tenant {tenant} --reason "déplacement"',
    ),
    "cells-unknown-kind": (
        "There are keys of the kind {kind}, which this version cannot move; nothing was changed.",
        "Il existe des clés du type {kind}, que cette version ne sait pas déplacer ; rien n’a été modifié.",
    ),
    "cells-holds-run": (
        "{count} kept call(s) are being made right now; nothing was changed. Move the tenant once they have ended.",
        "{count} appel(s) conservé(s) sont en cours d’exécution ; rien n’a été modifié. Déplacez l’organisation quand ils seront terminés.",
    ),
    "cells-moved": (
        "{tenant} has {cells} cell(s) now. Write `tenants: [{name: {tenant}, cells: {cells}}]` into the policy, apply it, then: pilote resume all --tenant {tenant}",
        "{tenant} a maintenant {cells} cellule(s). Écrivez `tenants: [{name: {tenant}, cells: {cells}}]` dans la politique, appliquez-la, puis : pilote resume all --tenant {tenant}",
    ),
    "cells-moving": (
        "The tenant was moved to other cells: apply a policy with their number, and resume five seconds later.",
        "L’organisation a changé de cellules : appliquez une politique qui porte leur nombre, puis reprenez cinq secondes après.",
    ),
    "policy-bad": ("{file} has {count} mistakes:", "{file} contient {count} erreurs :"),
    "policy-findings": (
        "{file} has rules that can do nothing ({count}):",
        "{file} contient des règles sans effet ({count}) :",
    ),
    "policy-large": (
        "There are too many rules to compare them all: some that can do nothing may not have been found.",
        "Il y a trop de règles pour les comparer toutes : certaines règles sans effet ont pu échapper.",
    ),
    "key-made": (
        "Give this key to the agent; it is shown once:",
        "Remettez cette clé à l’agent ; elle n’est montrée qu’une fois :",
    ),
    "key-hash": (
        "Put this into the agent's `keys` in the policy:",
        "Ajoutez ceci aux `keys` de l’agent dans la politique :",
    ),
    "facts-damaged": (
        "{line}: what is stored of this customer is damaged. To put it in anew, with no consent or refusal of before, run it again with --replace-damaged.",
        "{line} : ce qui est enregistré de ce client est endommagé. Pour le saisir à nouveau, sans aucun consentement ni refus antérieur, relancez avec --replace-damaged.",
    ),
    "facts-imported": ("{count} subjects' facts are stored.", "Les faits de {count} personnes sont enregistrés."),
    "consent-granted": (
        "On record: {subject} may be contacted by {channels} for {purpose}.",
        "Enregistré : {subject} peut être sollicité par {channels} pour {purpose}.",
    ),
    "consent-refused": (
        "On record: {subject} refuses contacts by {channels} for {purpose}.",
        "Enregistré : {subject} refuse d’être sollicité par {channels} pour {purpose}.",
    ),
    "consent-withdrawn": (
        "On record: {subject} takes back the consent to contacts by {channels} for {purpose}; every gateway refuses them now.",
        "Enregistré : {subject} retire son consentement aux sollicitations par {channels} pour {purpose} ; toutes les passerelles les refusent désormais.",
    ),
    "consent-all": ("everything", "tout"),
    "consent-none": ("Nothing is on record of {subject}.", "Rien n’est enregistré pour {subject}."),
    "consent-plain": (
        "{what}: {status}, without time or proof",
        "{what} : {status}, sans date ni preuve",
    ),
    "consent-status-granted": ("granted", "accordé"),
    "consent-status-refused": ("refused", "refusé"),
    "consent-status-withdrawn": ("withdrawn", "retiré"),
    "consent-point": (
        "The contact point cannot be used: write one e-mail address, or a telephone number with its country, such as +33612345678.",
        "Ce point de contact est inutilisable : écrivez une adresse électronique, ou un numéro avec son pays, comme +33612345678.",
    ),
    "consent-proof": (
        "A proof names where it is found (a form, a recording), without address or number of a person.",
        "Une preuve dit où elle se trouve (formulaire, enregistrement), sans adresse ni numéro d’une personne.",
    ),
    "consent-time": (
        "{at} is no time: write it as 2026-01-31T10:15, or with its zone as 2026-01-31T10:15+01:00.",
        "{at} n’est pas une date : écrivez 2026-01-31T10:15, ou avec son fuseau 2026-01-31T10:15+01:00.",
    ),
    "consent-unclear": ("This cannot be put on record: {problem}.", "Impossible à enregistrer : {problem}."),
    "consent-tenant": (
        "Name the tenant with --tenant; the active policy has: {tenants}.",
        "Indiquez --tenant ; la politique active connaît : {tenants}.",
    ),
    "packs-notice": (
        'Packs are starting points, not legal advice. Include one: packs: [{name: NAME, version: "VERSION"}]',
        'Ces modèles sont des points de départ, non un conseil juridique. Pour en inclure un : packs: [{name: NOM, version: "VERSION"}]',
    ),
    "pack-copied": (
        "{file} is yours to edit. Include it by its place beside the policy: packs: [{file: …}]",
        "{file} est à vous. Incluez-le par son chemin à côté de la politique : packs: [{file: …}]",
    ),
    "pack-there": ("{file} exists already and is left as it is.", "{file} existe déjà et reste tel quel."),
    "pack-unwritten": ("{file} cannot be written.", "{file} ne peut pas être écrit."),
    "pack-unknown": (
        "No pack {name} comes with Pilote; there are {known}.",
        "Pilote ne fournit pas le pack {name} ; il y a {known}.",
    ),
    "not-running": ("Nothing runs in {home}: pilote up", "Rien ne tourne dans {home} : pilote up"),
    "store-down": (
        "The store does not answer. Is `pilote up` running, or PILOTE_REDIS_URL right?",
        "Le stockage ne répond pas. `pilote up` tourne-t-il, PILOTE_REDIS_URL est-elle juste ?",
    ),
    "objective-route": ("route", "route"),
    "objective-promise": ("service objective", "objectif de service"),
    "objective-state": ("state", "état"),
    "objective-left": ("error budget left", "budget d’erreurs restant"),
    "objective-no-traffic": ("no calls in 30 days", "aucun appel en 30 jours"),
    "objective-too-few-calls": ("too few calls to tell", "trop peu d’appels pour juger"),
    "objective-met": ("no alert", "aucune alerte"),
    "objective-alert": ("ALERT", "ALERTE"),
    "objective-availability": ("{percent} % answered", "{percent} % de réponses"),
    "objective-latency": ("{percent} % within {within}", "{percent} % en {within}"),
    "objective-page": (
        "{route}: look at once. {promise}: over {long} and over {short} the error budget burns more than {rate} times too fast.",
        "{route} : à traiter tout de suite. {promise} : sur {long} comme sur {short}, le budget d’erreurs se consume plus de {rate} fois trop vite.",
    ),
    "objective-ticket": (
        "{route}: look within days. {promise}: over {long} and over {short} the error budget burns more than {rate} times as fast as it may.",
        "{route} : à traiter sous quelques jours. {promise} : sur {long} comme sur {short}, le budget d’erreurs se consume plus de {rate} fois le rythme permis.",
    ),
    "audit-down": (
        "The audit service does not answer at {address}. Is `pilote up` running?",
        "Le service d’audit ne répond pas à {address}. `pilote up` tourne-t-il ?",
    ),
    "stop-unknown": (
        "{what} cannot be stopped: write all, agent=NAME, version=MODEL/VERSION, route=NAME or channel=NAME.",
        "{what} ne peut pas être suspendu : écrivez all, agent=NOM, version=MODÈLE/VERSION, route=NOM ou channel=NOM.",
    ),
    "stop-no-tenant": (
        "No policy is active: name the tenant with --tenant.",
        "Aucune politique n’est active : indiquez --tenant.",
    ),
    "stopped-now": ("{what} is halted for {tenants}.", "{what} est suspendu pour {tenants}."),
    "resumed": ("{what} goes on for {tenants}.", "{what} reprend pour {tenants}."),
    "not-stopped": ("{what} was not halted for {tenants}.", "{what} n’était pas suspendu pour {tenants}."),
    "nothing-stopped": ("Nothing is halted.", "Rien n’est suspendu."),
    "hold-unknown": (
        "There is no hold {hold}: pilote holds list",
        "Il n’y a pas d’appel en attente {hold} : pilote holds list",
    ),
    "hold-damaged": (
        "What was kept of {hold} has been changed since. It cannot be approved: refuse it, and find out who did that.",
        "Ce qui a été conservé de {hold} a été modifié depuis. L’approbation est impossible : refusez-le et cherchez qui l’a fait.",
    ),
    "hold-key": (
        "{hold} was sealed with a key that is not in the key file here: set PILOTE_HOLD_KEY_FILE to the gateways' one.",
        "{hold} a été scellé avec une clé absente du fichier de clés : donnez à PILOTE_HOLD_KEY_FILE celui des passerelles.",
    ),
    "hold-who-and-why": (
        "Say who you are and why: --by and --reason, each 1 to {most} characters.",
        "Dites qui vous êtes et pourquoi : --by et --reason, chacun de 1 à {most} caractères.",
    ),
    "hold-approved": (
        "{hold} is approved: the call of {agent} is made now, or once the policy lets it through.",
        "{hold} est approuvé : l’appel de {agent} part maintenant, ou dès que la politique le permet.",
    ),
    "hold-accepted": (
        "{hold} is accepted. {agent} only suggests such calls: act yourself, the gateway does nothing more.",
        "{hold} est accepté. {agent} ne fait que proposer ces appels : agissez vous-même, la passerelle ne fera rien de plus.",
    ),
    "hold-refused": (
        "{hold} is refused: the call of {agent} is never made.",
        "{hold} est refusé : l’appel de {agent} ne sera jamais fait.",
    ),
    "hold-decided": (
        "{hold} is {state} already: {decider} was faster ({comment}).",
        "{hold} est déjà {state} : {decider} a été plus rapide ({comment}).",
    ),
    "hold-too-late": (
        "It is too late to decide on {hold}: it is {state}, or its time is over.",
        "Il est trop tard pour se prononcer sur {hold} : il est {state}, ou son délai est passé.",
    ),
    "hold-needs-nobody": (
        "{hold} waits for a time, not for a person: it is made at {at}. It can only be refused.",
        "{hold} attend une heure, pas une personne : il sera fait à {at}. Il peut seulement être refusé.",
    ),
    "gateway-down": (
        "Nobody answers at {address}. Is `pilote up` running?",
        "Personne ne répond à {address}. `pilote up` tourne-t-il ?",
    ),
    "demo-missing": (
        "The demonstration needs its data: pip install 'pilote[demo]'",
        "La démonstration a besoin de ses données : pip install 'pilote[demo]'",
    ),
    "phase-import": (
        "import-bot brings {count} contacts and their deals",
        "import-bot apporte {count} contacts et leurs affaires",
    ),
    "phase-research": ("research-bot reads and scores leads", "research-bot lit et note les prospects"),
    "phase-sales": ("sales-bot works on deals", "sales-bot travaille sur les affaires"),
    "phase-marketing": ("marketing-bot sends three campaigns", "marketing-bot envoie trois campagnes"),
    "phase-burst": ("research-bot reads far too fast", "research-bot lit beaucoup trop vite"),
    "phase-audit": ("the audit service stores the decisions", "le service d’audit enregistre les décisions"),
    "table-verdicts": ("Calls by verdict and reason", "Appels par verdict et par motif"),
    "table-versions": ("Inferences by model version", "Inférences par version de modèle"),
    "table-latency": ("Latency, milliseconds", "Latence, en millisecondes"),
    "column-verdict": ("Verdict", "Verdict"),
    "column-reason": ("Reason", "Motif"),
    "column-status": ("Status", "Statut"),
    "column-calls": ("Calls", "Appels"),
    "column-share": ("Share", "Part"),
    "column-model": ("Model", "Modèle"),
    "column-version": ("Version", "Version"),
    "column-wanted": ("Wanted", "Voulu"),
    "latency-agent": ("seen by the agent", "vue par l’agent"),
    "latency-overhead": ("added by the gateway", "ajoutée par la passerelle"),
    "explained": ("One decision, explained: {name}", "Une décision, expliquée : {name}"),
    "reconciled": (
        "{calls} calls were made and {records} decisions recorded, in {seconds} s.",
        "{calls} appels ont été faits et {records} décisions enregistrées, en {seconds} s.",
    ),
    "not-reconciled": (
        "{calls} calls were made, but {records} decisions recorded: please report this.",
        "{calls} appels ont été faits, mais {records} décisions enregistrées : merci de le signaler.",
    ),
    "broken-off": (
        "The demonstration was broken off: something did not answer in time ({error}). See {logs}, then try again.",
        "La démonstration a été interrompue : pas de réponse à temps ({error}). Voyez {logs}, puis réessayez.",
    ),
    "try-next": (
        "Look at any of them: pilote decisions list, pilote explain ID",
        "Regardez-en d’autres : pilote decisions list, pilote explain ID",
    ),
}


say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
