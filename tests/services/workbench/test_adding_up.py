"""Calls that are each allowed and together more than was ever usual are found on the day after."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from services.findings import wording
from services.workbench.looks.adding_up import AddingUpLook
from tests.services.findings.drawing import kinds
from tests.services.workbench.calls import HOUR_MS, START_MS, Read, calls
from tests.services.workbench.quiet import AGENTS, DAY, FIRST, Draw, agent, columns_of, of_decisions, person, seen_by

METHOD = "/pilote.crm.v1.ContactService/GetContact"
CROWD = 18
REFUND = "/pilote.crm.v1.DealService/CreateDeal"


def of_customers(
    hours: range, operation: str, *, method: str, who: int | None = None, seed: int, each: int = 4, people: int = 300
) -> Iterator[Read]:
    """Calls of an agent, or of all in turn, for customers who are drawn."""

    def record(draw: Draw) -> Mapping[str, Any]:
        number = int(draw.integers(AGENTS)) if who is None else who
        subject = person(int(draw.integers(people)))
        return {"agent": agent(number), "operation": operation, "method": method, "channel": "", "subject_ref": subject}

    yield from calls(hours, seed=seed, each=each, record=record)


def reads(days: int = 17) -> Iterator[Read]:
    return of_customers(range(days * DAY), "READ", method=METHOD, seed=51)


def test_quiet_days_with_reading_and_writing_have_none(tmp_path: Path) -> None:
    writes = of_customers(range(17 * DAY), "WRITE", method=REFUND, seed=52)
    columns = columns_of(tmp_path, reads(), writes)
    assert seen_by(AddingUpLook(), columns) == seen_by(AddingUpLook(), columns, hours=12) == []
    columns.close()


def test_an_agent_that_reads_far_more_customers_than_ever_is_found(tmp_path: Path) -> None:
    harvest = of_customers(range(FIRST, FIRST + 6), "READ", method=METHOD, who=4, seed=53, each=80, people=5000)
    columns = columns_of(tmp_path, reads(), harvest)
    (found,) = seen_by(AddingUpLook(), columns)
    assert kinds(found) == ["columns"]
    assert found.about == (("agent", "bot-4"), ("measure", "customers"))
    assert found.of == "people"
    assert found.reach > 400
    assert found.low > 10
    assert len(found.decisions) == 20
    assert of_decisions(columns, found, "agent || ' ' || operation") == {"bot-4 READ"}
    assert 'agent = "bot-4" AND operation = "READ" AND verdict = "ALLOW"' in found.filter
    assert found.shown["days"][-1]["customers"] == found.reach
    assert wording.title(found, language="fr").endswith("agent bot-4, mesure clients consultés")
    assert seen_by(AddingUpLook(), columns, hours=DAY + 3) == [found]
    columns.close()


def test_a_customer_whom_many_agents_contact_on_one_day_is_found(tmp_path: Path) -> None:
    numbers = iter(range(2 * CROWD))

    def record(_draw: Draw) -> Mapping[str, Any]:
        # A tenant whose log began today has no past: in it the same says nothing.
        made = next(numbers)
        tenant = "acme" if made < CROWD else "young"
        return {"tenant": tenant, "agent": agent(made % CROWD), "subject_ref": person(7)}

    crowd = calls(range(CROWD // 2), seed=54, each=4, start_ms=START_MS + FIRST * HOUR_MS, record=record)
    columns = columns_of(tmp_path, crowd)
    (found,) = seen_by(AddingUpLook(), columns)
    assert found.about == (("subject", person(7)), ("measure", "agents"))
    assert found.value > 1
    assert of_decisions(columns, found, "agent") == {agent(number) for number in range(CROWD)}
    assert f'subject_ref = "{person(7)}" AND operation = "CONTACT"' in found.filter
    columns.close()


def test_a_customer_for_whom_one_method_writes_again_and_again_is_found(tmp_path: Path) -> None:
    writes = of_customers(range(17 * DAY), "WRITE", method=REFUND, seed=55)
    many = of_customers(range(FIRST, FIRST + 10), "WRITE", method=REFUND, seed=56, people=1)
    columns = columns_of(tmp_path, writes, many)
    (found,) = seen_by(AddingUpLook(), columns)
    assert found.about == (("subject", person(0)), ("method", REFUND), ("measure", "calls"))
    assert found.reach >= 40
    assert of_decisions(columns, found, "method || CAST(subject AS VARCHAR)") == {
        f"{REFUND}00000000-0000-0000-0000-000000000001"
    }
    assert "appels pour un même client" in wording.title(found, language="fr")
    columns.close()
