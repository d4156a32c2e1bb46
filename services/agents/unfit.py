"""What is wrong with a request that cannot become a call."""

from typing import Final

from gateway.core.errors import CallEnded, Reason
from services.agents.texts import say


class Unfit(Exception):
    """The request cannot become a call. `field` is where, as its caller wrote it; `key` says what, see `texts`."""

    def __init__(self, field: str, key: str, *, http: int = 400, **values: object) -> None:
        super().__init__(key)
        self.field: Final = field
        self.key: Final = key
        self.http: Final = http
        self.values: Final = values

    def under(self, parent: str) -> "Unfit":
        """The same, where `field` is a part of `parent`."""
        field = f"{parent}.{self.field}" if self.field and not self.field.startswith("[") else parent + self.field
        return Unfit(field, self.key, http=self.http, **self.values)

    def ended(self, *, language: str) -> CallEnded:
        """It as the end of a call, in English and in the caller's language."""
        text = say(self.key, language="en", field=self.field or "body", **self.values)
        localized = None
        if language != "en":
            localized = (language, say(self.key, language=language, field=self.field or "body", **self.values))
        reason = _REASONS.get(self.http, Reason.ARGUMENT_INVALID)
        violations = ((self.field or "body", text),) if reason is Reason.ARGUMENT_INVALID else ()
        metadata = {"field": self.field} if self.field else {}
        return CallEnded(reason, text, metadata=metadata, violations=violations, localized=localized)


_REASONS: Final = {404: Reason.NOT_FOUND, 405: Reason.NOT_BUILT, 408: Reason.DEADLINE_EXCEEDED}
"""By the HTTP status that says more than that of the reason."""
