"""What pages say: texts by key in the reader's language, with what is filled in; plurals; French spaces."""

from collections.abc import Iterable, Mapping

from markupsafe import Markup, escape

from gateway.core.texts import LANGUAGES, fill, typeset
from services.control.console.formats import number

Texts = Mapping[str, tuple[str, str]]


class Wording:
    """The texts of all pages."""

    def __init__(self, parts: Iterable[Texts]) -> None:
        """Of the same key in two parts, which would be a mistake of ours, a test says so; the last one counts."""
        self._texts: dict[str, tuple[str, str]] = {}
        for texts in parts:
            self._texts |= {key: (english, typeset(french)) for key, (english, french) in texts.items()}

    def say(self, key: str, /, *, language: str, **values: object) -> str:
        """The text of that key; safe to show as it is when a value is markup, else to be escaped like any other."""
        return _filled(self._texts[key][LANGUAGES.index(language)], values)

    def count(self, key: str, amount: float, /, *, language: str, **values: object) -> str:
        """Likewise of "singular|plural", by the amount, which fills in `{count}`."""
        forms = self._texts[key][LANGUAGES.index(language)].split("|")
        form = forms[0] if _singular(amount, language) else forms[-1]
        return _filled(form, {"count": number(amount, language=language), **values})

    def __contains__(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self._texts


def _singular(amount: float, language: str) -> bool:
    """French has one of 0 to less than 2, English of exactly 1."""
    return 0 <= abs(amount) < 2 if language == "fr" else amount == 1


def _filled(template: str, values: Mapping[str, object]) -> str:
    if any(hasattr(value, "__html__") for value in values.values()):
        return Markup(fill(str(escape(template)), {name: str(escape(value)) for name, value in values.items()}))  # noqa: S704 - both are escaped
    return fill(template, {name: str(value) for name, value in values.items()})
