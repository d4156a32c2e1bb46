"""Whether a page speaks one language only."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from playwright.async_api import Page

from gateway.core.texts import typeset
from services.control.console.console import PAGES
from services.control.console.texts import failure, shell

_SEEN: Final = """
() => {
  const not = "code, pre, textarea, script, style, noscript, svg, .mono, .cm-editor, [lang=en], [translate=no]";
  const found = new Set([document.title]);
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    if (!walk.currentNode.parentElement.closest(not)) found.add(walk.currentNode.textContent);
  }
  for (const name of ["aria-label", "title", "placeholder", "alt"]) {
    for (const each of document.querySelectorAll(`[${name}]`)) {
      if (!each.closest("[lang=en]")) found.add(each.getAttribute(name));
    }
  }
  return [...found].map((text) => text.replace(/[ \\t\\n]+/g, " ").trim()).filter((text) => /[A-Za-z]{2}/.test(text));
}
"""
_ONLY_ENGLISH: Final = (
    "the of is are was were has have been not which with this that when until who whom for from and they you your "
    "nobody somebody nothing there yet must can cannot what why how"
)
"""Words that no French sentence has."""
_WORDS: Final = re.compile(rf"\b({'|'.join(f'{word}|{word.title()}' for word in _ONLY_ENGLISH.split())})\b")
_HOLE: Final = re.compile(r"\\\{[a-z_]+\\\}")


def _patterns(texts: Iterable[str]) -> re.Pattern[str]:
    parts = {_HOLE.sub(".+?", re.escape(form)) for text in texts for form in text.split("|")}
    return re.compile("|".join(f"(?:{part})" for part in sorted(parts)), re.DOTALL)


def _told() -> Iterator[tuple[str, str]]:
    for texts in (shell.TEXTS, failure.TEXTS, *(page.texts for page in PAGES)):
        # What holes alone make says nothing of a language.
        yield from (pair for pair in texts.values() if re.search("[a-z]{2}", re.sub(r"\{[a-z_]+\}", "", pair[0])))


ENGLISH: Final = _patterns(english for english, french in _told() if english != french)
FRENCH: Final = _patterns(typeset(french) for _, french in _told())


async def english_in(page: Page, *, given: Iterable[str] = ()) -> list[str]:
    """What a French page says in English: texts that the console has in French, and sentences from elsewhere.

    What is `given` was written by people of the test, and stays as it is.
    """
    seen: Any = await page.evaluate(_SEEN)
    return [text for text in seen if _is_english(text) and not any(each in text for each in given)]


def _is_english(text: str) -> bool:
    return bool(ENGLISH.fullmatch(text) and not FRENCH.fullmatch(text)) or bool(_WORDS.search(text))
