"""One decision: what it says, and why."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from services.control.console.page import Parts


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of one decision."""
    del parts
    return []
