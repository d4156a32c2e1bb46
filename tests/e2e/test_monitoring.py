"""Alert rules, dashboard and their chapter name what a gateway and an audit service really show, and all of it."""

import re
from pathlib import Path

from tests.e2e.monitored import scene
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream
from tests.monitoring import board, promql, rule_file
from tests.monitoring.checking import Shown
from tests.monitoring.files import BOARD, RULES, plain, table
from tests.scraping import Page


def _shown(page: Page) -> dict[str, set[str]]:
    """The metrics of a page by Prometheus' names, without their units: the labels of each."""
    ends = re.compile(r"_(seconds|milliseconds|bytes|ratio)$")
    own = {"process", "worker", "le"}
    return {
        ends.sub("", name): {label for each in family.samples for label in each.labels} - own
        for name, family in page.families.items()
    }


async def test_what_rules_dashboard_and_readme_name_is_what_is_shown(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    async with scene(empty_world, upstream, tmp_path / "home") as page:
        shown = Shown(page)
    problems: dict[str, list[str]] = {
        rule.alert: wrong
        for rule in rule_file.read(RULES).rules
        if (wrong := shown.problems(promql.read(rule.expr), rule.annotations.values()))
    }
    for panel in board.read(BOARD).panels:
        for target in panel.targets:
            if wrong := shown.problems(promql.read(plain(target.expr)), [target.legendFormat]):
                problems[f"{panel.title} {target.refId}"] = wrong
    assert problems == {}
    found, told = _shown(page), {name.replace(".", "_"): labels for name, labels in table().items()}
    assert set(found) - set(told) == {"target", "pilote_process_up"}
    assert set(told) - set(found) == set()
    assert {name: labels for name, labels in found.items() if name in told} == {
        name: {label.replace(".", "_") for label in labels} for name, labels in told.items()
    }
