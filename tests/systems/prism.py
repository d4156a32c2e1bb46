"""Prism: serves an interface by its OpenAPI file, and refuses requests that do not fit it.

The file is Twilio's own, as the npm package @twilio/cli-core carries it.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.services.ports import free
from tests.systems.making import node, npm_packages
from tests.systems.running import running

TWILIO: Final = Path("@twilio/cli-core/src/services/twilio-api/twilio_api_v2010.json")


@contextlib.contextmanager
def prism(home: Path, file: Path = TWILIO) -> Iterator[str]:
    """The URL where Prism serves a file, of those in npm packages, until the block ends."""
    (port,) = free(1)
    packages = npm_packages()
    command: list[str | Path] = [node(), packages / ".bin" / "prism", "mock", "--port", str(port), packages / file]
    url = f"http://127.0.0.1:{port}"
    with running(command, home=home, ready=url):
        yield url
