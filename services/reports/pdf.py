"""A report as PDF, set by Typst: tagged (PDF/UA-1), with its language and title, its text as text.

Fonts are those that come with matplotlib, so it looks the same on every machine; the same document is the same bytes.
"""

import importlib.resources
from pathlib import Path
from typing import Final

import matplotlib
import msgspec
import typst

from services.reports import plots
from services.reports.document import Document

_TEMPLATE: Final = importlib.resources.files("services.reports") / "templates" / "report.typ"


def pdf(document: Document) -> bytes:
    """The report."""
    pictures = [plots.svg(each.plot, language=document.language).decode() for each in document.figures()]
    made = typst.compile(
        _TEMPLATE.read_bytes(),
        font_paths=_fonts(),
        format="pdf",
        sys_inputs={
            "report": msgspec.json.encode(document).decode(),
            "pictures": msgspec.json.encode(pictures).decode(),
        },
        pdf_standards=["ua-1"],
        timestamp=document.made_ms // 1000,
    )
    assert isinstance(made, bytes)  # noqa: S101 - one file: only pictures of pages are several
    return made


def _fonts() -> typst.Fonts:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
