"""The pages about the policy."""

from collections.abc import Sequence
from typing import Final

from litestar.handlers import HTTPRouteHandler

from services.control.console.page import Page, Parts
from services.control.console.policy import deciding, editing, overview, past, phrases, reviewing
from services.control.console.texts import policy_sentences, policy_serving
from services.control.console.texts.policy import TEXTS


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of these pages."""
    sides = (overview, editing, phrases, reviewing, deciding, past)
    return [handler for side in sides for handler in side.handlers(parts)]


PAGE: Final = Page("policy", {**TEXTS, **policy_serving.TEXTS, **policy_sentences.TEXTS}, handlers, icon="scroll-text")
