"""What an address asks for is what its page asks for, and leads to the same address again."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.filters.filter import parse
from services.audit.ordering import order_of
from services.control.decisions.columns import COLUMNS, USUAL
from services.control.decisions.looking import ORDERS, SPANS, Look, look_of

_texts = st.text(st.characters(codec="utf-8"), max_size=40)
_looks = st.builds(
    lambda **values: look_of({name: str(value) for name, value in values.items()}),
    **dict.fromkeys(("filter", "order", "view", "page", "columns", "from", "to", "since"), _texts),
)


def _again(look: Look) -> Look:
    return look_of(dict(parse_qsl(urlsplit(look.path(page=look.page)).query)))


@given(_looks)
def test_an_address_leads_to_what_it_was_made_of(look: Look) -> None:
    assert _again(look) == look


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({}, "since(24h)"),
        ({"since": "all"}, ""),
        ({"since": "yesterday"}, "since(24h)"),
        ({"filter": "verdict = DENY\n", "since": "7d"}, "since(7d) AND verdict = DENY"),
        ({"from": "2026-11-24T10:00", "since": "1h"}, 'receive_time >= "2026-11-24T10:00:00Z"'),
        (
            {"from": "2026-11-24T10:00:30Z", "to": "2026-11-24T11:00:00", "filter": "a OR b"},
            'receive_time >= "2026-11-24T10:00:30Z" AND receive_time < "2026-11-24T11:00:00Z" AND a OR b',
        ),
        ({"from": "24/11/2026", "to": "x"}, "since(24h)"),
    ],
)
def test_time_and_filter_are_asked_for_together(values: dict[str, str], asked: str) -> None:
    look = look_of(values)
    assert look.asked == asked
    parse(look.asked)


def test_another_list_begins_on_its_first_page() -> None:
    look = look_of({"filter": "a", "page": "token", "order": "latency  desc"})
    assert "token" not in look.path(filter="b")
    assert look.listing().page_token == "token"
    assert look.listing().order_by == "latency desc"
    assert look_of({"order": "receive_time desc"}).order == ""


def test_what_is_offered_is_what_the_audit_service_knows() -> None:
    for order in ORDERS:
        order_of(order, language="en")
    for span in SPANS:
        parse(f"since({span})")
    assert set(USUAL) <= set(COLUMNS)
    for name in COLUMNS:
        parse(f"{name}:*")


def test_bars_cover_the_time_that_is_looked_back() -> None:
    asked = look_of({"since": "1h"}).charting(now_ms=7_200_000)
    assert (asked.start_time.ToMilliseconds(), asked.end_time.ToMilliseconds()) == (3_600_000, 7_200_000)
    assert not look_of({"since": "all"}).charting(now_ms=0).HasField("start_time")
