"""A report as one HTML file that needs no other: it can be opened, printed and kept."""

import base64
from collections.abc import Callable
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from services.reports import plots
from services.reports.document import Document, Figure

_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("services.reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
Picture = Callable[[int, Figure], str]
"""The address of a picture, by its place among those of the report."""


def html(document: Document, *, picture: Picture | None = None) -> str:
    """The report. Pictures are a part of it, or where `picture` says: "cid:…" of a mail that brings them along."""

    def within(_: int, figure: Figure) -> str:
        drawn = plots.svg(figure.plot, language=document.language)
        return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"

    figures = document.figures()
    places = [(picture or within)(place, figure) for place, figure in enumerate(figures)]
    template = _ENVIRONMENT.get_template("report.html")
    return template.render(report=document, pictures=iter(places), kind=_kind)


def _kind(block: object) -> str:
    return type(block).__name__.lower()
