"""What is said about sentences, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "not-understood-long": (
        "A sentence has at most 2,000 characters: say it in several.",
        "Une phrase compte au plus 2 000 caractères : dites-le en plusieurs.",
    ),
    "not-understood-tangled": (
        "This can be read in too many ways: put names into quotes, or say it in several sentences.",
        "Cela peut se lire de trop de façons : mettez les noms entre guillemets, ou dites-le en plusieurs phrases.",
    ),
    "not-understood-contradicts": (
        "These parts do not go together: say which agents or which fields are meant, and each thing once.",
        "Ces éléments ne vont pas ensemble : dites quels agents ou quels champs, et chaque chose une seule fois.",
    ),
    "not-understood-odd": (
        "“{word}” is not understood here. What may stand here: {wanted}",
        "« {word} » n’est pas compris ici. Ce qui peut se trouver ici : {wanted}",
    ),
    "not-understood-short": (
        "The sentence is not whole yet. It may go on with: {wanted}",
        "La phrase n’est pas terminée. Elle peut continuer par : {wanted}",
    ),
    "unsaid-section": (
        "No sentence speaks of {section}: edit it by its form or in the text.",
        "Aucune phrase ne parle de {section} : modifiez-la par son formulaire ou dans le texte.",
    ),
    "unsaid-mistake": (
        "It has a mistake: mend it in the text first, where the mistake is pointed to.",
        "Il y a une erreur : corrigez-la d’abord dans le texte, où elle est indiquée.",
    ),
    "unsaid-fields": (
        "It has {fields}, which no sentence says: edit it by its form or in the text.",
        "Elle comporte {fields}, qu’aucune phrase ne dit : modifiez-la par son formulaire ou dans le texte.",
    ),
    "unsaid-value": (
        "One of its values does not fit into a sentence: edit it by its form or in the text.",
        "Une de ses valeurs n’entre pas dans une phrase : modifiez-la par son formulaire ou dans le texte.",
    ),
    "unsaid-condition": (
        "Its condition says more than a sentence can: {when}",
        "Sa condition dit plus qu’une phrase ne peut dire : {when}",
    ),
    "unsaid-nothing": ("It bounds nothing, so there is nothing to say.", "Elle ne limite rien : il n’y a rien à dire."),
    "unsaid-both": (
        "It bounds both a number and the time between two: make two of it, then each is a sentence.",
        "Elle limite à la fois un nombre et l’écart entre deux : faites-en deux, chacune sera une phrase.",
    ),
    "unsaid-hours": (
        "Its hours differ from day to day: edit them by the form.",
        "Ses heures changent selon les jours : modifiez-les par le formulaire.",
    ),
    "conflict-tighter": (
        "“{this}” never matters: “{others}” is always reached first.",
        "« {this} » ne joue jamais : « {others} » est toujours atteint avant.",
    ),
    "conflict-tighter-fix": (
        "Take it out, or make it stricter than the other one.",
        "Supprimez-la, ou rendez-la plus stricte que l’autre.",
    ),
    "conflict-swallowed": (
        "“{this}” is about nothing: “{others}” refuses all such messages anyway.",
        "« {this} » ne concerne rien : « {others} » refuse déjà tous ces messages.",
    ),
    "conflict-swallowed-fix": (
        "Take it out, or let the other one refuse less.",
        "Supprimez-la, ou faites que l’autre refuse moins.",
    ),
    "conflict-nobody": (
        "“{this}” and “{others}” leave nobody: no agent is named by both.",
        "« {this} » et « {others} » ne laissent personne : aucun agent n’est nommé par les deux.",
    ),
    "conflict-nobody-fix": (
        "Name all agents who may in one of them, and take the other out.",
        "Nommez dans l’une tous les agents qui le peuvent, et supprimez l’autre.",
    ),
    "conflict-shadowed": (
        "“{this}” lets nothing through: whatever it is about, “{others}” refuses.",
        "« {this} » ne laisse rien passer : tout ce qu’elle concerne, « {others} » le refuse.",
    ),
    "conflict-shadowed-fix": (
        "Let the other one refuse less, such as by leaving segments or agents out, or take this one out.",
        "Faites que l’autre refuse moins, en excluant des segments ou des agents, ou supprimez celle-ci.",
    ),
    "conflict-redundant": (
        "“{this}” changes nothing: “{others}” does the same wherever it applies.",
        "« {this} » ne change rien : « {others} » fait la même chose partout où elle s’applique.",
    ),
    "conflict-redundant-fix": ("Take it out, or make it differ.", "Supprimez-la, ou distinguez-la."),
    "conflict-never": (
        "“{this}” can never apply: no call is like that.",
        "« {this} » ne peut jamais s’appliquer : aucun appel n’est ainsi.",
    ),
    "conflict-never-fix": (
        "Look at its names: perhaps an agent, channel or label is called otherwise; else take it out.",
        "Vérifiez ses noms : un agent, un canal ou une étiquette s’appelle peut-être autrement ; sinon supprimez-la.",
    ),
}

say: Final = saying(_TEXTS)
