"""MailDev: a real mail server that keeps what arrives, and tells it over HTTP."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from tests.services.ports import free
from tests.systems.making import node, npm_packages
from tests.systems.running import running

USERNAME: Final = "us"
PASSWORD: Final = "hush"
MOST_BYTES: Final = 20_000
"""Of one mail."""


@dataclass(slots=True)
class MailDev:
    """One that runs."""

    smtp_port: int
    web: str

    def arrived(self) -> list[dict[str, Any]]:
        """The mails that it has, oldest first."""
        found: list[dict[str, Any]] = requests.get(f"{self.web}/api/email", timeout=30).json()
        return found


@contextlib.contextmanager
def maildev(home: Path) -> Iterator[MailDev]:
    """A server that runs until the block ends."""
    smtp, web = free(2)
    command: list[str | Path] = [
        *(node(), npm_packages() / ".bin" / "maildev"),
        *("--ip", "127.0.0.1", "--smtp", str(smtp), "--web-ip", "127.0.0.1", "--web", str(web)),
        *("--incoming-user", USERNAME, "--incoming-pass", PASSWORD, "--max-message-size", str(MOST_BYTES)),
    ]
    url = f"http://127.0.0.1:{web}"
    with running(command, home=home, ready=f"{url}/api/healthz"):
        yield MailDev(smtp, url)
