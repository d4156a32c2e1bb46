"""What the report of a period says follows from what was counted, and it says what it does not know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.texts import LANGUAGES, Say, placeholders
from services.reports import check_texts, section_texts, texts, wanted_texts
from services.reports.counted import Counted, Deed, Held, Period
from services.reports.deeds import counts, kind_of
from services.reports.document import Checklist, Document, Figure, Paragraph, Table
from services.reports.period import period_report
from services.reports.person import Entry, Told, person_report
from tests.services.reports.periods import DAY_MS, START_MS, checkpoint, deed, finding, week

TEXTS = [
    (module.say, key) for module in (texts, check_texts, section_texts, wanted_texts) for key in sorted(module.KEYS)
]


def told(document: Document) -> str:
    """All that it says, a line each."""
    lines = [document.title, document.subtitle]
    for section in document.sections:
        lines.append(section.title)
        for block in section.blocks:
            if isinstance(block, Paragraph):
                lines.append(block.text)
            elif isinstance(block, Table):
                lines += [block.caption, *(" | ".join(row) for row in block.rows)]
            elif isinstance(block, Figure):
                lines += [block.caption, block.alt]
            elif isinstance(block, Checklist):
                lines += [f"{each.article} | {each.state} | {each.found}" for each in block.checks]
    return "\n".join(lines)


def states(period: Period) -> dict[str, str]:
    """What the checklist says of each thing that is asked for."""
    (found,) = (
        block
        for section in period_report(period, language="en").sections
        for block in section.blocks
        if isinstance(block, Checklist)
    )
    return {f"{each.article}: {each.asked}": each.state for each in found.checks}


@pytest.mark.parametrize(("say", "key"), TEXTS)
def test_both_languages_fill_in_the_same(say: Say, key: str) -> None:
    english, french = (say(key, language=language) for language in LANGUAGES)
    assert set(placeholders(english)) == set(placeholders(french))
    assert "'" not in english + french


def test_each_number_stands_beside_what_it_is_of() -> None:
    said = told(period_report(week(), language="en"))
    assert "Calls of agents on record: n = 12,345. Let through: 11,000 (89.1%)" in said
    assert "Agent (n = 12,345)\nsales-bot | 8,000 | 64.8% | 1,200 | 15%\nsupport-bot | 4,345 | 35.2% | 0 | 0%" in said
    assert (
        "How long they took (n = 3): half of them at most 2 min, nine of ten at most 9 min, the longest 10 min." in said
    )
    assert "12 | 2025-11-24 00:00:00 UTC | ida | max | applied" in said
    assert "Drift: agent sales-bot, measure latency | critical | open | 50,000 | 2,000" in said


def test_in_french_numbers_dates_and_spaces_are_french() -> None:
    said = told(period_report(week(), language="fr"))
    assert "n\u00a0=\u00a012\u202f345" in said or "n = 12\u202f345" in said
    assert "(89,1\u00a0%)" in said
    assert "Du 24/11/2025 à 00:00:00 UTC au 01/12/2025 à 00:00:00 UTC, organisation acme." in said
    assert "Dérive\u00a0: agent sales-bot" in said


def test_a_week_at_work_shows_what_it_shows_and_claims_no_more() -> None:
    found = states(week())
    assert found["AI Act 12: Events are recorded automatically"] == "shown"
    assert found["AI Act 19: Logs are kept for at least six months"] == "shown"
    assert found["AI Act 26: Inputs are relevant and representative"] == "not-shown"
    assert found["GDPR 22: Decisions without a human are known"] == "partly"
    assert "no legal claim" in told(period_report(week(), language="en"))
    assert "sans valeur juridique" in told(period_report(week(), language="fr"))


@pytest.mark.parametrize(
    ("changes", "asked", "state"),
    [
        ({"short_kept": 1}, "AI Act 19: Logs are kept for at least six months", "partly"),
        ({"total": 0}, "AI Act 12: Events are recorded automatically", "not-shown"),
        ({"unreadable": ("2025-11-24T08",)}, "AI Act 12: Events are recorded automatically", "partly"),
        ({"checkpoint": None}, "AI Act 12: Records cannot be changed unnoticed", "not-shown"),
        ({"checkpoint": checkpoint(valid=False)}, "AI Act 12: Records cannot be changed unnoticed", "not-shown"),
        ({"checkpoint": checkpoint(signed_ms=START_MS)}, "AI Act 12: Records cannot be changed unnoticed", "partly"),
        ({"findings": (), "deeds": ()}, "AI Act 26: Operation is monitored", "not-shown"),
        ({"deeds": ()}, "AI Act 26: Oversight is given to competent people", "not-shown"),
        ({"reviewed": 0, "deeds": (), "revisions": ()}, "AI Act 14: People can oversee it and step in", "partly"),
    ],
)
def test_what_the_log_does_not_show_is_not_said_to_be_shown(changes: dict[str, object], asked: str, state: str) -> None:
    assert states(week(**changes))[asked] == state


def test_a_checkpoint_that_does_not_cover_the_time_or_is_badly_signed_is_called_so() -> None:
    early = told(period_report(week(checkpoint=checkpoint(signed_ms=START_MS)), language="en"))
    bad = told(period_report(week(checkpoint=checkpoint(valid=False)), language="en"))
    none = told(period_report(week(checkpoint=None), language="en"))
    assert "is not covered by it" in early
    assert "do not trust these numbers" in bad
    assert "nothing proves these numbers" in none
    assert "is not covered by it" not in told(period_report(week(), language="en"))


def test_a_version_has_a_report_without_what_people_did_otherwise() -> None:
    said = told(period_report(week(), language="en", model="lead-score", version="2.1"))
    assert said.startswith("Model version 2.1 of lead-score")
    assert "stopped something" not in said
    assert "GDPR" not in said


def test_pressure_is_told_by_its_findings() -> None:
    said = told(period_report(week(findings=(finding("pressure"),)), language="en"))
    assert "Findings about pressure on customers\nToo much pressure: agent sales-bot" in said
    assert "says that nobody who looked has found too much" in told(period_report(week(), language="en"))


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (deed("stops/acme/all", "create"), "stop"),
        (deed("stops/acme/all", "delete"), "resumed"),
        (deed("holds/hld_1", "approve"), "held"),
        (deed("holds/hld_1", "take"), "other"),
        (deed("revisions/12", "propose"), "policy"),
        (deed("proposals/3", "approve"), "policy"),
        (deed("findings/acme/ab", "update"), "finding"),
        (deed("reports/ab", "create"), "report"),
        (deed("decisions/ab", kind="access"), "read"),
        (deed("subjects/ab", kind="access"), "person"),
        (deed("subjects/ab", kind="erasure"), "erasure"),
        (deed(""), "other"),
    ],
)
def test_what_people_did_is_told_by_its_kind(made: Deed, kind: str) -> None:
    assert kind_of(made) == kind
    assert dict(counts(week(deeds=(made, made)))) == {kind: (2, 1)}


texts_of_anybody = st.text(max_size=30)
few = st.integers(0, 10**9)
waits_ms = st.lists(st.integers(0, 10**12), max_size=5)


@given(texts_of_anybody, texts_of_anybody, few, few, waits_ms)
def test_whatever_was_counted_there_is_a_report(name: str, person: str, one: int, other: int, waits: list[int]) -> None:
    period = week(
        tenant=name,
        held=one,
        reviewed=other,
        about_people=other,
        acted_alone=one,
        waits=tuple(Held(0, each) for each in waits),
        deeds=(deed(name, person, person=person),),
        width_ms=max(one, 1),
    )
    for language in LANGUAGES:
        assert len(period_report(period, language=language).sections) == 7


def test_a_time_in_which_nothing_happened_has_a_report_too() -> None:
    period = week()
    nothing = week(
        total=0, contacted=0, held=0, reviewed=0, acted_alone=0, about_people=0, buckets=(), deeds=(), findings=(),
        revisions=(), waits=(), facets=dict.fromkeys(period.facets, Counted()), width_ms=DAY_MS,
        contacts=dict.fromkeys(period.contacts, Counted()), refused=dict.fromkeys(period.refused, Counted()),
    )  # fmt: skip
    assert "No call of an agent was recorded in this time (n = 0)." in told(period_report(nothing, language="en"))


def test_a_person_reads_each_decision_in_words_and_what_they_can_do() -> None:
    entry = Entry("decisions/dec_1", START_MS, ("An agent wanted to write to you.", "It was refused."))
    report = Told(
        language="en", tenant="acme", subject_ref="ab" * 16, made_ms=START_MS + DAY_MS, summary=("Decisions: 1.",),
        contacts=(("email", 2),), entries=(entry,), checkpoint=checkpoint(),
    )  # fmt: skip
    said = told(person_report(report))
    assert "Decisions: 1." in said
    assert "Contacts by channel (n = 2)" in said
    assert "An agent wanted to write to you. It was refused. | dec_1" in said
    assert "GDPR 22" in said
    assert "is not covered by it" not in said
    nothing = Told(language="fr", tenant="acme", subject_ref="", made_ms=0, summary=(), contacts=(), entries=())
    assert "RGPD 22" in told(person_report(nothing))
