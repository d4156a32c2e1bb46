"""What every template must keep to, so that the content security policy holds and nothing is missing on a page."""

import re
from pathlib import Path

import pytest

from services.control.console import console
from services.control.console.console import PAGES
from services.control.console.rendering import TEMPLATES, environment
from services.control.console.static_files import StaticFiles
from services.control.console.wording import Wording

CONSOLE = Path(console.__file__).parent
SOURCE = CONSOLE / "assets" / "src"
FILES = sorted(TEMPLATES.rglob("*.html"))
ICONS = (SOURCE / "icons.txt").read_text(encoding="utf-8").split()
FORBIDDEN = re.compile(
    r"""\sstyle\s*=|<style|\son[a-z]+\s*=|hx-on|hx-vars|javascript:|\|\s*safe|src="https?:|href="https?:"""
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_compiles_and_brings_nothing_inline_and_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert FORBIDDEN.findall(text) == []
    for element in re.findall(r"<script[^>]*>", text):
        assert 'type="module" src="{{ asset(' in element
    environment(Wording([]), StaticFiles(), sections=()).get_template(str(path.relative_to(TEMPLATES)))


def test_every_icon_that_is_used_is_brought_along_once() -> None:
    assert sorted(set(ICONS)) == sorted(ICONS)
    used = {page.icon for page in PAGES if page.icon}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r"""\bicon\(\s*["']([a-z0-9-]+)["']""", text))
        used |= set(re.findall(r"""\bempty\(\s*["']([a-z0-9-]+)["']""", text))
    assert used - set(ICONS) == set()


def test_every_page_has_a_name_of_its_own() -> None:
    names = [page.name for page in PAGES]
    assert len(set(names)) == len(names)


def test_what_is_built_is_of_the_present_sources() -> None:
    """Else run .ci/assets."""
    static = StaticFiles()
    entries = [path.name for path in SOURCE.iterdir() if path.suffix in {".js", ".css"}]
    assert [name for name in entries if name not in static] == []
