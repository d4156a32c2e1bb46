"""Where the files are that say how Pilote is watched, and the table of metrics in their chapter."""

import re
from typing import Final

from tests.chapters import ROOT, chapter

RULES: Final = ROOT / "k8s" / "monitoring" / "alerts.yaml"
BOARD: Final = ROOT / "k8s" / "monitoring" / "dashboard.json"


def plain(expression: str) -> str:
    """An expression of the dashboard with its variables filled in."""
    return expression.replace("$__rate_interval", "5m").replace("$instance", ".*")


def table() -> dict[str, set[str]]:
    """The table of metrics, by OpenTelemetry's names: the labels of each."""
    section = chapter("k8s/monitoring").partition("| metric | unit | labels |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")] for line in section.splitlines() if line.startswith("| `")]
    return {name.strip("`"): set(re.findall(r"`([a-z_.]+)`", labels)) for _, name, _, labels, *_ in rows}
