"""What is said of a mistake in a filter, in English and French."""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.core.errors import CallEnded, Reason
from gateway.core.texts import LANGUAGES, saying
from services.audit.filters.fields import MEMBERS, Kind

_TEXTS: Final = {
    "wrong": (
        "The filter is wrong at line {line}, column {column}: {problem}",
        "Le filtre est incorrect, ligne {line}, colonne {column} : {problem}",
    ),
    "long": (
        "It has {length} characters; at most {most} are taken.",
        "Il a {length} caractères, le maximum est {most}.",
    ),
    "deep": (
        "At most {most} parentheses may stand within each other.",
        "Au plus {most} parenthèses peuvent être imbriquées.",
    ),
    "near": (
        "There is no {what} {name}. Did you mean {near}?",
        "Il n’y a pas de {what} {name}. Vouliez-vous dire {near} ?",
    ),
    "unknown": ("There is no {what} {name}. There are: {known}.", "Il n’y a pas de {what} {name}. Il y a : {known}."),
    "unknown-field": (
        "There is no field {name}. There are {known} and others: pilote decisions fields shows all.",
        "Il n’y a pas de champ {name}. Il y a {known} et d’autres : pilote decisions fields les montre tous.",
    ),
    "unknown-has": (
        "There is no function {name}: whether {near} has a value is asked by {near}:*.",
        "Il n’y a pas de fonction {name} : {near}:* demande si {near} a une valeur.",
    ),
    "field": ("field", "champ"),
    "function": ("function", "fonction"),
    "capitals": ("{word} is written in capitals: {wanted}.", "{word} s’écrit en majuscules : {wanted}."),
    "operator": ("Write {wanted} instead of {word}.", "Écrivez {wanted} au lieu de {word}."),
    "operator-word": (
        'Write {wanted} instead of {word}, or search for the word in quotes: "{word}".',
        'Écrivez {wanted} au lieu de {word}, ou cherchez le mot entre guillemets : "{word}".',
    ),
    "alone": (
        '{name} is a field: compare it, as in {name}:*, or search for the word in quotes: "{name}".',
        '{name} est un champ : comparez-le, par exemple {name}:*, ou cherchez le mot entre guillemets : "{name}".',
    ),
    "alone-function": (
        '{name} is a function, written {usage}; or search for the word in quotes: "{name}".',
        '{name} est une fonction, qui s’écrit {usage} ; ou cherchez le mot entre guillemets : "{name}".',
    ),
    "alone-value": (
        'Write {name} = {value}, or search for the word in quotes: "{value}".',
        'Écrivez {name} = {value}, ou cherchez le mot entre guillemets : "{value}".',
    ),
    "something": (
        'That a field has a value is written {name}:*; the text in quotes: "{value}".',
        'La présence d’une valeur s’écrit {name}:* ; le texte, entre guillemets : "{value}".',
    ),
    "expected": ("Expected {wanted}, but found {found}.", "Attendu : {wanted} ; trouvé : {found}."),
    "quote": (
        "The quote that opens here is not closed: end it with {quote}.",
        "Le guillemet ouvert ici n’est pas fermé : terminez par {quote}.",
    ),
    "quote-end": (
        "This quote closes none: put one before the text too.",
        "Ce guillemet n’en ferme aucun : mettez-en un aussi devant le texte.",
    ),
    "quote-kind": (
        "Quotes are straight here: write {wanted}.",
        "Les guillemets sont droits ici : écrivez {wanted}.",
    ),
    "open": (
        "The parenthesis that opens here is not closed: end it with ).",
        "La parenthèse ouverte ici n’est pas fermée : terminez par ).",
    ),
    "closing": (
        "This parenthesis closes none: leave it out.",
        "Cette parenthèse n’en ferme aucune : supprimez-la.",
    ),
    "several": (
        "Comparisons are joined by AND, values by OR, as in (a OR b). A text with {sign} stands in quotes.",
        "On joint des comparaisons par AND, des valeurs par OR : (a OR b). Un texte avec {sign} se met en guillemets.",
    ),
    "nothing": (
        'That a field has no value is written NOT {name}:*; the text in quotes: "{value}".',
        'L’absence de valeur s’écrit NOT {name}:* ; le texte, entre guillemets : "{value}".',
    ),
    "comparator": ("{name} is compared with {wanted} only.", "{name} ne se compare qu’avec {wanted}."),
    "value": ("{name} is {kind}, not {value}.", "{name} attend {kind}, pas {value}."),
    "value-near": (
        "{name} is {kind}, not {value}. Did you mean {near}?",
        "{name} attend {kind}, pas {value}. Vouliez-vous dire {near} ?",
    ),
    "value-time": (
        "{name} is {kind}, not {value}. How long ago it was is asked by age({name}) < {near}.",
        "{name} attend {kind}, pas {value}. L’ancienneté se demande par age({name}) < {near}.",
    ),
    "member-near": (
        "{name} is never {value}. Did you mean {near}?",
        "{name} ne vaut jamais {value}. Vouliez-vous dire {near} ?",
    ),
    "member-few": ("{name} is {known}, not {value}.", "{name} vaut {known}, pas {value}."),
    "member": (
        "{name} is never {value}. pilote decisions facets {name} shows what it was.",
        "{name} ne vaut jamais {value}. pilote decisions facets {name} montre ce qu’il a valu.",
    ),
    "wordless": ("There is no word in {value} to search for.", "{value} ne contient aucun mot à chercher."),
    "stars": (
        r"At most {most} * may stand in a value; a star itself is written as \*.",
        r"Au plus {most} * par valeur ; l’étoile elle-même s’écrit \*.",
    ),
    "argument": (
        "{name} takes {known}, not {value}, as in {usage}.",
        "{name} prend {known}, pas {value}, comme dans {usage}.",
    ),
    "a-text-field": ("a field with a text", "un champ de texte"),
    "arguments": ("{name} is written as {usage}.", "{name} s’écrit {usage}."),
    "order": (
        "{text} is no order: write a field, then asc or desc, such as latency desc.",
        "{text} n’est pas un ordre : écrivez un champ puis asc ou desc, comme latency desc.",
    ),
    "order-near": (
        "Decisions cannot be ordered by {name}. Did you mean {near}?",
        "Impossible de trier par {name}. Vouliez-vous dire {near} ?",
    ),
    "order-unknown": (
        "Decisions cannot be ordered by {name}, only by: {known}.",
        "Impossible de trier par {name}, seulement par : {known}.",
    ),
    "facet-near": (
        "Decisions cannot be counted by {name}. Did you mean {near}?",
        "Impossible de compter par {name}. Vouliez-vous dire {near} ?",
    ),
    "facet-unknown": (
        "Decisions cannot be counted by {name}, only by: {known}.",
        "Impossible de compter par {name}, seulement par : {known}.",
    ),
    "kind-text": ("a text", "un texte"),
    "kind-number": ("a whole number", "un nombre entier"),
    "kind-duration": ("a span such as 200ms, 1.5s, 10m, 2h or 7d", "une durée comme 200ms, 1.5s, 10m, 2h ou 7d"),
    "kind-time": ("a time such as 2026-11-24T10:00:00Z", "une date comme 2026-11-24T10:00:00Z"),
    "kind-name": (
        "the name of a decision, decisions/ and 32 digits from 0 to f",
        "le nom d’une décision, decisions/ et 32 chiffres de 0 à f",
    ),
    "kind-subject": ("the resource name of a customer", "le nom de ressource d’un client"),
    "kind-rule": ("the name of a rule, limit or cap", "le nom d’une règle, limite ou plafond"),
    "or": ("or", "ou"),
    "token-FIELD": ("a field or word", "un champ ou un mot"),
    "token-COMPARATOR": ("one of = != < <= > >= :", "un des signes = != < <= > >= :"),
    "token-VALUE": ("a value", "une valeur"),
    "token-COMMA": ("a comma", "une virgule"),
    "token-END": ("the end", "la fin"),
}
say: Final = saying(_TEXTS)


