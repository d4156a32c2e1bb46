"""Every alert has its runbook, and every command in one exists."""

import re
import shlex
from collections.abc import Iterator
from typing import Any, Final

import typer.main
import yaml

from services.cli import app
from tests.chapters import ROOT
from tests.monitoring.files import RULES

RUNBOOKS: Final = ROOT / "k8s" / "monitoring" / "runbooks.md"
TEXT: Final = RUNBOOKS.read_text("utf-8")
SECTIONS: Final = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
ALERTS: Final = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
COMMAND: Final[Any] = typer.main.get_command(app)


def commands(text: str) -> Iterator[str]:
    """What is to be typed: lines of blocks, and what stands between backticks."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    yield from (line for block in blocks for line in block.splitlines())
    yield from re.findall(r"`(pilote [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def is_known(line: str) -> bool:
    """Whether `pilote` would take it: each word a command, then only options and arguments that this one has."""
    words, command = shlex.split(line)[1:], COMMAND
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    options = {name: each for each in command.params if each.param_type_name == "option" for name in each.opts}
    plain, values = list[str](), 0
    for word in words:
        if word.startswith("--"):
            if word not in options:
                return False
            values = 0 if options[word].is_flag else 1
        elif values:
            values -= 1
        else:
            plain.append(word)
    takes = any(each.param_type_name == "argument" for each in command.params)
    return takes or not plain


def test_every_alert_leads_to_its_runbook_and_none_is_left_over() -> None:
    assert [rule["alert"] for rule in ALERTS] == list(SECTIONS)
    for rule in ALERTS:
        assert rule["annotations"]["runbook_url"] == f"k8s/monitoring/runbooks.md#{rule['alert'].lower()}"


def test_every_runbook_says_what_callers_see_and_when_it_is_over() -> None:
    lacking = [name for name, body in SECTIONS.items() if "**Over**" not in body]
    lacking += [name for name, body in SECTIONS.items() if rule_of(name) == "page" and "**Callers see**" not in body]
    assert lacking == []


def rule_of(name: str) -> str:
    return str(next(rule["labels"]["severity"] for rule in ALERTS if rule["alert"] == name))


def test_every_command_of_ours_exists_with_its_options() -> None:
    ours = [line for line in commands(TEXT) if line.startswith("pilote ")]
    assert len(ours) > 40
    assert [line for line in ours if not is_known(line)] == []


def test_a_command_or_option_that_does_not_exist_would_be_seen() -> None:
    assert is_known("pilote webhooks deliveries --dead")
    for wrong in ("pilote webhooks fly", "pilote doctor --cure", "pilote doctor now", "pilote nonsense"):
        assert not is_known(wrong)


def test_links_between_runbooks_lead_somewhere() -> None:
    assert set(re.findall(r"\]\(#(\w+)\)", TEXT)) <= {name.lower() for name in SECTIONS}
