"""Headers of every response: what a browser must not do with it."""

from typing import Final, cast

from litestar.datastructures import MutableScopeHeaders
from litestar.types import HTTPScope, Message, Scope

_ALWAYS: Final = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_HTTPS_ONLY: Final = "max-age=31536000"
_DOCS: Final = "/schema"
_DOCS_POLICY: Final = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the page that shows the interface's description, which has no scripts."""


def page_policy(nonce: str) -> str:
    """The content security policy of a page: everything from here, nothing inline but an editor's styles."""
    return (
        "default-src 'none'; script-src 'self'; "
        f"style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


class Headers:
    """Adds to every response what it does not say itself."""

    def __init__(self, *, https: bool) -> None:
        """With `https`, browsers never come by plain HTTP again."""
        self._headers = {**_ALWAYS, **({"strict-transport-security": _HTTPS_ONLY} if https else {})}

    async def add(self, message: Message, scope: Scope) -> None:
        """Called before each part of a response is sent."""
        if message["type"] != "http.response.start":
            return
        headers = MutableScopeHeaders.from_message(message)
        if cast(HTTPScope, scope)["path"].rstrip("/") == _DOCS:
            headers.setdefault("content-security-policy", _DOCS_POLICY)
        for name, value in self._headers.items():
            headers.setdefault(name, value)
