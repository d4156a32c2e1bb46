"""What queries may call in SQLite besides its own functions."""

import sqlite3
from typing import Final

import msgspec

from gateway.core.record import Outcome, Record, Verdict
from gateway.records.conclusion import Conclusion, State
from services.audit.filters.searching import found, indexed, searched
from services.audit.sql.dialects import WORDS

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)


def add(connection: sqlite3.Connection) -> None:
    """Let queries of this connection look for words, and steps of a schema index them."""
    connection.create_function(WORDS, 6, _words, deterministic=True)
    connection.create_function("pilote_text", 4, text_of, deterministic=True)


def text_of(record: bytes, outcome: bytes, *rest: str) -> str:
    """What an index of words gets of a decision, with its rule and reason; nothing of one that cannot be read."""
    rule, reason = rest
    try:
        return indexed(_texts(record, outcome, rule=rule, reason=reason))
    except msgspec.DecodeError:
        return ""


def _words(record: bytes, outcome: bytes, *rest: str) -> bool:
    rule, reason, words, prefix = rest
    return found(_texts(record, outcome, rule=rule, reason=reason), words, prefix=bool(int(prefix)))


def _texts(record: bytes, outcome: bytes, *, rule: str, reason: str) -> tuple[str, ...]:
    # Of the conclusion rule and reason are searched only.
    conclusion = Conclusion(Verdict.DENY, reason, rule, "", State.SETTLED, None)
    return searched(_record.decode(record), _outcome.decode(outcome), conclusion)
