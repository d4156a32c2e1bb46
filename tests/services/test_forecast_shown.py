"""A forecast in words, in both languages, and as data."""

import json

import msgspec

from services.commands.forecast_shown import as_data, sentences
from services.insights.pressure.intervals import Estimate
from services.insights.whatif.forecast import Forecast

START_MS = 1_767_571_200_000


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, level=0.95, n=368)


FOUND = Forecast(
    people=368,
    contacts=1_634,
    refused=432,
    allowed=0,
    comes_back=6.8,
    comes_back_most=9,
    returns=estimate(0.4, 0.3, 0.5),
    avoided=estimate(425.2, 387.4, 462.5),
    affected=estimate(276, 259.7, 292.3),
    opt_outs=estimate(-6.14, -10.66, -1.62),
    complaints=None,
    purchases=estimate(0.94, -11.6, 13.5),
    cents=None,
)


def test_each_number_is_told_with_its_interval_and_what_it_rests_on() -> None:
    said = "\n".join(sentences(FOUND, start_ms=START_MS, language="en"))
    assert "Since 2026-01-05: contacts fewer: 425 (387 to 462)" in said
    assert "276 (260 to 292)" in said
    assert "Opt-outs: -6.1 (-10.7 to -1.6)." in said
    assert "+0.9 (-11.6 to +13.5)" in said
    assert "9 at most" in said
    assert "records cannot know" in said
    assert "Complaints" not in said


def test_it_is_told_in_french_as_well() -> None:
    said = "\n".join(sentences(FOUND, start_ms=START_MS, language="fr"))
    assert "sollicitations en moins : 425 (de 387 à 462)" in said.replace("\N{NO-BREAK SPACE}", " ")
    assert "-6,1 (de -10,7 à -1,6)" in said


def test_of_few_and_of_nothing_it_says_so_or_nothing() -> None:
    few = msgspec.structs.replace(FOUND, people=12, avoided=None, affected=None)
    assert list(sentences(few, start_ms=START_MS, language="en")) == [
        "Only 12 people were to be contacted: too few to say what the change does to customers."
    ]
    assert not list(sentences(msgspec.structs.replace(FOUND, refused=0), start_ms=START_MS, language="en"))
    assert json.loads(json.dumps(as_data(few, start_ms=START_MS)))["avoided"] is None
