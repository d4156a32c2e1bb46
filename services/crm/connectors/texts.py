"""What is said of connectors and their files, in English and French: what is wrong, and how to mend it."""

from collections.abc import Mapping
from typing import Final

from gateway.core.texts import saying

MISTAKES: Final[Mapping[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "kind-unknown": (
        ("'{name}' is no kind of resource", "« {name} » n’est pas un type de ressource"),
        ("choose one of {choices}", "choisissez parmi {choices}"),
    ),
    "contract-field-unknown": (
        ("the contract's {word} has no field '{name}'", "le contrat de {word} n’a pas de champ « {name} »"),
        ("choose one of {choices}", "choisissez parmi {choices}"),
    ),
    "field-by-service": (
        ("'{name}' is set by the connector itself", "« {name} » est renseigné par le connecteur lui-même"),
        ("say `id` and `version` of the resource instead", "indiquez plutôt `id` et `version` de la ressource"),
    ),
    "field-nowhere": (
        ("nothing says where '{name}' stands", "rien ne dit où se trouve « {name} »"),
        ("give `path`, or `read` and `write`", "donnez `path`, ou bien `read` et `write`"),
    ),
    "field-required": (
        ("the contract requires '{name}', which is not mapped", "le contrat exige « {name} », qui n’est pas associé"),
        (
            "map it under `fields`, or name it under `ignored` where the vendor has no such thing",
            "associez-le sous `fields`, ou citez-le sous `ignored` si le fournisseur n’a rien de tel",
        ),
    ),
    "field-kind": (
        ("'{name}' is {kind}, which `as: {form}` cannot be", "« {name} » est de type {kind}, ce que `as: {form}` ne peut pas être"),
        ("use {choices}", "utilisez {choices}"),
    ),
    "enum-values": (
        ("'{name}' needs the vendor's word for each value", "« {name} » demande le mot du fournisseur pour chaque valeur"),
        ("give `values`, such as {example}", "donnez `values`, par exemple {example}"),
    ),
    "enum-value-unknown": (
        ("'{value}' is no value of '{name}'", "« {value} » n’est pas une valeur de « {name} »"),
        ("choose one of {choices}", "choisissez parmi {choices}"),
    ),
    "expression-wrong": (
        ("this is no JMESPath: {text}", "ceci n’est pas du JMESPath : {text}"),
        ("see jmespath.org; names with hyphens are written in double quotes", "voyez jmespath.org ; les noms à tiret s’écrivent entre guillemets droits"),
    ),
    "method-unknown": (
        ("the contracts have no method '{name}'", "les contrats n’ont pas de méthode « {name} »"),
        ("choose one of {choices}", "choisissez parmi {choices}"),
    ),
    "method-resource": (
        ("{name} needs the resource '{word}'", "{name} demande la ressource « {word} »"),
        ("describe it under `resources`", "décrivez-la sous `resources`"),
    ),
    "method-get": (
        ("{name} reads the resource, and {get} is not there", "{name} lit la ressource, or {get} manque"),
        ("add {get}", "ajoutez {get}"),
    ),
    "method-part": (
        ("{name} has no use for `{part}`", "{name} ne se sert pas de `{part}`"),
        ("remove `{part}`; `id` of the resource says where the answer has it", "retirez `{part}` ; `id` de la ressource dit où la réponse l’indique"),
    ),
    "version-nowhere": (
        ("the contract's {word} has no etag", "le contrat de {word} n’a pas d’etag"),
        ("remove `version`", "retirez `version`"),
    ),
    "path-slash": (
        ("a path begins with a slash", "un chemin commence par une barre oblique"),
        ("write it without scheme and host, which `base_url` has", "écrivez-le sans protocole ni hôte, que donne `base_url`"),
    ),
    "secret-one": (
        ("a secret is in a variable or in a file", "un secret est dans une variable ou dans un fichier"),
        ("give either `env` or `file`, and never the secret itself", "donnez soit `env`, soit `file`, et jamais le secret lui-même"),
    ),
    "secret-unknown": (
        ("there is no secret '{name}'", "il n’y a pas de secret « {name} »"),
        ("add it under `secrets`", "ajoutez-le sous `secrets`"),
    ),
    "auth-part": (
        ("`{kind}` needs `{name}`", "`{kind}` demande `{name}`"),
        ("add `{name}` under `auth`", "ajoutez `{name}` sous `auth`"),
    ),
    "variable-unknown": (
        ("there is no variable '{name}'", "il n’y a pas de variable « {name} »"),
        ("add it under `variables`", "ajoutez-la sous `variables`"),
    ),
    "paging-part": (
        ("paging by `{style}` needs `next`", "la pagination `{style}` demande `next`"),
        ("say where the answer has it", "dites où il se trouve dans la réponse"),
    ),
    "pattern-wrong": (
        ("this is no regular expression", "ceci n’est pas une expression régulière"),
        ("see the documentation of Python's re", "voyez la documentation du module re de Python"),
    ),
    "url-wrong": (
        ("this is no URL that requests can go to", "ce n’est pas une URL où envoyer des requêtes"),
        ("write https://, the host and a path, without query and password", "écrivez https://, l’hôte et un chemin, sans paramètre ni mot de passe"),
    ),
    "url-plain": (
        ("the URL is not encrypted", "l’URL n’est pas chiffrée"),
        ("write https://, or start with --allow-private", "écrivez https://, ou démarrez avec --allow-private"),
    ),
    "url-private": (
        ("the address is a private one", "l’adresse est privée"),
        ("name a public host, or start with --allow-private", "indiquez un hôte public, ou démarrez avec --allow-private"),
    ),
    "spec-path": (
        ("the vendor's schema has no {method} {path}", "le schéma du fournisseur n’a pas de {method} {path}"),
        (
            "look up the path; where another file has it, give that one with --openapi too",
            "vérifiez le chemin ; si un autre fichier l’a, donnez-le aussi avec --openapi",
        ),
    ),
    "spec-query": (
        ("the vendor's schema has no parameter '{name}' there", "le schéma du fournisseur n’a pas de paramètre « {name} » ici"),
        ("choose one of {choices}", "choisissez parmi {choices}"),
    ),
    "spec-body": (
        ("the vendor's schema has no member '{name}' in that body", "le schéma du fournisseur n’a pas de membre « {name} » dans ce corps"),
        ("choose one of {choices}", "choisissez parmi {choices}"),
    ),
    "spec-required": (
        ("the vendor's schema requires '{name}' in that body", "le schéma du fournisseur exige « {name} » dans ce corps"),
        ("add it to `body`", "ajoutez-le à `body`"),
    ),
}  # fmt: skip
"""By code what is wrong and how to mend it."""

say: Final = saying(
    {
        "good": (
            "{file} is a valid connector: {methods} methods; {missing} methods of the contracts are not there.",
            "{file} est un connecteur valide : {methods} méthodes ; {missing} méthodes des contrats n’y sont pas.",
        ),
        "bad": ("{file} has {count} mistake(s):", "{file} comporte {count} erreur(s) :"),
        "unreadable": ("{file} cannot be read.", "{file} est illisible."),
        "secret-missing": (
            "The secret {name} is not there, or not usable: set {where} (one line of ASCII).",
            "Le secret {name} manque ou n’est pas utilisable : renseignez {where} (une ligne en ASCII).",
        ),
        "variable-missing": (
            "The variable {name} is not there: set {where}, which must match {pattern}.",
            "La variable {name} manque : renseignez {where}, qui doit correspondre à {pattern}.",
        ),
        "passed": ("passed  {check}", "réussi  {check}"),
        "failed": ("FAILED  {check}: {why}", "ÉCHEC   {check} : {why}"),
        "left-out": ("left out  {check}: {why}", "omis    {check} : {why}"),
        "tried": (
            "{passed} passed, {failed} failed, {left_out} left out.",
            "{passed} réussis, {failed} échoués, {left_out} omis.",
        ),
        "try-writes": (
            "This creates, changes and deletes resources at {title}. Say --yes if that is a system to try things on.",
            "Ceci crée, modifie et supprime des ressources chez {title}. Ajoutez --yes si c’est un système d’essai.",
        ),
    }
)
