"""What goes with every call, and what is noted of it: for both kinds of gRPC."""

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from pilote.client.refusals import DECISION_KEY

try:  # traces are passed on where the program has them
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    _traces = None
else:
    _traces = TraceContextTextMapPropagator()

INFERENCE_KEY: Final = "pilote-inference-id"
IDEMPOTENCY_KEY: Final = "idempotency-key"
LANGUAGE_KEY: Final = "accept-language"
Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(slots=True)
class Noted:
    """Calls that have ended, in the order in which they did."""

    decisions: list[str] = field(default_factory=list)
    """Their decision ids."""

    @property
    def last(self) -> str:
        """Decision id of the last one; empty before there is one."""
        return self.decisions[-1] if self.decisions else ""

    def note(self, trailers: Any) -> None:
        """Note a call by its trailers."""
        for key, value in tuple(trailers or ()):
            if key == DECISION_KEY and isinstance(value, str):
                self.decisions.append(value)


_led_by: Final[ContextVar[str]] = ContextVar("pilote_led_by", default="")
_noting: Final[ContextVar[tuple[Noted, ...]]] = ContextVar("pilote_noting", default=())


@contextlib.contextmanager
def lineage(inference: str) -> Iterator[None]:
    """Say of every call in the block that this inference led to it, by its decision id."""
    token = _led_by.set(inference.removeprefix("decisions/"))
    try:
        yield
    finally:
        _led_by.reset(token)


@contextlib.contextmanager
def noting() -> Iterator[Noted]:
    """Note the decision ids of the calls that are made in the block, tasks that it starts included."""
    noted = Noted()
    token = _noting.set((*_noting.get(), noted))
    try:
        yield noted
    finally:
        _noting.reset(token)


def metadata_of(given: Any, *, credential: Metadata, language: str) -> Metadata:
    """The caller's metadata, and what goes with every call where the caller has not said it."""
    said = tuple(given or ())
    added: dict[str, str | bytes] = dict(credential)
    if language:
        added[LANGUAGE_KEY] = language
    if _led_by.get():
        added[INFERENCE_KEY] = _led_by.get()
    if _traces is not None:
        carrier: dict[str, str] = {}
        _traces.inject(carrier)
        added |= carrier
    keys = {key for key, _ in said}
    return (*said, *((key, value) for key, value in added.items() if key not in keys))


def has_key(metadata: Metadata) -> bool:
    """Whether the caller gave an idempotency key beside the message."""
    return IDEMPOTENCY_KEY in dict(metadata)


class Notes:
    """Where the ends of one client's calls are noted."""

    def __init__(self) -> None:
        self.last = ""
        """Decision id of the call that ended last."""

    def end(self, trailers: Any) -> None:
        """Note a call by its trailers."""
        pairs: Mapping[str, Any] = dict(tuple(trailers or ()))
        self.last = str(pairs.get(DECISION_KEY, ""))
        for noted in _noting.get():
            noted.note(trailers)
