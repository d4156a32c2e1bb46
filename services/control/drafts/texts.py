"""What drafts, their edits and the jobs about them say where something is not done, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "draft-unknown": (
        "There is no draft {draft}; somebody may have deleted it.",
        "Il n’y a pas de brouillon {draft} ; quelqu’un l’a peut-être supprimé.",
    ),
    "draft-long": (
        "A draft has at most {most} MiB: leave out what is not needed, or propose the policy by the command line.",
        "Un brouillon compte au plus {most} Mio : retirez ce qui est inutile, ou proposez la politique en ligne de commande.",
    ),
    "drafts-many": (
        "There are {most} drafts already: delete those that nobody needs.",
        "Il y a déjà {most} brouillons : supprimez ceux dont personne n’a besoin.",
    ),
    "sentence-odd": ("{problem}", "{problem}"),
    "sentence-slots": (
        "The sentence's slots do not fit: {problem}. List a draft's sentences to see how they look.",
        "Les éléments de la phrase ne conviennent pas : {problem}. Listez les phrases d’un brouillon pour en voir la forme.",
    ),
    "sentence-either": (
        "Send a sentence as text, or by its slots: one of both.",
        "Envoyez une phrase en texte, ou par ses éléments : l’un des deux.",
    ),
    "sentence-unprobed": (
        "No probes can be made of this sentence: single calls do not show it, or other parts decide already.",
        "Aucune sonde ne peut être faite de cette phrase : des appels isolés ne la montrent pas, ou d’autres éléments décident déjà.",
    ),
    "sentence-section": (
        "No sentence speaks of {section}; sentences speak of rules, limits, caps, quiet_hours, consents and sequences.",
        "Aucune phrase ne parle de {section} ; elles parlent de rules, limits, caps, quiet_hours, consents et sequences.",
    ),
    "draft-title": (
        "Give the draft a title of 1 to 200 characters.",
        "Donnez au brouillon un titre de 1 à 200 caractères.",
    ),
    "draft-from": (
        "Give one of `text`, `fromRevision` and `fromDraft`, or none of them to begin with the active policy.",
        "Donnez `text`, `fromRevision` ou `fromDraft`, ou aucun des trois pour partir de la politique active.",
    ),
    "draft-changed": (
        "{by} has changed this draft meanwhile, so nothing was saved: compare both, then save again.",
        "{by} a modifié ce brouillon entre-temps, rien n’a donc été enregistré : comparez les deux, puis enregistrez de nouveau.",
    ),
    "what-if-none": (
        "No policy is active that could be tried: choose a draft.",
        "Aucune politique active à essayer : choisissez un brouillon.",
    ),
    "what-if-knob": (
        "The policy has no cap or limit {knob}; somebody may have renamed it: load the page anew.",
        "La politique n’a pas de plafond ni de limite {knob} ; quelqu’un l’a peut-être renommé : rechargez la page.",
    ),
    "what-if-number": (
        "{knob} is to be a whole number from 0 on, or nothing for no limit.",
        "{knob} doit être un nombre entier à partir de 0, ou vide pour ne rien limiter.",
    ),
    "what-if-own": (
        "A cap of its own needs a segment, a whole number from 0 on, and a time such as 7d.",
        "Un plafond propre demande un segment, un nombre entier à partir de 0 et une durée comme 7d.",
    ),
    "what-if-same": (
        "Nothing was changed that could be kept: change a number first.",
        "Rien n’a été modifié, rien n’est donc à conserver : modifiez d’abord un nombre.",
    ),
    "workshop-full": (
        "Too many texts wait to be checked: retry in a moment.",
        "Trop de textes attendent d’être vérifiés : réessayez dans un instant.",
    ),
    "workshop-lost": (
        "Checking this text takes too much time or memory: make it smaller.",
        "La vérification de ce texte demande trop de temps ou de mémoire : réduisez-le.",
    ),
    "overtaken": (
        "A newer request about the same text has come; this one was not answered.",
        "Une demande plus récente sur le même texte est arrivée ; celle-ci est restée sans réponse.",
    ),
    "edits-many": ("Make at most {most} edits at a time.", "Faites au plus {most} modifications à la fois."),
    "edit-section": (
        "A policy has no section {section}.",
        "Une politique n’a pas de section {section}.",
    ),
    "edit-yaml": (
        "The text is no YAML at the moment, so nothing in it can be found: mend it first.",
        "Le texte n’est pas du YAML pour l’instant, rien ne peut donc y être trouvé : corrigez-le d’abord.",
    ),
    "edit-list": ("{section} is no list of parts.", "{section} n’est pas une liste d’éléments."),
    "edit-name": ("There is no {name} in {section}.", "Il n’y a pas de {name} dans {section}."),
    "edit-after": (
        "There is no {name} in {section} to stand behind.",
        "Il n’y a pas de {name} dans {section} derrière lequel se placer.",
    ),
    "edit-taken": (
        "There is a {name} in {section} already: choose another name.",
        "Il y a déjà un {name} dans {section} : choisissez un autre nom.",
    ),
    "edit-unnamed": ("What is added to {section} needs a name.", "Ce qui est ajouté à {section} doit avoir un nom."),
    "edit-layout": (
        "{section} {name} is written in a way that only a person can change without harm: edit the text itself.",
        "{section} {name} est écrit d’une manière que seule une personne peut modifier sans dommage : éditez le texte lui-même.",
    ),
    "jobs-full": (
        "Too much is under way here: wait until something is done, or end one of your jobs.",
        "Trop de travaux sont en cours ici : attendez que l’un s’achève, ou arrêtez l’un des vôtres.",
    ),
    "job-unknown": (
        "There is no such job: what came of one is kept for an hour.",
        "Il n’y a pas de tel travail : son résultat est gardé une heure.",
    ),
    "job-mistake": (
        "A mistake of ours; it is in our log.",
        "Une erreur de notre part ; elle est dans notre journal.",
    ),
    "job-gone": (
        "The control plane that did this work has ended over it: start it again.",
        "Le plan de contrôle qui faisait ce travail s’est arrêté entre-temps : relancez-le.",
    ),
    "job-lost": (
        "The work was ended from outside, for lack of memory perhaps: ask for less time, or fewer calls.",
        "Le travail a été interrompu de l’extérieur, faute de mémoire peut-être : demandez moins de temps, ou moins d’appels.",
    ),
    "job-invalid": (
        "The policy has mistakes: mend them first.",
        "La politique contient des erreurs : corrigez-les d’abord.",
    ),
    "job-active": (
        "This version of Pilote cannot read the active revision.",
        "Cette version de Pilote ne peut pas lire la révision active.",
    ),
    "job-store": (
        "The store does not answer now; retry.",
        "Le stockage ne répond pas pour l’instant ; réessayez.",
    ),
    "job-audit": (
        "The audit service does not answer now; retry.",
        "Le service d’audit ne répond pas pour l’instant ; réessayez.",
    ),
    "job-replay-key": (
        "Recorded calls cannot be opened here: give the control plane the replay key file (PILOTE_REPLAY_KEY_FILE).",
        "Les appels enregistrés ne peuvent pas être ouverts ici : donnez au plan de contrôle le fichier de clés (PILOTE_REPLAY_KEY_FILE).",
    ),
    "job-suite": (
        "The suite has mistakes: mend them first.",
        "La suite contient des erreurs : corrigez-les d’abord.",
    ),
    "job-version": (
        "The policy has no such version of a model: name one of its `models`, like lead-score/2.",
        "La politique n’a pas cette version d’un modèle : citez l’un de ses `models`, comme lead-score/2.",
    ),
    "job-probes-long": (
        "The suite has run for ten minutes and was ended: make it smaller by `cases`, or split it.",
        "La suite tournait depuis dix minutes et a été arrêtée : réduisez-la avec `cases`, ou scindez-la.",
    ),
    "try-part": (
        "The draft has no such part, or it is none that can be tried by itself.",
        "Le brouillon n’a pas cet élément, ou ce n’en est pas un qui s’essaie isolément.",
    ),
    "try-alone": (
        "This part cannot stand in the active policy by itself, since it needs others of the draft: backtest the whole draft.",
        "Cet élément ne tient pas seul dans la politique active, car il en requiert d’autres du brouillon : rejouez le brouillon entier.",
    ),
    "people-alone": (
        "Nobody but you could agree to this: a second account needs a role that approves policies, on all tenants, and must have logged in once.",
        "Personne d’autre que vous ne pourrait approuver : un second compte doit avoir, pour toutes les organisations, un rôle qui approuve les politiques, et s’être connecté une fois.",
    ),
    "people-none": (
        "The active policy names nobody who approves, so it cannot be taken back from here: propose a draft of the earlier revision.",
        "La politique active ne nomme personne qui approuve, on ne peut donc pas revenir en arrière d’ici : proposez un brouillon de la révision antérieure.",
    ),
    "sign-yourself": (
        "You sign with a key of your own: use /v1/drafts and /v1/proposals, or `pilote apply`.",
        "Vous signez avec votre propre clé : utilisez /v1/drafts et /v1/proposals, ou `pilote apply`.",
    ),
    "rebase-conflict": (
        "Both have changed: {places}. Edit these by hand from revision {active} on.",
        "Les deux ont modifié : {places}. Reprenez-les à la main à partir de la révision {active}.",
    ),
}

say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
