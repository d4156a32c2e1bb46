"""What pages say is there in both languages, and nothing besides."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from gateway.core.texts import placeholders, typeset
from services.control.console import console as console_module
from services.control.console import texts
from services.control.console.console import PAGES, wording
from services.control.console.formats import number
from services.control.console.rendering import TEMPLATES
from services.control.console.wording import Wording

CONSOLE = Path(console_module.__file__).parent
MODULES = {
    each.name: importlib.import_module(f"{texts.__name__}.{each.name}") for each in pkgutil.iter_modules(texts.__path__)
}
ALL = {key: both for module in MODULES.values() for key, both in module.TEXTS.items()}
SOURCES = {
    path: path.read_text(encoding="utf-8")
    for path in (*TEMPLATES.rglob("*.html"), *CONSOLE.rglob("[!_]*.py"), CONSOLE.parent / "objective_figures.py")
    if "texts" not in path.parts
}
_NAMED = re.compile(r"""\b(?:t|n|say|count)\(\s*f?(["'])([a-z0-9{}_-]+?)\1(\s*~)?""")
_QUOTED = re.compile(r"""f?["']([a-z0-9-]+(?:\{[^}"']*\}[a-z0-9-]*)*)["']""")


def test_every_key_that_is_named_has_a_text() -> None:
    missing = {
        (path.name, key)
        for path, source in SOURCES.items()
        for _, key, joined in _NAMED.findall(source)
        if not joined and "{" not in key and key not in ALL
    }
    assert missing == set()


def test_every_text_is_used() -> None:
    quoted = {text for source in SOURCES.values() for text in _QUOTED.findall(source)}
    whole = {text for text in quoted if "{" not in text}
    starts = tuple(text for text in whole if text.endswith("-"))
    patterns = [re.compile(re.sub(r"\{[^}]*\}", ".+", text)) for text in quoted if "{" in text]
    names = {page.name for page in PAGES}
    unused = [
        key
        for key in ALL
        if key not in whole | names
        and not key.startswith(starts)
        and not any(pattern.fullmatch(key) for pattern in patterns)
    ]
    assert unused == []


def test_no_key_is_in_two_modules_and_each_begins_with_its_modules_name() -> None:
    keys = [key for module in MODULES.values() for key in module.TEXTS]
    assert len(keys) == len(set(keys))
    stray = [
        key for name, module in MODULES.items() for key in module.TEXTS if key.split("-")[0] != name.partition("_")[0]
    ]
    assert stray == []


@pytest.mark.parametrize("module", sorted(MODULES))  # 2,300 tests, one for each text, take 5 s more
def test_both_languages_say_the_same_with_the_same_values(module: str) -> None:
    texts = MODULES[module].TEXTS
    assert {key: wrong for key, (english, french) in texts.items() if (wrong := _wrong(english, french))} == {}


def _wrong(english: str, french: str) -> list[str]:
    """What is wrong with a text."""
    found = {
        "there is none in English": not english.strip(),
        "there is none in French": not french.strip(),
        "other values": set(placeholders(english)) != set(placeholders(french)),
        "other plurals": not english.count("|") == french.count("|") <= 1,
        "write ’": "'" in french + english,
        "French has a space before ;?!» and after «": bool(re.search(r"\w[;?!»]|«\w", french)),
    }
    return [what for what, is_so in found.items() if is_so]


def test_every_page_brings_its_texts_and_its_name() -> None:
    said = wording(PAGES)
    assert [key for key in ALL if key not in said] == []
    assert [page.name for page in PAGES if page.icon and page.name not in said] == []


def test_plurals_follow_each_language() -> None:
    said = Wording([{"calls": ("{count} call|{count} calls", "{count} appel|{count} appels")}])
    assert [said.count("calls", n, language="en") for n in (0, 1, 2)] == ["0 calls", "1 call", "2 calls"]
    assert [said.count("calls", n, language="fr") for n in (0, 1, 2)] == ["0 appel", "1 appel", "2 appels"]


def test_what_is_filled_in_is_escaped_beside_markup_and_left_to_the_page_without() -> None:
    said = Wording([{"who": ("<{name}> {link}", "<{name}> {link}")}])
    assert said.say("who", language="en", name="<b>", link=Markup("<a>")) == "&lt;&lt;b&gt;&gt; <a>"
    plain = said.say("who", language="en", name="<b>", link="")
    assert plain == "<<b>> "
    assert not isinstance(plain, Markup)


def test_french_spaces_do_not_break() -> None:
    assert typeset("Vraiment ? Oui : « bon » ; fin !") == (
        "Vraiment\u202f? Oui\u00a0: «\u202fbon\u202f»\u202f; fin\u202f!"
    )


def test_numbers_are_written_as_each_language_does() -> None:
    assert number(12345.6, 1, language="en") == "12,345.6"
    assert number(12345.6, 1, language="fr") == "12\u202f345,6"
    assert number(-1, language="fr") == "\u22121"


@given(st.floats(-1e15, 1e15, allow_nan=False), st.integers(0, 4), st.sampled_from(["en", "fr"]))
def test_a_written_number_reads_back(value: float, digits: int, language: str) -> None:
    text = number(value, digits, language=language).replace("\u2212", "-")
    plain = text.replace("\u202f", "").replace(",", ".") if language == "fr" else text.replace(",", "")
    assert float(plain) == float(f"{value:.{digits}f}")
