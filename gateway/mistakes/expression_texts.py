"""Mistakes of expressions in CEL: what it is in English and French. How to mend it depends on where it stands."""

from typing import Final

_FIX: Final = ("{fix}", "{fix}")
TEXTS: Final = {
    "expression-field": (
        ("undefined field '{name}' of {message}", "champ « {name} » inconnu dans {message}"),
        _FIX,
    ),
    "expression-name": (("nothing is called '{name}' here", "rien ne s’appelle « {name} » ici"), _FIX),
    "expression-numbers": (
        (
            "{operator} cannot be applied to {kinds}; numbers compare only with their own kind: write 5000.0 for a decimal field, 5000 for a whole one",
            "{operator} ne s’applique pas à {kinds} ; les nombres ne se comparent qu’à ceux de leur sorte : écrivez 5000.0 pour un champ décimal, 5000 pour un champ entier",
        ),
        _FIX,
    ),
    "expression-operator": (
        ("{operator} cannot be applied to {kinds}", "{operator} ne s’applique pas à {kinds}"),
        _FIX,
    ),
    "expression-sign": (("{token} means nothing here{hint}", "{token} n’a pas de sens ici{hint}"), _FIX),
    "expression-quote": (
        (
            "the quote that opens here is not closed, or holds an unknown escape",
            "le guillemet ouvert ici n’est pas fermé, ou contient un échappement inconnu",
        ),
        _FIX,
    ),
    "expression-surplus": (
        (
            "{token} cannot follow here; an operator such as && may be missing",
            "{token} ne peut pas suivre ici ; il manque peut-être un opérateur comme &&",
        ),
        _FIX,
    ),
    "expression-lacks": (("{token} is missing here", "il manque {token} ici"), _FIX),
    "expression-end": (("it ends too early", "l’expression se termine trop tôt"), _FIX),
    "expression-no-list": (
        (
            "{kind} is neither a list nor a map, so nothing can be sought in it",
            "{kind} n’est ni une liste ni une table : rien ne peut y être cherché",
        ),
        _FIX,
    ),
    "expression-reserved": (("'{name}' is a reserved word", "« {name} » est un mot réservé"), _FIX),
    "expression-macro": (
        (
            "{name}() is not written this way: has(a.b) takes a field, all(x, …) and exists(x, …) a name",
            "{name}() ne s’écrit pas ainsi : has(a.b) prend un champ, all(x, …) et exists(x, …) un nom",
        ),
        _FIX,
    ),
    "expression-number": (("the number is too large", "le nombre est trop grand"), _FIX),
    "expression-deep": (("it is nested too deeply", "l’expression est trop profondément imbriquée"), _FIX),
    "expression-unreadable": (("the expression cannot be read", "l’expression est illisible"), _FIX),
    "expression-no-condition": (
        (
            "a condition must be true or false, this one gives {found}",
            "une condition doit être vraie ou fausse, celle-ci donne {found}",
        ),
        _FIX,
    ),
    "expression-kind": (
        ("{wanted} is wanted here, this one gives {found}", "il faut ici {wanted}, cette expression donne {found}"),
        _FIX,
    ),
}
