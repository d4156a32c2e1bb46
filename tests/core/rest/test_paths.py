"""A template matches exactly what a plain reading of it matches, and nothing in any other spelling."""

import re
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.rest.paths import Paths, PathUnclear, TemplateWrong, match, segments_of, template

LITERAL = st.text("abAB.-_~", min_size=1, max_size=3).filter(lambda text: text not in (".", ".."))
PIECE = LITERAL | st.tuples(st.sampled_from(["", "a", "b."]), st.sampled_from(["", ".a", "b"])).map("{{v}}".join)
VALUE = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="/\\%;#?!"), max_size=4
)


def _named(pieces: list[str]) -> str:
    return "/" + "/".join(piece.replace("{{v}}", f"{{v{place}}}") for place, piece in enumerate(pieces))


def _plainly(text: str) -> re.Pattern[str]:
    """The template as a person reads it: what is in braces is something without a slash, all else is itself."""
    pieces = re.split(r"\{(\w+)\}", text)
    return re.compile(
        "".join(f"(?P<{piece}>[^/]+)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))
    )


@given(st.lists(PIECE, min_size=1, max_size=4).map(_named), st.lists(LITERAL | VALUE, min_size=1, max_size=4))
@example("/a/{v1}", ["a", "b"])
@example("/a{v0}a", ["aa"])
@example("/{v0}.a", ["a.a.a"])
def test_a_template_matches_what_a_plain_reading_matches_and_finds_the_same_values(text: str, parts: list[str]) -> None:
    wanted = _plainly(text).fullmatch("/" + "/".join(parts))
    sent = "/" + "/".join(quote(part, safe="~$&'()*+,=:@.-_") for part in parts)
    try:
        read = segments_of(sent.encode())
    except PathUnclear:
        assert "" in parts[:-1] or {".", ".."} & set(parts)
        return
    assert list(read) == parts
    found = match(template(text), read)
    assert found == (None if wanted is None else wanted.groupdict())


@given(st.lists(st.sampled_from(["a", "b", "{x}"]), min_size=1, max_size=3), st.data())
def test_of_several_templates_the_one_that_is_plain_for_longer_counts(pieces: list[str], data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.lists(st.sampled_from(["a", "b", "{x}"]), min_size=1, max_size=3), max_size=8))
    texts = {"/" + "/".join(f"{{x{i}}}" if p == "{x}" else p for i, p in enumerate(each)) for each in (*drawn, pieces)}
    parts = tuple(data.draw(st.sampled_from(["a", "b", "c"])) for _ in pieces)
    fitting = [text for text in texts if match(template(text), parts) is not None]
    found = Paths((template(text), text) for text in data.draw(st.permutations(sorted(texts)))).find(parts)
    if found is None:
        assert fitting == []
        return
    best = min(fitting, key=lambda text: ["{" in piece for piece in text.split("/")])
    assert found[0] == best


@given(st.binary(max_size=40) | st.text("/.%2fFeEabA5cC\\;", max_size=12).map(lambda text: f"/{text}".encode()))
def test_whatever_path_comes_is_read_in_one_way_or_refused(path: bytes) -> None:
    try:
        parts = segments_of(path)
    except PathUnclear:
        return
    assert not {".", ".."} & set(parts)
    assert "" not in parts[:-1]
    for part in parts:
        assert not set(part) & set("/\\%;#?")
    again = "/" + "/".join(quote(part, safe="~$&'()*+,=:@.-_") for part in parts)
    assert segments_of(again.encode()) == parts


@pytest.mark.parametrize(
    "path",
    [
        "//a", "/a//b", "/a/./b", "/a/../b", "/..", "/a%2fb", "/a%2Fb", "/a/%2e%2e/b", "/a%5cb", "/a\\b", "/a;x=1/b",
        "/%61", "/a%00", "/a%", "/a%4", "/a%zz", "/a%ff", "/a%25", "/a b", "/a#b", "/é", "a", "", "*", "/a!", "/a%21",
        "/%7Ea", f"/{'a' * 9000}",
    ],
)  # fmt: skip
def test_a_path_in_any_other_than_its_plain_form_is_refused(path: str) -> None:
    with pytest.raises(PathUnclear):
        segments_of(path.encode())


def test_a_slash_at_the_end_and_letters_of_another_size_make_another_path() -> None:
    assert match(template("/a/{x}"), segments_of(b"/a/1/")) is None
    assert match(template("/a/{x}"), segments_of(b"/a/")) is None
    assert match(template("/a/"), segments_of(b"/a")) is None
    assert match(template("/a/{x}"), segments_of(b"/A/1")) is None
    assert match(template("/a/"), segments_of(b"/a/")) == {}


@given(st.text(max_size=20) | st.text("/{}ab.", max_size=12))
def test_whatever_is_written_for_a_template_is_one_or_is_said_to_be_none(text: str) -> None:
    try:
        segments = template(text)
    except TemplateWrong:
        return
    assert "/" + "/".join(f"{s.before}{{{s.variable}}}{s.after}" if s.variable else s.before for s in segments) == text
