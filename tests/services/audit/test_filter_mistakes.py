"""A mistake in a filter is told with its place, and with what to write instead, in English and in French."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.core.errors import CallEnded, Reason
from services.audit.filters.fields import FIELDS
from services.audit.filters.filter import MAX_DEPTH, parse
from services.audit.filters.functions import FUNCTIONS
from services.audit.filters.known_values import KNOWN
from services.audit.filters.suggesting import _MEANT

CASES = yaml.safe_load((Path(__file__).parent / "filter_mistakes.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["filter"])
def test_a_mistake_is_told_with_its_place_and_what_to_write_instead(case: dict[str, Any]) -> None:
    with pytest.raises(CallEnded) as ended:
        parse(case["filter"], language="fr")
    assert ended.value.reason is Reason.ARGUMENT_INVALID
    assert ended.value.message == f"The filter is wrong at line 1, column {case['column']}: {case['en']}"
    french = f"Le filtre est incorrect, ligne 1, colonne {case['column']} : {case['fr']}"
    assert ended.value.localized == ("fr", french)
    assert ended.value.violations[0][0] == "filter"


@pytest.mark.parametrize(
    ("text", "explained"),
    [
        ("x" * 4_001, "column 1: It has 4001 characters; at most 4000 are taken."),
        ("(" * 60 + "agent = x" + ")" * 60, f"column 51: At most {MAX_DEPTH} parentheses may stand within each other."),
    ],
)
def test_a_filter_that_is_too_large_is_refused(text: str, explained: str) -> None:
    with pytest.raises(CallEnded) as ended:
        parse(text)
    assert explained in ended.value.message


def test_the_place_is_counted_by_lines() -> None:
    with pytest.raises(CallEnded, match="line 2, column 1: The parenthesis that opens here is not closed"):
        parse("agent = x AND\n(arm = y")
    with pytest.raises(CallEnded, match="line 2, column 7: Write != instead of <>"):
        parse("agent = x\nagent <> y")


@pytest.mark.parametrize(
    "text",
    [
        'agent = "null" AND agent = "x," AND agent = "“x”" AND "et" AND "since" AND "HOLD" AND "agent"',
        "agent = l’été AND consent.standing = none AND would = OK AND reason = '' AND status != OK",
        "agent = et AND agent = ~x AND agent:DENY AND agent = a,b AND attempt.status = OPEN",
        'agent = "a == b" AND agent = "(" AND agent = ")"',
    ],
)
def test_what_may_be_meant_is_read(text: str) -> None:
    parse(text)


def test_every_suggestion_is_a_name_or_value_that_there_is() -> None:
    assert [name for name in _MEANT.values() if name not in FIELDS and name not in FUNCTIONS] == []
    assert [word for word in _MEANT if word in FIELDS or word in FUNCTIONS] == []
    assert [name for name in KNOWN if name not in FIELDS] == []
