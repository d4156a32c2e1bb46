"""What is wrong with a line of a file of attributes, in English and French; it never says what stands there."""

from typing import Final

from gateway.core.texts import saying, typeset

_TEXTS: Final = {
    "line": ("Line {line}: {problem}", "Ligne {line} : {problem}"),
    "row-columns": ("it must have two cells, customer and value", "il faut deux cellules, customer et value"),
    "row-csv": (
        "it is no CSV, such as for a quote that does not end",
        "ce n’est pas du CSV, par exemple un guillemet non fermé",
    ),
    "row-customer": ("the customer’s name is empty or cannot be read", "le nom du client est vide ou illisible"),
    "row-empty": ("there is no customer in the file", "le fichier ne contient aucun client"),
    "row-head": ("the first line must be customer,value", "la première ligne doit être customer,value"),
    "row-many": (
        "one load takes 20,000 customers: split the file",
        "un chargement prend 20 000 clients : divisez le fichier",
    ),
    "row-twice": ("this customer stands in the file already", "ce client figure déjà dans le fichier"),
    "row-value": ("the attribute has no such value", "l’attribut n’a pas cette valeur"),
}

say: Final = saying({key: (english, typeset(french)) for key, (english, french) in _TEXTS.items()})
"""A text by its key, in a language, filled with values."""


def mistake_told(line: int, code: str, *, language: str) -> str:
    """What is wrong with a line."""
    return say("line", language=language, line=line, problem=say(f"row-{code}", language=language))
