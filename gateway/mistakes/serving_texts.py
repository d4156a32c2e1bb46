"""Mistakes about upstreams, models, routes and their arms: what it is and how to mend it, in English and French."""

from typing import Final

_HINT: Final = ("{hint}", "{hint}")
TEXTS: Final = {
    "upstream-without-address": (
        ("the upstream '{name}' has no address", "le système en aval « {name} » n’a pas d’adresse"),
        ('add `address`, such as "127.0.0.1:50061"', 'ajoutez `address`, par exemple "127.0.0.1:50061"'),
    ),
    "upstream-without-url": (
        ("the upstream '{name}' has no url", "le système en aval « {name} » n’a pas d’URL"),
        ('add `url`, such as "https://llm.example.com/v1"', 'ajoutez `url`, par exemple "https://llm.example.com/v1"'),
    ),
    "upstream-only-http": (
        (
            "`{field}` goes with OpenAI-compatible servers only",
            "`{field}` ne concerne que les serveurs compatibles OpenAI",
        ),
        ("say `kind: openai`, or remove it", "écrivez `kind: openai`, ou retirez-le"),
    ),
    "upstream-only-grpc": (
        ("`{field}` goes with gRPC servers only", "`{field}` ne concerne que les serveurs gRPC"),
        (
            "remove it: `url` says where the server is, and https:// encrypts",
            "retirez-le : `url` dit où se trouve le serveur, et https:// chiffre",
        ),
    ),
    "upstream-of-envoy": (
        ("`{field}` is not for Envoy's upstreams", "`{field}` ne concerne pas les systèmes d’Envoy"),
        (
            "remove it: Envoy's configuration says where the server is",
            "retirez-le : la configuration d’Envoy dit où se trouve le serveur",
        ),
    ),
    "url-without-server": (
        ("the url names no server", "l’URL ne désigne aucun serveur"),
        (
            'write it like "https://llm.example.com/v1"',
            'écrivez-la sous la forme "https://llm.example.com/v1"',
        ),
    ),
    "url-with-credential": (
        (
            "the url holds a credential, and everybody can read a policy",
            "l’URL contient un secret, et chacun peut lire une politique",
        ),
        (
            "take it out; a key goes into a file that `key_file` names",
            "retirez-le ; une clé se met dans un fichier désigné par `key_file`",
        ),
    ),
    "url-in-the-clear": (
        ("the key would be sent in the clear", "la clé serait transmise en clair"),
        (
            "write https://, or let a proxy on this machine encrypt",
            "écrivez https://, ou confiez le chiffrement à un proxy de cette machine",
        ),
    ),
    "address-twice": (
        (
            "the upstream '{name}' has the address '{address}' twice",
            "le système en aval « {name} » a deux fois l’adresse « {address} »",
        ),
        ("list each address once", "citez chaque adresse une seule fois"),
    ),
    "outliers-of-one": (
        (
            "the upstream '{name}' has one address, which is never ejected",
            "le système en aval « {name} » n’a qu’une adresse, qui n’est jamais écartée",
        ),
        (
            "list several in `addresses`, or give it a `breaker` instead",
            "donnez-en plusieurs dans `addresses`, ou utilisez plutôt un `breaker`",
        ),
    ),
    "sandbox-real": (
        (
            "'{name}' is no sandbox: it has an address of '{other}'",
            "« {name} » n’est pas un bac à sable : il a une adresse de « {other} »",
        ),
        ("give the sandbox a server of its own", "donnez au bac à sable son propre serveur"),
    ),
    "model-without-version": (
        ("the model '{name}' has no version", "le modèle « {name} » n’a pas de version"),
        ("list at least one", "ajoutez-en au moins une"),
    ),
    "prompt-without-version": (
        ("the prompt '{name}' has no version", "l’invite « {name} » n’a pas de version"),
        ("list at least one", "ajoutez-en au moins une"),
    ),
    "prompt-shapes": (
        (
            "the version '{version}' must say in one way what it is",
            "la version « {version} » doit être définie d’une seule façon",
        ),
        (
            "give either `text`, or the `sha256` of a text that is kept elsewhere",
            "donnez soit `text`, soit le `sha256` d’un texte conservé ailleurs",
        ),
    ),
    "prompt-unknown": (("'{name}' is no version of a prompt", "« {name} » n’est pas une version d’invite"), _HINT),
    "version-twice": (
        ("the version '{version}' is listed twice", "la version « {version} » figure deux fois"),
        ("remove one of them", "retirez l’une des deux"),
    ),
    "version-unknown": (
        ("the model '{model}' has no version '{version}'", "le modèle « {model} » n’a pas de version « {version} »"),
        _HINT,
    ),
    "alias-unknown": (
        ("the model '{model}' has no alias '{alias}'", "le modèle « {model} » n’a pas d’alias « {alias} »"),
        _HINT,
    ),
    "alias-of-nothing": (
        (
            "the alias '{alias}' stands for '{version}', which is no version of the model '{model}'",
            "l’alias « {alias} » désigne « {version} », qui n’est pas une version du modèle « {model} »",
        ),
        _HINT,
    ),
    "served-as-missing": (
        (
            "the server '{upstream}' cannot be asked for the version '{version}'",
            "impossible de demander la version « {version} » au serveur « {upstream} »",
        ),
        (
            "add `served_as`, the name by which the server knows this very version",
            "ajoutez `served_as`, le nom sous lequel le serveur connaît cette version précise",
        ),
    ),
    "route-weights": (
        ("the weights of route '{name}' add up to {total}", "la somme des poids de la route « {name} » est {total}"),
        (
            "make them add up to {whole} basis points (100 %)",
            "faites en sorte que leur somme soit {whole} points de base (100 %)",
        ),
    ),
    "route-without-method": (
        ("the route '{name}' serves no method", "la route « {name} » ne dessert aucune méthode"),
        ("list the methods it serves in `methods`", "indiquez dans `methods` les méthodes qu’elle dessert"),
    ),
    "route-mixes": (
        (
            "the route '{name}' mixes up methods that ask a model and methods that do not",
            "la route « {name} » mêle des méthodes qui interrogent un modèle et d’autres qui ne le font pas",
        ),
        (
            "give methods that ask a model (INFER) a route of their own, with `models`",
            "donnez aux méthodes qui interrogent un modèle (INFER) leur propre route, avec `models`",
        ),
    ),
    "route-cannot-pin": (
        (
            "{method} has no field for the version, so none could be pinned towards the upstream",
            "{method} n’a pas de champ pour la version : aucune ne pourrait être imposée au système en aval",
        ),
        (
            "name that field in `model_version` of the method's binding",
            "indiquez ce champ dans le `model_version` de la description de la méthode",
        ),
    ),
    "pattern-covers-nothing": (
        ("'{pattern}' covers no described method", "« {pattern} » ne couvre aucune méthode décrite"),
        _HINT,
    ),
    "not-over-http": (
        (
            "{method} cannot be asked over the OpenAI-compatible API",
            "{method} ne peut pas être appelée par l’API compatible OpenAI",
        ),
        (
            "give it a route of its own, with versions at gRPC upstreams; here list {pattern}",
            "donnez-lui sa propre route, avec des versions sur des systèmes gRPC ; ici, indiquez {pattern}",
        ),
    ),
    "arm-unknown": (
        ("the route '{route}' has no arm '{name}'", "la route « {route} » n’a pas de bras « {name} »"),
        _HINT,
    ),
    "arm-twice": (
        ("the route '{route}' has two arms '{name}'", "la route « {route} » a deux bras « {name} »"),
        ("choose another name", "choisissez un autre nom"),
    ),
    "arm-either": (
        (
            "the arm '{name}' needs either an upstream or a version",
            "le bras « {name} » doit désigner soit un système en aval, soit une version",
        ),
        (
            "give `version` on a route with `models`, `upstream` on any other",
            "donnez `version` sur une route avec `models`, `upstream` sur toute autre",
        ),
    ),
    "arm-upstream-of-models": (
        (
            "the arm '{name}' names an upstream, but its route asks models",
            "le bras « {name} » désigne un système en aval, mais sa route interroge des modèles",
        ),
        (
            "give `version`; the model's version says which upstream serves it",
            "donnez `version` ; la version du modèle dit quel système en aval la sert",
        ),
    ),
    "arm-version-of-none": (
        (
            "the arm '{name}' names a version, but its route names no models",
            "le bras « {name} » désigne une version, mais sa route ne nomme aucun modèle",
        ),
        (
            "list the models the route serves in `models`",
            "indiquez dans `models` les modèles que la route dessert",
        ),
    ),
    "arm-of-language-models": (
        (
            "the arm '{name}' leads to a server of language models, but its route asks none",
            "le bras « {name} » mène à un serveur de modèles de langage, mais sa route n’en interroge aucun",
        ),
        (
            "give it a gRPC upstream, or make it a route of `models`",
            "donnez-lui un système gRPC, ou faites-en une route de `models`",
        ),
    ),
    "copy-of-itself": (
        (
            "the arm '{name}' serves calls itself, so copies would be of its own",
            "le bras « {name} » sert lui-même des appels : il recevrait des copies des siens",
        ),
        (
            "give it `weight: 0`, or name an arm that has none",
            "donnez-lui `weight: 0`, ou désignez un bras sans poids",
        ),
    ),
    "copy-of-streams": (
        (
            "the route '{route}' serves streams only, and they are not copied",
            "la route « {route} » ne dessert que des flux, qui ne sont pas copiés",
        ),
        (
            "copy calls with one request and one reply, or remove it",
            "copiez des appels à une requête et une réponse, ou retirez la copie",
        ),
    ),
    "copy-acts": (
        (
            "copies of {method} would act once more, in '{upstream}'",
            "les copies de {method} agiraient une fois de plus, dans « {upstream} »",
        ),
        (
            "give calls that only read a route of their own, or say `sandbox: true` where nothing is real",
            "donnez aux appels de lecture leur propre route, ou écrivez `sandbox: true` là où rien n’est réel",
        ),
    ),
    "fallback-twice": (
        ("the arm '{name}' takes over twice", "le bras « {name} » prend deux fois le relais"),
        ("name each arm once", "citez chaque bras une seule fois"),
    ),
    "fallback-of-itself": (
        (
            "the arm '{name}' would take over from itself: no other one is ever chosen",
            "le bras « {name} » prendrait le relais de lui-même : aucun autre n’est jamais choisi",
        ),
        ("name another arm, one with `weight: 0` say", "désignez un autre bras, par exemple un bras avec `weight: 0`"),
    ),
    "try-too-long": (
        (
            "a try may take {span}, and the call no more than {timeout}",
            "une tentative peut durer {span}, et l’appel pas plus de {timeout}",
        ),
        (
            "make it shorter than `timeout`, or `timeout` longer",
            "raccourcissez-la sous `timeout`, ou allongez `timeout`",
        ),
    ),
    "backoff-too-long": (
        (
            "the wait before a second try is up to {span}, and the call no more than {timeout}",
            "l’attente avant une deuxième tentative va jusqu’à {span}, et l’appel ne dure pas plus de {timeout}",
        ),
        (
            "make it shorter than `timeout`, or `timeout` longer",
            "raccourcissez-la sous `timeout`, ou allongez `timeout`",
        ),
    ),
    "hedge-too-late": (
        (
            "a second try begins after {span}, and the call takes no more than {timeout}",
            "une deuxième tentative commence après {span}, et l’appel ne dure pas plus de {timeout}",
        ),
        (
            "make it shorter than `timeout`, or `timeout` longer",
            "raccourcissez ce délai sous `timeout`, ou allongez `timeout`",
        ),
    ),
    "hedge-of-writes": (
        (
            "{method} is never made twice at once, since it could change something",
            "{method} n’est jamais appelée deux fois à la fois, car elle pourrait modifier quelque chose",
        ),
        (
            "give calls that read or infer a route of their own, and hedge that one",
            "donnez aux appels de lecture ou d’inférence leur propre route, et mettez-y `hedge`",
        ),
    ),
    "hedge-of-streams": (
        (
            "the route '{route}' serves streams only, which are never hedged",
            "la route « {route} » ne dessert que des flux, qui ne sont jamais doublés",
        ),
        ("remove `hedge`", "retirez `hedge`"),
    ),
}
