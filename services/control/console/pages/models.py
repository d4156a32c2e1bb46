"""The pages *Models and routes*: who serves which share of the calls, and what is tried."""

from collections.abc import Sequence
from typing import Final

from litestar.handlers import HTTPRouteHandler

from services.control.console.models import copies, learning, rolling, serving
from services.control.console.page import Page, Parts
from services.control.console.texts.models import TEXTS


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of these pages."""
    return [handler for side in (serving, rolling, learning, copies) for handler in side.handlers(parts)]


PAGE: Final = Page("models", TEXTS, handlers, icon="route")
