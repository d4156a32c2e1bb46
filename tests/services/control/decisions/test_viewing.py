"""Views get names that can be resource names, whatever their titles."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.control.viewing import name_for


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Refused today", "views/refused-today"),
        ("Refusées du jour", "views/refusees-du-jour"),
        ("  24 h: nights!", "views/h-nights"),
        ("夜", "views/view"),
        ("", "views/view"),
    ],
)
def test_a_view_is_named_after_its_title(title: str, name: str) -> None:
    assert name_for(title) == name


@given(st.text(max_size=300))
def test_every_name_is_one(title: str) -> None:
    assert re.fullmatch(r"views/[a-z][a-z0-9_-]{0,62}", name_for(title))
