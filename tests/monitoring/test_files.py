"""The alert rules and the dashboard are what Prometheus and Grafana take."""

import itertools
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.monitoring import board, promql, rule_file
from tests.monitoring.checking import Shown
from tests.monitoring.files import BOARD, RULES, plain, table
from tests.scraping import Page


def test_every_metric_of_readme_is_on_the_dashboard() -> None:
    asked = {
        selector.name
        for panel in board.read(BOARD).panels
        for target in panel.targets
        for selector in promql.read(plain(target.expr)).selectors
    }
    missing = [name for name in table() if not any(each.startswith(name.replace(".", "_")) for each in asked)]
    assert missing == []


def test_alerts_have_names_of_their_own_and_say_who_must_look() -> None:
    rules = rule_file.read(RULES).rules
    assert len({rule.alert for rule in rules}) == len(rules)
    assert {rule.labels["severity"] for rule in rules} == {"page", "ticket"}
    assert all(
        rule.labels.keys() == {"severity"} and set(rule.annotations) == {"summary", "description", "runbook_url"}
        for rule in rules
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "groups: [{name: a, rules: [{alert: PiloteX, expr: up, for: 5 minutes, labels: {}, annotations: {}}]}]",
        "groups: [{name: a, rules: [{alert: PiloteX, exp: up, labels: {}, annotations: {}}]}]",
        "groups: [{name: a, rules: []}]",
        "rules: []",
    ],
)
def test_what_prometheus_would_not_take_is_none(wrong: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(wrong)
    with pytest.raises(msgspec.ValidationError):
        rule_file.read(file)


def test_panels_have_ids_of_their_own_and_none_covers_another() -> None:
    panels = board.read(BOARD).panels
    assert len({panel.id for panel in panels}) == len(panels)
    for one, other in itertools.combinations([panel.gridPos for panel in panels], 2):
        beside = one.x + one.w <= other.x or other.x + other.w <= one.x
        assert beside or one.y + one.h <= other.y or other.y + other.h <= one.y
    assert all(panel.targets or panel.type == "row" for panel in panels)
    assert any(target.exemplar for panel in panels for target in panel.targets)


def test_a_query_is_read_and_what_is_unknown_is_told() -> None:
    query = promql.read('sum by (le) (rate(a_bucket{b="c", d=~"e|f"}[5m])) / max(g) > 0.5 unless on () h == 1')
    assert [each.name for each in query.selectors] == ["a_bucket", "g", "h"]
    assert query.selectors[0].matchers == (("b", "=", "c"), ("d", "=~", "e|f"))
    assert query.grouped == {"le"}
    for wrong in ("summ(a)", "sum(a", "a{b}", "a{b=c}", "a $ b"):
        with pytest.raises((ValueError, IndexError)):
            promql.read(wrong)


@given(st.text('ab_{}()[]"=~!<>0123456789 ,.sum', max_size=30))
def test_whatever_stands_there_is_read_or_refused(text: str) -> None:
    try:
        promql.read(text)
    except (ValueError, IndexError):
        return


def test_what_nobody_shows_is_found() -> None:
    page = Page('# TYPE a gauge\na{x="1"} 1\n# EOF\n')
    shown = Shown(page)
    assert shown.problems(promql.read("max by (x, instance) (a) > 0"), ["{{ $labels.x }} {{ $value }}"]) == []
    assert shown.problems(promql.read('a{x="2"}')) != []
    assert shown.problems(promql.read("b")) != []
    assert shown.problems(promql.read("max by (y) (a)")) != []
    assert shown.problems(promql.read("max by (x) (a)"), ["{{ $labels.instance }}"]) != []
