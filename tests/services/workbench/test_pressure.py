"""Fatigue that is there is found, with who brings it about; where contacts are harmless nothing is said."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from gateway.core.record import Outcome, Settlement, Verdict
from services.audit.filters.filter import parse
from services.findings.finding import Seen
from services.findings.wording import title
from services.proof.leaves import SETTLE, Leaf
from services.workbench.columns.database import Columns
from services.workbench.looks.pressure import PressureLook
from services.workbench.looks.pressure_channels import REPORTED_MS
from services.workbench.looks.pressure_contacts import (
    FOLLOW_MS,
    WEEK_MS,
    Contacts,
    Sending,
    contacts_of,
    sendings,
    week_of,
)
from services.workbench.looks.spans import DAY_MS
from tests.services.findings.drawing import kinds
from tests.services.workbench.calls import START_MS, Read
from tests.services.workbench.campaigns import campaign, contact, reaction

WEEKS = 6
LOOKED_MS = START_MS + WEEKS * WEEK_MS + REPORTED_MS
EMAIL = Sending("acme", "email")


def tiring(before: int) -> float:
    return min(0.01 * math.pow(1 + before, 1.5), 0.5)


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Columns]:
    """Six weeks of two tenants: with contacts that tire, and with contacts of which each is one too many as often."""
    made = Columns(tmp_path_factory.mktemp("pressure") / "columns")
    made.append(list(campaign(seed=1, people=3000, weeks=WEEKS, chance=tiring)))
    made.append(list(campaign(seed=2, people=3000, weeks=WEEKS, chance=lambda _: 0.03, tenant="quiet")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def look() -> PressureLook:
    return PressureLook()


@pytest.fixture(scope="module")
def seen(columns: Columns, look: PressureLook) -> Sequence[Seen]:
    return look.look(columns, now_ms=LOOKED_MS)


def test_fatigue_is_found_with_the_agent_that_brings_it_about_and_what_is_harmless_is_left_alone(
    seen: Sequence[Seen],
) -> None:
    assert {each.tenant for each in seen} == {"acme"}
    fatigue, agent = seen
    assert fatigue.about == (("channel", "email"), ("measure", "opt-outs"))
    assert agent.about == (("agent", "loud-bot"), ("channel", "email"), ("measure", "contacts"))
    assert fatigue.shown["fatigue"] == "PROVEN"
    assert 1 < fatigue.low < fatigue.value < fatigue.high
    assert (fatigue.of, fatigue.false_alarms, fatigue.certainty > 0.95) == ("people", 0.05, True)
    groups = fatigue.shown["groups"]
    assert groups[-1]["per_1000"]["low"] > groups[0]["per_1000"]["high"]
    assert {each["agent"] for each in fatigue.shown["agents"]} == {"loud-bot", "sales-bot"}
    assert 0 < agent.low < agent.value < agent.high < 1
    assert (kinds(fatigue), kinds(agent)) == (["bars", "bars"], ["bars"])


def test_what_shows_it_opens_the_contacts_of_the_people_concerned(columns: Columns, seen: Sequence[Seen]) -> None:
    fatigue, agent = seen
    for each in seen:
        parse(each.filter)
        assert 'tenant = "acme"' in each.filter
        assert 'channel = "email"' in each.filter
        assert len(each.decisions) == 20
    assert 'agent = "loud-bot"' in agent.filter
    text = """SELECT count(*) AS n FROM admitted JOIN followed USING (id)
     WHERE type = 'unsubscribed' AND admitted.tenant = 'acme'
      AND lower(replace(CAST(id AS VARCHAR), '-', '')) IN (SELECT unnest($ids))"""
    assert columns.asked(text, {"ids": list(fatigue.decisions)})["n"].tolist() == [20]


@pytest.mark.usefixtures("seen")
def test_numbers_of_every_channel_are_told_with_intervals_and_who_adds_the_pressure(look: PressureLook) -> None:
    acme, quiet = look.told
    assert (acme.tenant, quiet.tenant) == ("acme", "quiet")
    assert (acme.end_ms - acme.start_ms, acme.end_ms) == (4 * WEEK_MS, START_MS + WEEKS * WEEK_MS)
    (channel,) = acme.channels
    assert channel.people > 1000
    assert channel.contacts > 1000
    for each in (channel.p50, channel.p95, channel.p99, channel.gini, channel.never):
        assert each is not None
        assert each.low <= each.value <= (math.inf if each.high is None else each.high)
    assert channel.over_cap is None  # there is no cap
    assert channel.standing == "UNKNOWN"
    costs = {each.outcome: each for each in channel.costs}
    assert {name: each.fatigue for name, each in costs.items()} == {
        "opt-outs": "PROVEN",
        "complaints": "TOO_FEW",
        "much-too-much": "TOO_FEW",
    }
    first, last = costs["opt-outs"].groups[0].per_1000_people, costs["opt-outs"].groups[-1].per_1000_people
    assert first is not None
    assert last is not None
    assert first.high is not None
    assert first.high < last.low
    more = {each.agent: each.more for each in channel.senders}
    assert more["loud-bot"] is not None
    assert more["loud-bot"].value > 0
    assert sum(each.contacts for each in channel.senders) == channel.contacts
    assert [each.beyond for each in channel.senders] == sorted((each.beyond for each in channel.senders), reverse=True)


def test_of_weeks_without_contacts_there_are_no_channels(columns: Columns) -> None:
    look = PressureLook()
    assert look.look(columns, now_ms=START_MS) == []
    assert [(each.tenant, each.channels) for each in look.told] == [("acme", ()), ("quiet", ())]


def test_it_is_said_in_both_languages(seen: Sequence[Seen]) -> None:
    assert title(seen[0], language="en") == "Too much pressure: channel email, measure opt-outs"
    assert title(seen[0], language="fr") == "Pression excessive\N{NO-BREAK SPACE}: canal email, mesure désinscriptions"


def test_all_week_long_it_is_one_and_the_same_look(columns: Columns, seen: Sequence[Seen]) -> None:
    look = PressureLook()
    assert look.look(columns, now_ms=LOOKED_MS + WEEK_MS - 1) == seen
    assert all(each.end_ms == LOOKED_MS - REPORTED_MS for each in seen)
    assert {each.end_ms for each in look.look(columns, now_ms=LOOKED_MS - 1)} <= {START_MS + 5 * WEEK_MS}


def test_weeks_begin_on_mondays_at_midnight() -> None:
    for at_ms in (START_MS, START_MS + 1, START_MS + WEEK_MS - 1):
        assert week_of(at_ms) == START_MS
    assert str(np.datetime64(week_of(START_MS - 1), "ms")) == "2026-11-16T00:00:00.000"


def read_of(columns: Columns) -> Contacts:
    span = {"start_ms": START_MS, "end_ms": START_MS + 2 * WEEK_MS, "reported_ms": START_MS + 3 * WEEK_MS}
    return contacts_of(columns, EMAIL, **span)


def test_contacts_count_that_were_carried_out_or_may_have_been(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)

    def sent(person: int, **fields: Any) -> Read:
        return contact(draw, at_ms=START_MS + DAY_MS + person, person=person, **fields)

    def ended(to: Read, **fields: object) -> Read:
        of = msgspec.json.decode(to[1][0])["id"]
        part = msgspec.json.encode({"id": of, "settled_ms": START_MS, "status": "OK"} | fields)
        msgspec.json.decode(part, type=Settlement)
        return SETTLE, (part,), Leaf(SETTLE, (part,)).hash

    fine, failed, doubtful, running = (sent(each) for each in range(4))
    refused = {"verdict": Verdict.DENY, "reason": "CAP_EXCEEDED"}
    others = [
        sent(4, **refused),
        sent(5, standby=True),
        sent(6, granted=msgspec.json.encode(Outcome(granted=True, first="a" * 32))),
        sent(7, tenant="_"),
        sent(8, tenant="other"),
        sent(9, channel="sms"),
        sent(10, operation="READ"),
        sent(11, subject_ref=""),
        sent(12, verdict=Verdict.DENY, reason="HELD_OUT"),
    ]
    ends = [ended(fine), ended(failed, status="UNAVAILABLE"), ended(doubtful, status="UNAVAILABLE", in_doubt=True)]
    columns = Columns(tmp_path / "columns")
    columns.append([fine, failed, doubtful, running, *others, *ends])
    contacts = read_of(columns)
    assert (contacts.at_ms - START_MS - DAY_MS).tolist() == [0, 2, 3, 12]
    assert contacts.held.tolist() == [False, False, False, True]
    assert sendings(columns, start_ms=START_MS, end_ms=START_MS + WEEK_MS) == []
    assert PressureLook().look(columns, now_ms=LOOKED_MS) == []
    columns.close()


def test_what_customers_do_counts_for_seven_days_and_is_waited_for(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    sent = [contact(draw, at_ms=START_MS + DAY_MS + each, person=each) for each in range(6)]
    late_ms = START_MS + 3 * WEEK_MS
    told = [
        reaction(sent[0], after_ms=FOLLOW_MS - 1, type_="unsubscribed"),
        reaction(sent[1], after_ms=FOLLOW_MS, type_="unsubscribed"),
        reaction(sent[2], after_ms=1, type_="unsubscribed", reported_ms=late_ms),
        reaction(sent[3], after_ms=1, type_="complained"),
        reaction(sent[4], after_ms=1, type_="answered", question="pressure", answer="much_too_much"),
        reaction(sent[5], after_ms=1, type_="answered", question="pressure", answer="fine"),
        reaction(sent[5], after_ms=1, type_="answered", question="nps", answer="much_too_much"),
    ]
    columns = Columns(tmp_path / "columns")
    columns.append([*sent, *told])
    contacts = read_of(columns)
    assert contacts.unsubscribed.tolist() == [True] + [False] * 5
    assert contacts.complained.nonzero()[0].tolist() == [3]
    assert contacts.answered.nonzero()[0].tolist() == [4, 5]
    assert contacts.much.nonzero()[0].tolist() == [4]
    columns.close()
