"""Mistakes about what Envoy's rate limit filter asks: what it is and how to mend it, in both languages."""

from typing import Final

TEXTS: Final = {
    "ratelimit-redaction": (
        (
            "a descriptor is only counted: nothing of it goes on that could be redacted",
            "un descripteur est seulement compté : rien n’en est transmis qui pourrait être masqué",
        ),
        (
            "leave such methods out, or deny the call {scope}",
            "laissez ces méthodes de côté, ou refusez l’appel {scope}",
        ),
    ),
    "ratelimit-domain-taken": (
        ("the domain '{domain}' is described twice", "le domaine « {domain} » est décrit deux fois"),
        ("put all its descriptors in one place", "réunissez tous ses descripteurs au même endroit"),
    ),
    "ratelimit-name-taken": (
        ("the name '{name}' is taken twice in '{domain}'", "le nom « {name} » est pris deux fois dans « {domain} »"),
        ("rename one of them", "renommez l’un des deux"),
    ),
    "ratelimit-without-entries": (
        ("the descriptor '{name}' has no entries", "le descripteur « {name} » n’a pas d’entrée"),
        (
            "list the entries that Envoy's `actions` make, in their order, such as `key: agent`",
            "énumérez dans l’ordre les entrées que produisent les `actions` d’Envoy, par exemple `key: agent`",
        ),
    ),
    "ratelimit-key-twice": (
        ("the key '{key}' is there twice", "la clé « {key} » figure deux fois"),
        (
            "give the action in Envoy a `descriptor_key` of its own",
            "donnez à l’action d’Envoy une `descriptor_key` qui lui soit propre",
        ),
    ),
    "ratelimit-taken": (
        ("'{name}' is the same descriptor already", "« {name} » est déjà le même descripteur"),
        ("describe each descriptor once", "décrivez chaque descripteur une seule fois"),
    ),
    "ratelimit-needs": (
        ("{descriptor} needs `{name}`", "{descriptor} exige `{name}`"),
        (
            'say where the descriptor says it, such as "{entries.customer}", or write it as it is',
            'dites où le descripteur le porte, par exemple "{entries.customer}", ou écrivez-le tel quel',
        ),
    ),
    "ratelimit-source": (
        ("'{text}': {problem}", "« {text} » : {problem}"),
        (
            'write "{entries.key}", with a fixed text around it if need be',
            'écrivez "{entries.key}", au besoin entouré d’un texte fixe',
        ),
    ),
    "ratelimit-routed": (
        (
            "{method} takes no route: Envoy only asks whether there is room in its limits",
            "{method} ne prend aucune route : Envoy demande seulement s’il reste de la place dans ses limites",
        ),
        ("remove the route, or that pattern", "retirez la route ou ce motif"),
    ),
    "ratelimit-never-over": (
        (
            "`{field}` cannot count {method}: nobody tells when such a request ends",
            "`{field}` ne peut pas compter {method} : personne ne dit quand une telle requête se termine",
        ),
        (
            "limit it by `rate` or `max`, or describe the requests in `rest` and let Envoy ask about each of them",
            "limitez-la par `rate` ou `max`, ou décrivez les requêtes dans `rest` pour qu’Envoy interroge sur chacune",
        ),
    ),
}
PHRASES: Final = {
    "ratelimit-source-place": (
        "'{place}' is no place of a descriptor",
        "« {place} » n’est pas un endroit d’un descripteur",
    ),
    "ratelimit-source-entry": (
        "the descriptor has no entry '{key}'",
        "le descripteur n’a pas d’entrée « {key} »",
    ),
}
