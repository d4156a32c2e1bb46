"""What a filter may call: documented functions, each written by comparisons. Pure."""

from collections.abc import Callable
from typing import Final

import msgspec
from lark import Token

from services.audit.filters.expression import Age, Comparison, Expression, Like, Some
from services.audit.filters.fields import FIELDS, Field, Kind
from services.audit.filters.filter_texts import Choice, Key, Mistake
from services.audit.filters.habits import check_value
from services.audit.filters.suggesting import nearest, span_meant
from services.audit.filters.values import MOST_STARS, mistaken, pieces_of, short, span_us, typed

_AGE: Final = ("=", "!=", "<", "<=", ">", ">=")
_FEW: Final = 5
"""Most fields that a mistake names of those that a function takes."""


class Function(msgspec.Struct, frozen=True):
    """One function."""

    name: str
    usage: str
    english: str
    french: str
    build: Callable[["_Called"], Expression]
    least: int
    most: int
    compared: bool = False
    """Whether its result is compared with something."""


class _Called(msgspec.Struct, frozen=True):
    function: Function
    name: Token
    arguments: tuple[Token, ...]
    compared: tuple[Token, ...]

    def field(self, *kinds: Kind) -> Field:
        """The field that the first argument names, of one of these kinds."""
        token = self.arguments[0]
        fits = {name: field for name, field in FIELDS.items() if not kinds or field.kind in kinds}
        field = fits.get(str(token))
        if field is None:
            raise self._unfit(token, fits)
        return field

    def _unfit(self, token: Token, fits: dict[str, Field]) -> Mistake:
        """The mistake of an argument that is no field, or none of the kind that the function takes."""
        name, text = str(token), short(str(token))
        near = nearest(name, tuple(fits)) if token.type != "STRING" and name not in FIELDS else ""
        if near:
            return mistaken("near", token, what=Key("field"), name=text, near=near)
        known = Choice(sorted(fits)) if len(fits) <= _FEW else Key("a-text-field")
        usage = self.function.usage
        return mistaken("argument", token, name=self.function.name, known=known, value=text, usage=usage)

    def span(self, token: Token) -> int:
        """The span in microseconds that a token names."""
        text = "*".join(pieces_of(token))
        found = span_us(text)
        if found is None:
            near = span_meant(text, unit="h")
            code = "value-near" if near else "value"
            raise mistaken(code, token, name=self.function.name, kind=Kind.DURATION, value=short(text), near=near)
        return found


def called(function: Function, name: Token, arguments: tuple[Token, ...], *, compared: tuple[Token, ...]) -> Expression:
    """What a call of the function means.

    Raises:
        Mistake: it is called in a way that it is not written.
    """
    fits = function.least <= len(arguments) <= function.most and bool(compared) == function.compared
    if not fits or not all(isinstance(token, Token) for token in compared):
        raise mistaken("arguments", name, name=function.name, usage=function.usage)
    return function.build(_Called(function, name, arguments, compared))


def like(field: Field, pieces: tuple[str, ...], token: Token) -> Like:
    """A comparison with a pattern, without stars that say nothing.

    Raises:
        Mistake: it has too many stars.
    """
    kept = tuple(piece for place, piece in enumerate(pieces) if piece or place in {0, len(pieces) - 1})
    if len(kept) > MOST_STARS + 1:
        raise mistaken("stars", token, most=MOST_STARS)
    return Like(field, kept)


def _age(call: _Called) -> Expression:
    comparator, span = call.compared
    if comparator == ":":
        raise mistaken("comparator", comparator, name="age", wanted=Choice(_AGE))
    return Age(call.field(Kind.TIME), str(comparator), call.span(span))


def _since(call: _Called) -> Expression:
    return Age(FIELDS["receive_time"], "<=", call.span(call.arguments[0]))


def _starts(call: _Called) -> Expression:
    return Like(call.field(Kind.TEXT, Kind.RULE), ("*".join(pieces_of(call.arguments[1])), ""))


def _ends(call: _Called) -> Expression:
    return Like(call.field(Kind.TEXT, Kind.RULE), ("", "*".join(pieces_of(call.arguments[1]))))


def _contains(call: _Called) -> Expression:
    return Like(call.field(Kind.TEXT, Kind.RULE), ("", "*".join(pieces_of(call.arguments[1])), ""))


def _in(call: _Called) -> Expression:
    field = call.field()
    for token in call.arguments[1:]:
        check_value(field, token)
    values = tuple(Comparison(field, "=", typed(field, token)) for token in call.arguments[1:])
    return values[0] if len(values) == 1 else Some(values)


def _function(
    usage: str, build: Callable[[_Called], Expression], *, takes: tuple[int, int], says: tuple[str, str]
) -> Function:
    """A function by an example of its use; what stands behind the closing parenthesis there is compared."""
    name, _, rest = usage.partition("(")
    return Function(name, usage, *says, build, *takes, compared=not rest.endswith(")"))


_MANY: Final = 1_000
FUNCTIONS: Final[dict[str, Function]] = {
    function.name: function
    for function in (
        _function(
            "since(24h)",
            _since,
            takes=(1, 1),
            says=("received in the last so long", "reçue depuis moins longtemps que cela"),
        ),
        _function(
            "age(settle_time) < 1h",
            _age,
            takes=(1, 1),
            says=("how long ago a time was", "temps écoulé depuis une date"),
        ),
        _function('in(agent, "a", "b")', _in, takes=(2, _MANY), says=("one of these values", "une de ces valeurs")),
        _function(
            'startsWith(method, "/pilote.crm")',
            _starts,
            takes=(2, 2),
            says=("the text begins so", "le texte commence ainsi"),
        ),
        _function(
            'endsWith(method, "/SendMessage")', _ends, takes=(2, 2), says=("the text ends so", "le texte finit ainsi")
        ),
        _function(
            'contains(citation, "L. 34-5")',
            _contains,
            takes=(2, 2),
            says=("the text holds this", "le texte contient cela"),
        ),
    )
}
