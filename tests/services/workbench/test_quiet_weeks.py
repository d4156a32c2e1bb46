"""Weeks in which nothing changes raise as few findings as is stated, through the looks and out of real columns."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.workbench.columns.database import Columns
from services.workbench.looking import Look
from services.workbench.looks.adding_up import AddingUpLook
from services.workbench.looks.novelty import NoveltyLook
from services.workbench.looks.probing import ProbingLook
from tests.services.workbench.calls import HOUR_MS, START_MS, Read, calls
from tests.services.workbench.quiet import DAY, REFUSED, Draw, agent, person

TENANTS, DAYS, AGENTS, PEOPLE = 24, 35, 10, 200
_OPERATIONS = {"READ": "GetContact", "CONTACT": "SendMessage", "WRITE": "CreateDeal"}


def tenant_of(number: int) -> Iterator[Read]:
    """Agents that differ in how much they do and how often they are refused, and topics of which some are rare."""
    draw = np.random.default_rng(100 + number)
    busy, refused = draw.dirichlet(np.full(AGENTS, 3.0)), draw.beta(2, 10, AGENTS)
    topics = 0.5 ** np.arange(1, 16)

    def record(draw: Draw) -> Mapping[str, Any]:
        who = int(draw.choice(AGENTS, p=busy))
        operation = str(draw.choice(list(_OPERATIONS)))
        made = {
            "tenant": f"t{number}",
            "agent": agent(who),
            "operation": operation,
            "method": f"/crm.v1.Service/{_OPERATIONS[operation]}",
            "channel": str(draw.choice(("email", "sms"))),
            "category": f"topic-{draw.choice(15, p=topics / topics.sum())}",
            "subject_ref": person(int(draw.integers(PEOPLE))),
            "request_bytes": int(draw.integers(50, 60)),
        }
        return {**made, **(REFUSED if draw.random() < refused[who] else {})}

    yield from calls(range(DAYS * DAY), seed=number, each=3, record=record)


@pytest.mark.integration
def test_at_most_five_in_a_hundred_weeks_raise_a_finding_of_a_kind(tmp_path: Path) -> None:
    columns = Columns(tmp_path / "columns")
    for number in range(TENANTS):
        columns.append(list(tenant_of(number)))
    looks: tuple[Look, ...] = (NoveltyLook(), AddingUpLook(), ProbingLook())
    for look in looks:
        raised = {
            each.tenant
            for day in range(DAYS - 6, DAYS + 1)
            for each in look.look(columns, now_ms=START_MS + day * DAY * HOUR_MS)
        }
        print(f"{look.kind}: {len(raised) / TENANTS:.1%} of weeks")  # noqa: T201
        assert len(raised) <= max(1, 0.05 * TENANTS), look.kind
    columns.close()
