"""Searching by words: a table of the words of each resource, so that a list can ask for those that have them all.

A table of our own rather than an index of FTS5: that keeps the words of what is deleted until it merges, unless SQLite
is newer than what Python may come with; and whoever is erased must not be readable in it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from sqlite3 import Connection
from typing import Final

LONGEST_WORD: Final = 60
"""Characters of a word that count."""
MOST_WORDS: Final = 500
"""Of one resource; further ones are not found."""
MOST_ASKED: Final = 10
"""Words that one question may have."""
_WORD: Final = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of a text, each once, without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(each for each in plain if not unicodedata.combining(each))
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in _WORD.findall(bare)))


def schema(table: str) -> tuple[str, ...]:
    """The statements that make the words of `table` where there are none."""
    return (
        f"""CREATE TABLE IF NOT EXISTS {table}_words (word TEXT NOT NULL, place INTEGER NOT NULL,
            PRIMARY KEY (word, place)) STRICT, WITHOUT ROWID""",
        f"CREATE INDEX IF NOT EXISTS {table}_words_place ON {table}_words (place)",
        f"""CREATE TRIGGER IF NOT EXISTS {table}_words_gone AFTER DELETE ON {table}
            BEGIN DELETE FROM {table}_words WHERE place = old.place; END""",
    )


def index(connection: Connection, table: str, place: int, texts: Iterable[str]) -> None:
    """Let the resource at `place` be found by the words of these texts, and by no others."""
    connection.execute(f"DELETE FROM {table}_words WHERE place = ?", (place,))
    rows = [(word, place) for word in words_of("\n".join(texts))[:MOST_WORDS]]
    connection.executemany(f"INSERT INTO {table}_words VALUES (?, ?)", rows)


def condition(table: str, asked: Sequence[str]) -> str:
    """SQL that holds for resources that have, for each of these words, one that begins with it; see `bounds`."""
    return f" AND place IN (SELECT place FROM {table}_words WHERE word >= ? AND word < ?)" * len(asked)


def bounds(asked: Sequence[str]) -> Iterator[str]:
    """The values of the condition's marks."""
    for word in asked:
        yield from (word, word + "\U0010ffff")
