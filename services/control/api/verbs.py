"""Paths with a verb after a name, `/v1/holds/{hold}:approve`, as the contracts of AIP have them.

The router knows a name only where it fills a segment. So such a route is declared as `/v1/holds/{hold:str}/:approve`,
and a request's path is parted in the same way before it is routed; nobody outside sees that.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")


def parting(app: ASGIApp, plain: frozenset[str]) -> ASGIApp:
    """The application, asked with parted paths; those in `plain`, such as `/v1/decisions:tail`, are routes as they are.

    The path that a signature covers, `raw_path`, stays as it was sent.
    """

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and (path := parted(scope["path"], plain)) != scope["path"]:
            scope["path"] = path
        await app(scope, receive, send)

    return asked


def parted(path: str, plain: frozenset[str]) -> str:
    """`/v1/holds/a:approve` as `/v1/holds/a/:approve`; any other path as it is."""
    before, slash, last = path.rpartition("/")
    name, colon, verb = last.rpartition(":")
    if path in plain or not (name and colon and verb.isalpha()):
        return path
    return f"{before}{slash}{name}/:{verb}"


def joined(paths: Mapping[str, T]) -> dict[str, T]:
    """The routes' paths of a description as they are outside."""
    return {path.replace("}/:", "}:"): what for path, what in paths.items()}


def plain_in(app: Any) -> frozenset[str]:
    """The paths of an application's routes that have a colon and no name in them."""
    return frozenset(route.path for route in app.routes if ":" in route.path and "{" not in route.path)
