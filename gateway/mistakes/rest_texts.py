"""Mistakes about plain HTTP APIs: what it is and how to mend it, in both languages."""

from typing import Final

TEXTS: Final = {
    "rest-without-host": (
        ("the API '{name}' has no host", "l’API « {name} » n’a pas d’hôte"),
        (
            'list the names that callers use, such as "api.hubapi.com"',
            'indiquez les noms que les appelants utilisent, par exemple "api.hubapi.com"',
        ),
    ),
    "rest-name-taken": (
        ("the name '{name}' is taken twice in '{api}'", "le nom « {name} » est pris deux fois dans « {api} »"),
        ("rename one of them", "renommez l’un des deux"),
    ),
    "rest-path": (
        ("the path '{path}' {problem}", "le chemin « {path} » {problem}"),
        (
            'write it as "/crm/v3/contacts/{id}", with a name in braces for what varies',
            'écrivez-le sous la forme "/crm/v3/contacts/{id}", avec un nom entre accolades pour ce qui varie',
        ),
    ),
    "rest-path-taken": (
        ("{verb} {path} is {method} already", "{verb} {path} est déjà {method}"),
        ("describe each request once", "décrivez chaque requête une seule fois"),
    ),
    "rest-needs": (
        ("{method}: CONTACT needs `{name}`", "{method} : CONTACT exige `{name}`"),
        (
            'say where the request says it, such as "{body.to}", or write it as it is',
            'dites où la requête le porte, par exemple "{body.to}", ou écrivez-le tel quel',
        ),
    ),
    "rest-source": (
        ("'{text}': {problem}", "« {text} » : {problem}"),
        (
            'write "{path.id}", "{query.name}", "{headers.name}" or "{body.name.inner}", with a fixed text around it if need be',
            'écrivez "{path.id}", "{query.name}", "{headers.name}" ou "{body.name.inner}", au besoin entouré d’un texte fixe',
        ),
    ),
    "rest-upstream-only": (
        (
            "the upstream '{name}' is Envoy's, and {method} is no plain HTTP",
            "le système en aval « {name} » est celui d’Envoy, et {method} n’est pas du HTTP simple",
        ),
        ("give it a route of its own to another upstream", "donnez-lui sa propre route, vers un autre système en aval"),
    ),
    "rest-upstream-missing": (
        (
            "{method} cannot go to '{name}': Envoy forwards plain HTTP, not the gateway",
            "{method} ne peut pas aller vers « {name} » : c’est Envoy qui transmet le HTTP simple, pas la passerelle",
        ),
        ("route it to an upstream with `kind: envoy`", "dirigez-la vers un système en aval avec `kind: envoy`"),
    ),
    "rest-route": (
        (
            "`{field}` cannot be done for {method}: Envoy forwards it",
            "`{field}` est impossible pour {method} : c’est Envoy qui la transmet",
        ),
        (
            "give plain HTTP a route of its own without it, and say it in Envoy's configuration",
            "donnez au HTTP simple sa propre route sans ce champ, et réglez cela dans la configuration d’Envoy",
        ),
    ),
    "rest-reply-path": (
        ("'{field}' is no path of a reply", "« {field} » n’est pas un chemin d’une réponse"),
        (
            'write names parted by dots, with "*" for every element, such as "results.*.email" {scope}',
            'écrivez des noms séparés par des points, avec "*" pour chaque élément, par exemple "results.*.email" {scope}',
        ),
    ),
    "rest-request-path": (
        (
            "'{field}' is no path of a request's body or query, and nothing else can be taken out of it",
            "« {field} » n’est un chemin ni du corps ni des paramètres d’une requête, et rien d’autre n’y est masqué",
        ),
        (
            'write it like "body.customer.email" or "query.email", or deny the call {scope}',
            'écrivez-le comme "body.customer.email" ou "query.email", ou refusez l’appel {scope}',
        ),
    ),
}
PHRASES: Final = {
    "rest-path-slash": ("must begin with /", "doit commencer par /"),
    "rest-path-empty": ("has an empty part, . or .. in it", "contient une partie vide, . ou .."),
    "rest-path-twice": ("has '{name}' twice", "contient deux fois « {name} »"),
    "rest-path-characters": (
        "has '{segment}', of which one variable and plain characters are possible at most",
        "contient « {segment} » : au plus une variable et des caractères simples sont possibles",
    ),
    "rest-path-variable": (
        "has '{segment}', where the name must be lower-case letters, digits and _",
        "contient « {segment} », dont le nom doit être en lettres minuscules, chiffres et _",
    ),
    "rest-source-braces": (
        "a brace is not closed, or stands within another",
        "une accolade n’est pas fermée, ou en contient une autre",
    ),
    "rest-source-bare": ("'{text}' would be taken as it is", "« {text} » serait pris tel quel"),
    "rest-source-place": ("'{place}' is no place of a request", "« {place} » n’est pas un endroit d’une requête"),
    "rest-source-variable": ("the path has no variable '{name}'", "le chemin n’a pas de variable « {name} »"),
    "rest-source-header": ("the header '{name}' must be in lower case", "l’en-tête « {name} » doit être en minuscules"),
    "rest-source-secret": ("the header '{name}' identifies the caller", "l’en-tête « {name} » identifie l’appelant"),
}
