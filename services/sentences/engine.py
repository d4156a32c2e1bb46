"""The rule engine that conditions are read with: it knows what rules see, and no system's own contracts."""

import functools

from gateway.core.revision.decode import Mistakes
from gateway.core.rules import RuleEngine
from gateway.messages.contracts import ContractBook


@functools.cache
def engine() -> RuleEngine:
    """The engine, made once a process (0.1 s)."""
    book = ContractBook((), Mistakes())
    return RuleEngine(book.environments, book.message_class)
