"""What was not done, and why: the one kind of exception that becomes a problem over HTTP, or words for a person."""

from collections.abc import Mapping
from typing import Any, ClassVar

from gateway.core.texts import Say


class NotDone(Exception):
    """It was not done. Every family of these says which texts are its own.

    `code` is the key of a text and `values` fill it; `reason` is what programs go by, UPPER_SNAKE and never renamed,
    which is the code in that spelling unless another is given. `field` names what is wrong of what was asked, `wait_s`
    is when it is worth trying again, in seconds from now, and `etag` is that of what is there instead of what was seen.
    """

    say: ClassVar[Say]

    def __init__(
        self, code: str, /, *, reason: str = "", field: str = "", wait_s: int = 0, etag: str = "", **values: Any
    ) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason or code.upper().replace("-", "_")
        self.field = field
        self.wait_s = wait_s
        self.etag = etag
        self.values = values

    @property
    def more(self) -> Mapping[str, Any]:
        """What programs are told besides."""
        return {}

    def said(self, language: str) -> str:
        """The same in words."""
        return type(self).say(self.code, language=language, **self.values)
