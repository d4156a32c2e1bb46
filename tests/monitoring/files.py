"""Where the files are that say how Pilote is watched, and README's table of metrics."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
RULES: Final = ROOT / "k8s" / "monitoring" / "alerts.yaml"
BOARD: Final = ROOT / "k8s" / "monitoring" / "dashboard.json"


def plain(expression: str) -> str:
    """An expression of the dashboard with its variables filled in."""
    return expression.replace("$__rate_interval", "5m").replace("$instance", ".*")


def table() -> dict[str, set[str]]:
    """README's table of metrics, by OpenTelemetry's names: the labels of each."""
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.partition("| metric | unit | labels |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")] for line in section.splitlines() if line.startswith("| `")]
    return {name.strip("`"): set(re.findall(r"`([a-z_.]+)`", labels)) for _, name, _, labels, *_ in rows}
