"""A digest can be mailed: one file, nothing loaded, no scripts, pictures with words for them, and plain text."""

import email
import io
import re
from email.message import EmailMessage
from email.policy import default

import msgspec
import pypdf
import pytest

from gateway.core.texts import LANGUAGES, placeholders
from services.digest import texts
from services.digest.mail import WIDTH, mail, message
from services.digest.outline import digest
from services.digest.told import Numbers, Told
from services.reports.html import html
from services.reports.pdf import pdf
from tests.services.digest.weeks import MADE_MS, WEEK, goal, week

pytestmark = pytest.mark.timeout(600)  # matplotlib looks for all fonts of a machine the first time
NASTY = "<script>alert(1)</script>\"' onload=x"
EMPTY = Told(
    tenant="acme",
    week=WEEK.name,
    made_ms=MADE_MS,
    currency="EUR",
    now=Numbers(),
    before=Numbers(),
    settled=Numbers(),
    settled_before=Numbers(),
)


def parsed(body: bytes) -> EmailMessage:
    found = email.message_from_bytes(body, policy=default)
    assert isinstance(found, EmailMessage)
    return found


@pytest.mark.parametrize("key", sorted(texts.KEYS))
def test_both_languages_fill_in_the_same(key: str) -> None:
    english, french = (texts.say(key, language=language) for language in LANGUAGES)
    assert set(placeholders(english)) == set(placeholders(french))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_needs_no_other_file_and_its_styles_stand_on_its_elements(language: str) -> None:
    made = mail(week(), language=language, console="https://pilote.example.com/")
    page = re.sub(r"base64,[^\"]+", "", made.html)
    assert set(re.findall(r"https?://[^\"' <]+", page)) == {"https://pilote.example.com/cockpit"}
    assert not re.search(r"<script|<link|<iframe|@import|url\(| on[a-z]+=", page)
    for tag in ("p", "td", "th", "h1", "h2", "img"):
        assert all("style=" in each for each in re.findall(rf"<{tag}\b[^>]*>", page)), tag
    assert f"max-width:{WIDTH}px" in page
    assert "prefers-color-scheme: dark" in page
    pictures = re.findall(r"<img [^>]*>", page)
    assert len(pictures) == 3
    assert all(re.search(r'alt="[^"]{20,}"', each) for each in pictures)
    assert made.html.count("data:image/png;base64,") == 3
    assert made == mail(week(), language=language, console="https://pilote.example.com/")


def test_what_a_policy_names_is_no_markup() -> None:
    told = week(tenant=NASTY, goals=(goal(NASTY, title={"en": NASTY}),))
    made = mail(told, language="en")
    assert "<script>" not in made.html
    assert "&lt;script&gt;" in made.html
    assert NASTY.split('"', maxsplit=1)[0] in made.text
    assert "\n" not in made.subject
    whole = parsed(message(told, language="en"))
    assert "<script>" not in whole.get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_the_message_has_plain_text_html_and_its_pictures_and_is_the_same_bytes_again() -> None:
    asked = {"sender": "pilote@example.com", "to": ("carl@example.com", "zoe@example.com")}
    body = message(week(), language="fr", **asked)  # type: ignore[arg-type]
    assert body == message(week(), language="fr", **asked)  # type: ignore[arg-type]
    whole = parsed(body)
    assert whole["Subject"] == "acme\N{NO-BREAK SPACE}: la semaine 2026-W47"
    assert (whole["From"], whole["To"]) == ("pilote@example.com", "carl@example.com, zoe@example.com")
    assert whole.get_content_type() == "multipart/alternative"
    plain, page = whole.get_body(("plain",)), whole.get_body(("related", "html"))
    assert plain is not None
    assert page is not None
    assert "Ce qui a changé dans la politique" in plain.get_content()
    assert page.get_content_type() == "multipart/related"
    first, *pictures = page.iter_parts()
    named = re.findall(r'src="cid:([^"]+)"', first.get_content())
    assert [each["Content-ID"] for each in pictures] == [f"<{each}>" for each in named]
    assert all(each.get_content()[:8] == b"\x89PNG\r\n\x1a\n" for each in pictures)
    assert max(map(len, body.splitlines())) <= 998  # RFC 5322, 2.1.1
    assert body.isascii()
    plainer = parsed(message(week(), language="en"))
    assert plainer["From"] is None
    assert plainer["To"] is None


@pytest.mark.parametrize("wrong", ["nobody", "a@b\nBcc: c@d.example", "a b@example.com", "@example.com", "a@-"])
def test_what_is_no_address_never_gets_into_a_message(wrong: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        message(week(), language="en", to=(wrong,))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_and_the_page_have_every_part(language: str) -> None:
    made = digest(week(), language=language)
    said = re.sub(r"\s+", " ", " ".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(pdf(made))).pages))
    page = html(made)
    for section in made.sections:
        assert re.sub(r"\s+", " ", section.title) in said
        assert section.title in page
    assert "12" in said
    assert pdf(made) == pdf(made)


def test_what_is_at_risk_comes_first_and_what_follows_from_it_is_said() -> None:
    text = mail(week(), language="en").text
    assert "Objectives at risk: 1 (of 2 running)" in text
    assert "Proven against the week before: Feel contacted much too much up by" in text
    assert "Summer offer, target conversion: The target is 5% at least." in text
    for step in ("Open the finding of “Summer offer”", "it is used up on", "try a lower cap", "“marketing-cap” surely"):
        assert step in text
    assert "* 14: when: 2026-11-17; by: carl; agreed: ivo; why: Two a week" in text
    assert "Conversion: this week: 4.03% (3.38% to 4.68%)" in text
    assert "proven: still open" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_week_of_which_nothing_is_known_says_so(language: str) -> None:
    made = mail(EMPTY, language=language)
    assert "pilote insights run" in made.text
    assert "{" not in made.text
    assert pdf(digest(EMPTY, language=language)).startswith(b"%PDF")
    assert msgspec.json.decode(msgspec.json.encode(week()), type=Told) == week()
