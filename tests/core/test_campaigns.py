"""Campaigns in their one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.campaigns import LONGEST, spelt


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Été 2026", "ete-2026"),
        ("ete_2026", "ete-2026"),
        ("  ETE--2026 ", "ete-2026"),
        ("spring/vip.fr", "spring-vip-fr"),
        ("\N{FULLWIDTH LATIN SMALL LETTER S}ale", "sale"),
        ("Лето 2026", "лето-2026"),
        ("—", ""),
        ("", ""),
        ("x" * 100, "x" * 63),
    ],
)
def test_a_campaign_has_one_spelling(name: str, wanted: str) -> None:
    assert spelt(name) == wanted


@given(st.text(max_size=200))
def test_any_name_has_a_spelling_that_is_its_own(name: str) -> None:
    once = spelt(name)
    assert spelt(once) == once
    assert len(once) <= LONGEST
    assert spelt(f" {name}\n") == once
