"""What a filter may name, as tables: the very fields and functions that are read. Pure."""

from typing import Final

from gateway.core.texts import LANGUAGES
from services.audit.filters.fields import FIELDS, Field, Kind
from services.audit.filters.functions import FUNCTIONS

Rows = tuple[tuple[str, ...], ...]
"""The first row names the columns."""

_FIELD_HEAD: Final = (("field", "kind", "what it is"), ("champ", "sorte", "ce que c’est"))
_FUNCTION_HEAD: Final = (("function", "what it asks"), ("fonction", "ce qu’elle demande"))
_KINDS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.TEXT: ("text", "texte"),
    Kind.NUMBER: ("number", "nombre"),
    Kind.DURATION: ("span", "durée"),
    Kind.TIME: ("time", "date"),
    Kind.BOOL: ("true or false", "true ou false"),
    Kind.VERDICT: ("ALLOW, DENY, HOLD, DEFER",) * 2,
    Kind.STATE: ("RUNNING, SETTLED, IN_DOUBT",) * 2,
    Kind.OPERATION: ("READ, WRITE, CONTACT, DELETE, INFER",) * 2,
    Kind.NAME: ("name of a decision", "nom d’une décision"),
    Kind.SUBJECT: ("name of a customer", "nom d’un client"),
    Kind.RULE: ("any of several names", "un de plusieurs noms"),
}
_SHAPES: Final = {
    "[]": ("any of several {kind}s", "un de plusieurs : {kind}"),
    "{}": ("map of {kind}s", "table : {kind}"),
}


def field_rows(*, language: str) -> Rows:
    """Every field with its kind and what it is."""
    place = LANGUAGES.index(language)
    rows = [(field.name, kind_of(field, place), (field.english, field.french)[place]) for field in FIELDS.values()]
    return (_FIELD_HEAD[place], *rows)


def function_rows(*, language: str) -> Rows:
    """Every function with an example of its use, and what it asks."""
    place = LANGUAGES.index(language)
    rows = [(each.usage, (each.english, each.french)[place]) for each in FUNCTIONS.values()]
    return (_FUNCTION_HEAD[place], *rows)


def kind_of(field: Field, place: int) -> str:
    """What its values are, in the language at that place of `LANGUAGES`."""
    kind = _KINDS[field.kind][place]
    shape = _SHAPES.get(field.path.shape)
    return shape[place].format(kind=kind) if shape else kind
