"""What SQLite and DuckDB say differently of the same decisions. Texts hold names of our own and `?` only. Pure.

In SQLite names of rules are in a table of their own and words in an index; the Parquet files that DuckDB reads have a
list of the ones and a text of the others (`services.audit.sqlite.segments.rows`). What the gateway wrote are bytes in
both.
"""

from typing import Final, Protocol

import msgspec

from services.audit.filters.expression import Text
from services.audit.filters.fields import Kind
from services.audit.filters.searching import phrase, words_of

Parameter = str | int

WORDS: Final = "pilote_words"
"""Function of SQLite's connections: whether words are in a decision, see `services.audit.sqlite.functions`."""
_NUMBERS: Final = frozenset({Kind.NUMBER, Kind.DURATION, Kind.TIME})


class Sql(msgspec.Struct, frozen=True):
    """A text with `?` for each of its parameters."""

    text: str
    parameters: tuple[Parameter, ...] = ()


class Dialect(Protocol):
    """One of the two. `column` is one of record, outcome and settlement, `place` a place in its JSON such as "a.b"."""

    @property
    def by_rule(self) -> tuple[str, str]:
        """Where decisions are found with each of their rules, and what is the rule's name."""

    @property
    def rule(self) -> str:
        """Whether a decision has a rule."""

    @property
    def one_of(self) -> str:
        """What comes after a column that is one of the texts in a JSON list."""

    @property
    def by(self) -> str:
        """Division of whole numbers, rounded towards zero."""

    def any_rule(self, test: str) -> str:
        """Whether a test, written with {} for the name, holds of any of a decision's rules."""

    def member(self, column: str, place: str, *, kind: Kind) -> str:
        """A member, NULL where it is absent."""

    def length(self, column: str, place: str) -> str:
        """How many elements a list has, NULL where it is absent."""

    def elements(self, column: str, place: str) -> str:
        """Where the elements of a list are found, each as `e.value`."""

    def entries(self, column: str, place: str) -> str:
        """Where the entries of a map to numbers are found, each as `e.key` and `e.value`."""

    def element(self, place: str, *, number: bool) -> str:
        """A member of the element `e`, NULL where it is absent; the element itself for an empty place."""

    def text(self, text: Text) -> Sql:
        """Whether words are in a decision."""


class Sqlite:
    """Segments that are open, or were sealed of late."""

    by_rule: Final = ("decision_rule AS e CROSS JOIN decision ON decision.id = e.decision", "e.rule")
    rule: Final = "decision.id IN (SELECT decision FROM decision_rule WHERE rule = ?)"
    one_of: Final = "IN (SELECT value FROM json_each(?))"
    by: Final = "/"

    def any_rule(self, test: str) -> str:
        """By the table's key, which leads with the rule: decision by decision there is no index."""
        return f"decision.id IN (SELECT decision FROM decision_rule WHERE {test.format('rule')})"

    def member(self, column: str, place: str, *, kind: Kind) -> str:
        """See `Dialect.member`."""
        del kind  # its JSON has types
        return f"json_extract(CAST(decision.{column} AS TEXT), '$.{place}')"

    def length(self, column: str, place: str) -> str:
        """See `Dialect.length`."""
        return f"json_array_length(CAST(decision.{column} AS TEXT), '$.{place}')"

    def elements(self, column: str, place: str) -> str:
        """See `Dialect.elements`."""
        return f"json_each(CAST(decision.{column} AS TEXT), '$.{place}') AS e"

    entries = elements

    def element(self, place: str, *, number: bool) -> str:
        """See `Dialect.element`."""
        del number
        return f"json_extract(e.value, '$.{place}')" if place else "e.value"

    def text(self, text: Text) -> Sql:
        """By the index of words, and then by the texts themselves: to the index some different letters are one."""
        columns = "decision.record, decision.outcome, decision.rule, decision.reason"
        exact = Sql(f"{WORDS}({columns}, ?, ?)", (text.words, int(text.prefix)))
        if not (wanted := phrase(text.words, prefix=text.prefix)):
            return exact
        near = "decision.seq IN (SELECT rowid / 2 FROM words WHERE words MATCH ?)"
        return Sql(f"{near} AND {exact.text}", (wanted, *exact.parameters))


class DuckDb:
    """Segments that have become cold."""

    by_rule: Final = ("decision, (SELECT unnest(decision.rules) AS value) AS e", "e.value")
    rule: Final = "list_contains(decision.rules, ?)"
    one_of: Final = "IN (SELECT unnest(json_extract_string(?, '$[*]')))"
    by: Final = "//"

    def any_rule(self, test: str) -> str:
        """See `Dialect.any_rule`."""
        return f"EXISTS (SELECT 1 FROM (SELECT unnest(decision.rules) AS value) AS e WHERE {test.format('e.value')})"

    def member(self, column: str, place: str, *, kind: Kind) -> str:
        """See `Dialect.member`."""
        found = f"json_extract_string(decode(decision.{column}), '$.{place}')"
        if kind is Kind.BOOL:
            return f"CAST(CAST({found} AS BOOLEAN) AS INTEGER)"
        return f"CAST({found} AS BIGINT)" if kind in _NUMBERS else found

    def length(self, column: str, place: str) -> str:
        """See `Dialect.length`."""
        return f"json_array_length(decode(decision.{column}), '$.{place}')"

    def elements(self, column: str, place: str) -> str:
        """See `Dialect.elements`."""
        return f"(SELECT unnest(json_extract(decode(decision.{column}), '$.{place}[*]')) AS value) AS e"

    def entries(self, column: str, place: str) -> str:
        """See `Dialect.entries`."""
        found = f"CAST(json_extract(decode(decision.{column}), '$.{place}') AS MAP(VARCHAR, BIGINT))"
        return f"(SELECT unnest(map_entries({found}), recursive := true)) AS e"

    def element(self, place: str, *, number: bool) -> str:
        """See `Dialect.element`."""
        found = f"json_extract_string(e.value, '$.{place}')" if place else "json_extract_string(e.value, '$')"
        return f"CAST({found} AS BIGINT)" if number else found

    def text(self, text: Text) -> Sql:
        """The words of all texts are in one column, with what is no word between the texts."""
        wanted = f" {' '.join(words_of(text.words))}"
        if text.prefix:
            return Sql("contains(' ' || decision.words, ?)", (wanted,))
        return Sql("contains(' ' || decision.words || ' ', ?)", (f"{wanted} ",))


SQLITE: Final[Dialect] = Sqlite()
DUCKDB: Final[Dialect] = DuckDb()
