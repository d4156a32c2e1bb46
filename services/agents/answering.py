"""One request over HTTP that is being answered: what is said of it in the end, to metrics and in its span."""

from typing import Any, Final

from gateway.watching import semconv
from gateway.watching.tracing import Attributes
from services.agents.asgi import Scope, Send
from services.agents.bindings import Binding
from services.agents.calling import REVISION, Metadata
from services.agents.failures import DECISION, Failure
from services.agents.spans import PILOTE_DECISION, PILOTE_REASON, Span

GONE: Final = 499
"""How the call is counted of a caller who has gone away."""
CANCELLED: Final = "cancelled"
VERBS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Those that the conventions name; any other is the caller's own text."""


class Answering:
    """Sends the answer, and remembers of it what is told later."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.span: Span | None = None
        self.binding: Binding | None = None
        """What the request is for, once that is known."""
        self.status = 0
        """Of the answer that has begun; 0 while none has."""
        self.decision = ""
        self.revision = ""
        """By which revision the gateway has answered; empty before it has."""
        self.reason = ""
        """Why it was refused; empty where it was not."""
        self.error = CANCELLED
        """What has failed; empty for nothing. Who has not had the whole answer has gone away."""

    async def __call__(self, message: Any) -> None:
        """Send a part of the answer."""
        self.status = message.get("status", self.status)
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body") and not self.reason:
            self.error = ""

    @property
    def method(self) -> str:
        """Full name of the method; empty where there is none."""
        return "" if self.binding is None else self.binding.method.full_name

    def metadata(self, metadata: Metadata) -> Metadata:
        """What goes on to the gateway, whose span becomes the child of this one's."""
        return metadata if self.span is None else self.span.below(metadata)

    def heard(self, trailers: Metadata) -> None:
        """Remember what the gateway has said in the end."""
        said = {key: value for key, value in trailers if isinstance(value, str)}
        self.decision, self.revision = said.get(DECISION, ""), said.get(REVISION, "")

    def refused(self, failure: Failure) -> None:
        """Remember why it does not go through."""
        self.reason, self.error = failure.reason, str(failure.http) if failure.http >= 500 else ""

    def broken(self, error: Exception) -> None:
        """Remember what has broken an answer off."""
        self.error = type(error).__name__

    def end(self) -> None:
        """Tell of it in its span. Of the path only the template, for customers are named in it."""
        if self.span is None:
            return
        verb = self._scope["method"] if self._scope["method"] in VERBS else semconv.OTHER
        attributes: Attributes = {
            semconv.HTTP_METHOD: verb,
            semconv.URL_SCHEME: str(self._scope.get("scheme", "http")),
            semconv.RPC_METHOD: self.method.removeprefix("/") or semconv.OTHER,
        }
        name = verb if verb in VERBS else "HTTP"
        if self.binding is not None:
            attributes[semconv.HTTP_ROUTE] = self.binding.template.text
            name = f"{name} {self.binding.template.text}"
        said: tuple[tuple[str, str | int], ...] = (
            (semconv.HTTP_STATUS, self.status),
            (PILOTE_DECISION, self.decision),
            (PILOTE_REASON, self.reason),
            (semconv.ERROR_TYPE, self.error),
        )
        attributes |= {key: value for key, value in said if value}
        self.span.end(name, attributes, refused=bool(self.reason), failed=bool(self.error))