def kind_text(kind: Kind, *, language: str) -> str:
    """What a field's values are, as a mistake calls them."""
    if kind not in MEMBERS:
        return say(f"kind-{kind.value}", language=language)
    return _either(MEMBERS[kind], language)


def _either(words: Sequence[str], language: str) -> str:
    *others, last = words
    return f"{', '.join(others)} {say('or', language=language)} {last}" if others else last


class Choice(tuple[str, ...]):
    """Words of a mistake of which one is right: they are parted by commas and "or"."""

    __slots__ = ()


class Key(str):
    """A word of a mistake that is itself one of the texts."""

    __slots__ = ()


class Mistake(Exception):
    """What is wrong with a filter, and where: counted from 1."""

    def __init__(self, code: str, *, line: int = 1, column: int = 1, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.line = line
        self.column = column
        self.values: Mapping[str, object] = values

    def text(self, language: str) -> str:
        """The mistake in words, in one of `LANGUAGES`."""
        assert language in LANGUAGES  # noqa: S101
        values = {name: self._value(value, language) for name, value in self.values.items()}
        return say(self.code, language=language, **values)

    def ended(self, field: str, language: str) -> CallEnded:
        """The end of a call whose field is wrong, said in the language too."""
        english = self.text("en")
        return CallEnded(
            Reason.ARGUMENT_INVALID,
            english,
            metadata={"field": field, "mistake": self.code},
            violations=((field, english),),
            localized=None if language == "en" else (language, self.text(language)),
        )

    @staticmethod
    def _value(value: object, language: str) -> object:
        """Kinds and keys are said in the language."""
        if isinstance(value, Kind):
            return kind_text(value, language=language)
        if isinstance(value, Choice):
            return _either([str(Mistake._value(each, language)) for each in value], language)
        if isinstance(value, tuple):
            return ", ".join(str(Mistake._value(each, language)) for each in value)
        if isinstance(value, Key):
            return say(value, language=language)
        return value
