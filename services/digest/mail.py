"""A digest as a mail: HTML of one column with inline styles, pictures as PNG, plain text beside it, and as one message.

Mail programs know little of HTML: tables for what stands where, styles on each element, nothing loaded and no scripts.
Colours are told for light and dark. The same digest is the same bytes.
"""

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Sequence
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from typing import Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from services.digest.outline import digest, preheader
from services.digest.texts import say
from services.digest.told import Told
from services.reports import plots
from services.reports.document import Block, Document, Figure, Glance, Paragraph, Plot, Table

WIDTH: Final = 600
"""Of the column, pixels: as wide as mail programs show without being scrolled."""
_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("services.digest"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A digest in the forms that it is mailed in."""

    subject: str
    html: str
    """One file, pictures within."""
    text: str
    """The same without any."""


def mail(told: Told, *, language: str, console: str = "") -> Mail:
    """It. With `console`, the address of the control plane, it has a link there."""
    made = digest(told, language=language)
    return Mail(
        subject=made.title,
        html=_html(told, made, places=[_within(each) for each in _pictures(made)], console=console),
        text=text(made),
    )


def message(told: Told, *, language: str, sender: str = "", to: Sequence[str] = (), console: str = "") -> bytes:
    """It as a MIME message: plain text, or HTML with its pictures, as RFC 2046 and 2387 have them.

    Without `sender` and `to` whoever sends it puts them in. Its ids and boundaries come from what it says.

    Raises:
        ValueError: an address is none.
    """
    made = digest(told, language=language)
    pictures = _pictures(made)
    mark = hashlib.sha256(msgspec.json.encode((told, language, console))).hexdigest()[:24]
    names = [f"{mark}.{place}@pilote" for place in range(len(pictures))]
    whole = EmailMessage(policy=SMTP)
    whole["Subject"] = made.title
    whole["Date"] = format_datetime(dt.datetime.fromtimestamp(told.made_ms // 1000, dt.UTC))
    whole["Message-ID"] = f"<{mark}@pilote>"
    whole["Auto-Submitted"] = "auto-generated"
    if sender:
        whole["From"] = _address(sender)
    if to:
        whole["To"] = [_address(each) for each in to]
    whole.set_content(text(made), cte="quoted-printable")
    places = [f"cid:{name}" for name in names]
    whole.add_alternative(_html(told, made, places=places, console=console), subtype="html", cte="quoted-printable")
    related = whole.get_body(("html",))
    assert isinstance(related, MIMEPart)  # noqa: S101 - it was just added
    for name, picture in zip(names, pictures, strict=True):
        related.add_related(picture, "image", "png", cid=f"<{name}>", filename=f"{name.split('@')[0]}.png")
    whole["Content-Language"] = language  # not before: it would become one of a part
    for place, each in enumerate(part for part in whole.walk() if part.is_multipart()):
        each.set_boundary(f"=_{mark}.{place}")
    return whole.as_bytes()


def text(made: Document) -> str:
    """A document without pictures and colours, for whoever reads plain text."""
    lines = [made.title, "=" * len(made.title), "", made.subtitle]
    for section in made.sections:
        lines += ["", section.title, "-" * len(section.title), ""]
        for block in section.blocks:
            lines += _plain(block, made.language)
    return "\n".join([*lines, "", say("foot", language=made.language), ""])


def _plain(block: Block, language: str) -> Iterator[str]:
    def pair(name: str, value: str) -> str:
        return say("pair", language=language, name=name, value=value)

    match block:
        case Paragraph():
            yield block.text
        case Glance():
            for tile in block.tiles:
                yield pair(tile.label, f"{tile.value} ({tile.note})")
        case Figure():
            yield f"[{block.caption}. {block.alt}]"
        case Table():
            yield pair(block.caption, "").rstrip()
            for row in block.rows:
                first, *rest = row
                told = "; ".join(map(pair, block.head[1:], rest))
                yield pair(f"* {first}", told).replace("\n", " ")
        case _:
            return
    yield ""


def _html(told: Told, made: Document, *, places: Sequence[str], console: str) -> str:
    template = _ENVIRONMENT.get_template("mail.html")
    return template.render(
        mail=made,
        preheader=preheader(told, language=made.language),
        pictures=iter(places),
        kind=lambda block: type(block).__name__.lower(),
        foot=say("foot", language=made.language),
        console=f"{console.rstrip('/')}/cockpit" if console else "",
        open_console=say("open-console", language=made.language),
        width=WIDTH,
    )


def _pictures(made: Document) -> list[bytes]:
    return [_drawn(each.plot, made.language) for each in made.figures()]


@lru_cache(maxsize=16)  # a file and its message have the same pictures
def _drawn(plot: Plot, language: str) -> bytes:
    return plots.png(plot, language=language)


def _within(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def _address(given: str) -> Address:
    if _ADDRESS.fullmatch(given) is None:
        raise ValueError("no address")
    return Address(addr_spec=given)
