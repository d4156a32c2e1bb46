"""Pictures of what looks have seen, as the console draws them."""

from functools import partial

from services.control.console.pages.finding_picture_parts import Picture, Words
from services.control.console.pages.finding_pictures import pictures
from services.control.console.texts.findings import TEXTS
from services.control.console.wording import Wording
from services.findings.finding import Seen


def drawn(seen: Seen, language: str = "en") -> tuple[Picture, ...]:
    """All pictures of it, in that language."""
    return pictures(seen, Words(partial(Wording([TEXTS]).say, language=language), language))


def kinds(seen: Seen) -> list[str]:
    """Which ones they are; the same in both languages."""
    found = [each.kind for each in drawn(seen)]
    assert found == [each.kind for each in drawn(seen, "fr")]
    return found
