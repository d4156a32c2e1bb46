"""A report is one HTML and one PDF: the same bytes for the same data, readable for everybody, and nothing is markup."""

import io
import re
from typing import Any

import pypdf
import pytest

from services.reports import plots
from services.reports.document import Document, Plot, Section, Series, Table
from services.reports.html import html
from services.reports.pdf import pdf
from services.reports.period import period_report
from tests.services.reports.periods import week

pytestmark = pytest.mark.timeout(600)  # matplotlib looks for all fonts of a machine the first time
NASTY = "<script>alert(1)</script> #panic() $x$ *b* _i_ \\u{41} @ref // ```"


def read(made: bytes) -> str:
    """The text of a PDF, on one line."""
    pages = pypdf.PdfReader(io.BytesIO(made)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


@pytest.fixture(scope="module")
def french() -> tuple[Document, bytes]:
    """A report and its PDF: making one takes a second."""
    document = period_report(week(), language="fr")
    return document, pdf(document)


def test_the_same_numbers_at_the_same_time_are_the_same_bytes(french: tuple[Document, bytes]) -> None:
    document, made = french
    assert pdf(document) == made
    assert html(document) == html(document)


def test_the_pdf_is_tagged_has_title_and_language_and_its_text_is_text(french: tuple[Document, bytes]) -> None:
    made = pypdf.PdfReader(io.BytesIO(french[1]))
    root: Any = made.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("fr", True)
    assert made.metadata is not None
    assert made.metadata.title == "Ce qu’ont fait les agents d’IA"
    said = read(french[1])
    assert "Appels d’agents enregistrés : n = 12 345" in said
    assert "Objectifs de conception, sans valeur juridique" in said
    assert "example.com/pilote+01234567+AAAA" in said


def test_html_and_pdf_have_every_part_and_picture_of_the_report(french: tuple[Document, bytes]) -> None:
    document, made = french
    page, said = html(document), read(made)
    for section in document.sections:
        assert section.title.replace("\N{NARROW NO-BREAK SPACE}", " ") in said
    assert page.count("<img ") == len(document.figures()) == 2
    assert page.startswith('<!doctype html>\n<html lang="fr">')
    assert "<title>Ce qu’ont fait les agents d’IA</title>" in page
    assert "://" not in re.sub(r"base64,[^\"]+", "", page)


def test_what_people_and_programs_write_is_never_read_as_markup() -> None:
    table = Table(NASTY, (NASTY,), ((NASTY,),))
    document = Document(title=NASTY, subtitle=NASTY, language="en", made_ms=0, sections=(Section(NASTY, (table,)),))
    assert "<script>" not in html(document)
    assert "<script>alert(1)</script> #panic() $x$ *b* _i_" in read(pdf(document))


def test_pictures_are_svg_or_png_and_take_whatever_names_there_are() -> None:
    names = ("$x$ & <b>", "\u202eabc", "é" * 100, "")
    for shape in ("columns", "bars"):
        plot = Plot(names, (Series("one", (1.0, 2.0, 0.0, 1e9)),), "calls", shape)
        drawn = plots.svg(plot, language="fr")
        assert drawn == plots.svg(plot, language="fr")
        assert b"<svg" in drawn
        assert plots.png(plot, language="en").startswith(b"\x89PNG")
    assert b"<svg" in plots.svg(Plot((), (), "calls"), language="en")


def test_pictures_may_come_beside_a_mail() -> None:
    document = period_report(week(), language="en")
    page = html(document, picture=lambda place, _: f"cid:plot-{place}")
    assert re.findall(r'src="([^"]+)"', page) == ["cid:plot-0", "cid:plot-1"]
