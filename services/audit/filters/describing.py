"""What filters may name, for who helps people to write them. Pure."""

from gateway.core.texts import LANGUAGES, language_of
from pilote.audit.v1 import filters_pb2
from services.audit.filters.field_tables import kind_of
from services.audit.filters.fields import FIELDS, MEMBERS, Field, Kind
from services.audit.filters.functions import FUNCTIONS
from services.audit.filters.known_values import KNOWN

_TEXTUAL = frozenset({Kind.TEXT, Kind.SUBJECT, Kind.RULE})


def described(language_code: str) -> filters_pb2.DescribeFiltersResponse:
    """All fields and functions, in the language that is asked for."""
    language = language_of(language_code[:200])
    place = LANGUAGES.index(language)
    return filters_pb2.DescribeFiltersResponse(
        fields=[_field(field, place) for field in FIELDS.values()],
        functions=[
            filters_pb2.FilterFunction(name=each.name, usage=each.usage, description=(each.english, each.french)[place])
            for each in FUNCTIONS.values()
        ],
        language_code=language,
    )


def _field(field: Field, place: int) -> filters_pb2.FilterField:
    return filters_pb2.FilterField(
        name=field.name,
        kind=kind_of(field, place),
        description=(field.english, field.french)[place],
        comparators=field.comparators,
        values=MEMBERS.get(field.kind) or KNOWN.get(field.name, ()),
        sortable=field.sortable,
        countable=field.countable,
        textual=field.kind in _TEXTUAL,
        keyed=field.path.shape == "{}",
    )
