"""What the commands about decisions and views say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "audit-down": (
        "The audit service does not answer at {address}: is `pilote up` running?",
        "Le service d’audit ne répond pas à {address} : `pilote up` est-il lancé ?",
    ),
    "audit-slow": (
        "The answer takes too long: bound the time, as in --since 24h.",
        "La réponse prend trop de temps : bornez la période, comme --since 24h.",
    ),
    "bad-span": (
        "{text} is no span: write it as 30m, 12h or 7d. {hint}",
        "{text} n’est pas une durée : écrivez 30m, 12h ou 7d. {hint}",
    ),
    "bad-column": ("There is no field {name}. {hint}", "Il n’y a pas de champ {name}. {hint}"),
    "near": ("Did you mean {near}?", "Vouliez-vous dire {near} ?"),
    "see-fields": (
        "`pilote decisions fields` shows them all.",
        "`pilote decisions fields` les montre tous.",
    ),
    "nothing": ("No decision matches.", "Aucune décision ne correspond."),
    "unreadable": (
        "Missing here is what these segments of the store hold, which cannot be read: {segments}. `pilote audit stats --check` says what is wrong with them; put them back from a backup.",
        "Il manque ici ce que contiennent ces segments de la base, qui sont illisibles : {segments}. `pilote audit stats --check` dit ce qu’ils ont ; remettez-les depuis une sauvegarde.",
    ),
    "of-all": ("{shown} of {total} decisions.", "{shown} décisions sur {total}."),
    "total": ("{count} decisions match.", "{count} décisions correspondent."),
    "facet-columns": ("{field}|decisions|share", "{field}|décisions|part"),
    "empty": ("(none)", "(aucun)"),
    "others": ("{count} more values", "{count} autres valeurs"),
    "chart-columns": (
        "time (UTC)|decisions|ALLOW|DENY|HOLD|DEFER",
        "heure (UTC)|décisions|ALLOW|DENY|HOLD|DEFER",
    ),
    "chart-width": ("{count} decisions, by {width}.", "{count} décisions, par {width}."),
    "following": (
        "Decisions from now on; Ctrl-C ends.",
        "Les décisions à partir de maintenant ; Ctrl-C pour finir.",
    ),
    "tail-ended": (
        "The audit service has ended the stream: follow again, and list what you missed.",
        "Le service d’audit a mis fin au flux : suivez-le de nouveau, et listez ce qui vous a échappé.",
    ),
    "views-none": ("No view is saved yet.", "Aucune vue n’est encore enregistrée."),
    "view-columns": (
        "view|title|filter|order|columns|owner|changed",
        "vue|titre|filtre|ordre|colonnes|auteur|modifiée",
    ),
    "view-saved": ("{name} is saved.", "{name} est enregistrée."),
    "view-deleted": ("{name} is deleted.", "{name} est supprimée."),
}
say: Final = saying(_TEXTS)
