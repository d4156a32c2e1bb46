"""The cookies of the console and what goes with them: where it is reached, which requests come from its own pages."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from litestar.datastructures import Cookie

UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
DEVICE_SECONDS: Final = 365 * 24 * 3_600
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
    ("python", "Python"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class Cookies:
    """Names and attributes of cookies, by where people reach the control plane.

    Behind TLS they carry the prefix `__Host-`, so that no neighbouring host can set them. `url` is a setting, never a
    header: whoever could send `X-Forwarded-Proto` could otherwise take `Secure` away.
    """

    def __init__(self, url: str = "") -> None:
        """`url` is where browsers reach us, such as "https://pilote.example.com"; empty: on plain loopback."""
        self.url = url.rstrip("/")
        self.secure = url.startswith("https://")
        prefix = "__Host-" if self.secure else ""
        self.session, self.device, self.login = f"{prefix}pilote", f"{prefix}pilote-device", f"{prefix}pilote-login"

    def made(self, name: str, value: str, *, seconds: int | None = None) -> Cookie:
        """A cookie to set; with no `seconds` it goes with the browser's session, with 0 it goes at once."""
        return Cookie(
            key=name, value=value, path="/", max_age=seconds, secure=self.secure, httponly=True, samesite="lax"
        )

    def gone(self, name: str) -> Cookie:
        """What takes a cookie away."""
        return self.made(name, "", seconds=0)

    def is_own(self, headers: Mapping[str, str]) -> bool:
        """Whether a request may come from a page of ours: not if its browser says that another site sent it.

        What says neither is no browser of the last years; there the token of the session is what counts.
        """
        site = headers.get("sec-fetch-site")
        if site is not None and site not in {"same-origin", "none"}:
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        if self.url:
            parts = urlsplit(self.url)
            return origin == f"{parts.scheme}://{parts.netloc}"
        return urlsplit(origin).netloc == headers.get("host", "")


def browser_of(user_agent: str) -> str:
    """A browser as its owner would call it, such as "Firefox, Linux"; whatever the header says."""
    text = user_agent[:500]
    found = (next((name for mark, name in table if mark in text), "") for table in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in found if name)
