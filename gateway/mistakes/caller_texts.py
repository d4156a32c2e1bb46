"""Mistakes about who calls, who governs and what contracts say: what it is and how to mend it, in both languages."""

from typing import Final

TEXTS: Final = {
    "agent-unidentified": (
        ("the agent '{name}' cannot identify itself", "l’agent « {name} » n’a aucun moyen de s’identifier"),
        ("add `keys` (see `pilote keys new`) or `tokens`", "ajoutez `keys` (voyez `pilote keys new`) ou `tokens`"),
    ),
    "agent-key-shared": (
        ("this key belongs to two agents", "cette clé appartient à deux agents"),
        ("make a key for each agent", "créez une clé pour chaque agent"),
    ),
    "agent-token-shared": (
        (
            "the token subject '{subject}' belongs to two agents",
            "le sujet de jeton « {subject} » appartient à deux agents",
        ),
        ("name each subject once", "citez chaque sujet une seule fois"),
    ),
    "issuer-twice": (
        ("the issuer '{issuer}' is listed twice", "l’émetteur « {issuer} » figure deux fois"),
        ("put all its keys into one entry", "réunissez toutes ses clés dans une seule entrée"),
    ),
    "issuer-without-keys": (
        ("the issuer '{name}' has no keys", "l’émetteur « {name} » n’a pas de clé"),
        (
            "add `jwks` with the issuer's public keys, or `jwks_file`",
            "ajoutez `jwks` avec les clés publiques de l’émetteur, ou `jwks_file`",
        ),
    ),
    "issuer-keys-unusable": (
        ("the key set has no usable key", "le jeu de clés ne contient aucune clé utilisable"),
        (
            "give the issuer's public keys as a JSON Web Key Set",
            "donnez les clés publiques de l’émetteur sous forme de JSON Web Key Set",
        ),
    ),
    "tenant-without-agent": (
        ("the tenant '{name}' has no agent", "l’organisation « {name} » n’a pas d’agent"),
        ("{hint}", "{hint}"),
    ),
    "approvals-of-nobody": (
        (
            "nobody is there to agree: the policy names no people",
            "personne ne peut approuver : la politique ne nomme personne",
        ),
        ("list them in `people`, or remove `approvals`", "nommez-les dans `people`, ou retirez `approvals`"),
    ),
    "person-key-shared": (
        (
            "'{name}' has the key of '{owner}', so one of them could agree with themselves",
            "« {name} » a la clé de « {owner} » : l’une de ces personnes pourrait s’approuver elle-même",
        ),
        (
            "make a key for each person: pilote people new",
            "créez une clé pour chaque personne : pilote people new",
        ),
    ),
    "people-too-few": (
        (
            "nobody could ever publish a policy again: {required} other(s) must agree with whoever writes it",
            "plus personne ne pourrait publier de politique : il faut {required} approbation(s) d’autres personnes que l’auteur",
        ),
        (
            "name more people with `may_write` or `may_approve`, or require fewer `approvals`",
            "nommez plus de personnes avec `may_write` ou `may_approve`, ou exigez moins d’`approvals`",
        ),
    ),
    "contract-unreadable": (
        ("is not a FileDescriptorSet in base64", "n’est pas un FileDescriptorSet en base64"),
        ("make it with protoc --descriptor_set_out", "produisez-le avec protoc --descriptor_set_out"),
    ),
    "contract-clashes": (
        (
            "the file '{file}' clashes with another contract or lacks one it imports",
            "le fichier « {file} » contredit un autre contrat, ou il lui manque un fichier qu’il importe",
        ),
        (
            "make it with protoc --include_imports, and name each message once",
            "produisez-le avec protoc --include_imports, et nommez chaque message une seule fois",
        ),
    ),
    "binding-unknown": (
        ("no contract has the method '{method}'", "aucun contrat ne contient la méthode « {method} »"),
        (
            "write it as /package.Service/Method, and give the descriptor set that contains it",
            "écrivez-la sous la forme /package.Service/Methode, et donnez le jeu de descripteurs qui la contient",
        ),
    ),
    "binding-topics": (
        ("{method}: {problem}", "{method} : {problem}"),
        (
            "name a field of texts, a list or a single one",
            "indiquez un champ de texte, simple ou en liste",
        ),
    ),
    "binding-needs": (
        ("{method}: {operation} needs `{name}`", "{method} : {operation} exige `{name}`"),
        (
            "name the request's field that says it, of: {fields}",
            "indiquez le champ de la requête qui le porte, parmi : {fields}",
        ),
    ),
    "binding-created": (
        ("{method}: `identity` and `created` go together", "{method} : `identity` et `created` vont ensemble"),
        (
            "name both: what identifies the person in the request, and the new resource name in the response",
            "indiquez les deux : ce qui identifie la personne dans la requête, et le nouveau nom de ressource dans la réponse",
        ),
    ),
    "binding-path": (
        ("{method}: {problem}", "{method} : {problem}"),
        ("fields of {message}: {fields}", "champs de {message} : {fields}"),
    ),
}
PHRASES: Final = {
    "path-no-message": (
        "'{segment}' in '{field}' is no single message",
        "« {segment} » dans « {field} » n’est pas un message unique",
    ),
    "path-no-field": ("'{segment}' in '{field}' is no field", "« {segment} » dans « {field} » n’est pas un champ"),
    "path-no-key": ("'{field}' stops at a map: add the key", "« {field} » s’arrête à une table : ajoutez la clé"),
    "path-keys": (
        "'{segment}' in '{field}' is a map whose keys are no texts",
        "« {segment} » dans « {field} » est une table dont les clés ne sont pas des textes",
    ),
    "path-list": (
        "'{segment}' in '{field}' is a list: it has no single value",
        "« {segment} » dans « {field} » est une liste, et n’a donc pas de valeur unique",
    ),
    "path-no-text": ("'{field}' is no single text", "« {field} » n’est pas un texte unique"),
    "path-unwritable": (
        "'{field}' is no text, so nothing can be written there",
        "« {field} » n’est pas un texte : rien ne peut y être écrit",
    ),
}
