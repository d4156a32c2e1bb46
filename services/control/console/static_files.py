"""What pages load in browsers: built files, whose names carry a hash of their content, so that they never change."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.rights import Right

FOLDER: Final = Path(__file__).parent / "static"
PATH: Final = "/static"
FOREVER: Final = "public, max-age=31536000, immutable"
_TYPES: Final[Mapping[str, str]] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_ENCODINGS: Final[Mapping[str, str]] = {"br": ".br", "gzip": ".gz"}
"""Best first."""
_log = logging.getLogger(__name__)


class NotBuilt(Exception):
    """The files are not there: `.ci/assets` makes them."""


class StaticFiles:
    """All built files, in memory: about a megabyte."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Where nothing is built, pages cannot be shown; all else works."""
        self._names: Mapping[str, str] = {}
        self._files: Mapping[str, bytes] = {}
        try:
            self._names = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            _log.warning("the console's assets are not built, so it shows no pages: run .ci/assets")
            return
        self._files = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}

    def __contains__(self, name: str) -> bool:
        """Whether there is a file by that name, as the source has it."""
        return name in self._names

    def url(self, name: str) -> str:
        """Where browsers find the file that the source calls so, such as "app.js".

        Raises:
            NotBuilt: there is none.
        """
        if name not in self._names:
            raise NotBuilt(name)
        return f"{PATH}/{self._names[name]}"

    def handler(self) -> HTTPRouteHandler:
        """Answers with a file, in the best encoding that the browser takes."""

        @get(f"{PATH}/{{name:str}}", right=Right.ANYONE, include_in_schema=False)
        async def file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
            suffix = Path(name).suffix
            if suffix not in _TYPES or name not in self._files:
                raise NotFoundException
            accepted = {
                part.partition(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")
            }
            headers = {"cache-control": FOREVER, "vary": "accept-encoding"}
            for encoding, ending in _ENCODINGS.items():
                if encoding in accepted and name + ending in self._files:
                    headers["content-encoding"] = encoding
                    return Response(self._files[name + ending], media_type=_TYPES[suffix], headers=headers)
            return Response(self._files[name], media_type=_TYPES[suffix], headers=headers)

        return file
