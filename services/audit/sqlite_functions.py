"""What queries may call in SQLite besides its own functions."""

import sqlite3
from typing import Final

import msgspec

from gateway.conclusion import Conclusion, State
from gateway.core.record import Outcome, Record, Verdict
from services.audit.searching import found, searched
from services.audit.sql_conditions import WORDS

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)


def add(connection: sqlite3.Connection) -> None:
    """Let queries of this connection look for words."""
    connection.create_function(WORDS, 6, _words, deterministic=True)


def _words(record: bytes, outcome: bytes, *rest: str) -> bool:
    rule, reason, words, prefix = rest
    # Of the conclusion rule and reason are searched only.
    conclusion = Conclusion(Verdict.DENY, reason, rule, "", State.SETTLED, None)
    texts = searched(_record.decode(record), _outcome.decode(outcome), conclusion)
    return found(texts, words, prefix=bool(int(prefix)))
