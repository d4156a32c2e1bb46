"""Equalised odds of a week: who got what would have been right for them, by outcomes and by what reviews say."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate, true_positive_rate

from gateway.core.record import Record, Verdict
from services.audit.filters.filter import parse
from services.findings.finding import Seen
from services.findings.wording import sentences, title
from services.insights.fairness.intersections import Attribute
from services.reviews.item import Item, Label, Why
from services.workbench.looks.fairness import FairnessLook
from services.workbench.looks.fairness_calls import Treated
from services.workbench.looks.fairness_judged import compared
from services.workbench.looks.fairness_truths import Outcomes, by_outcomes, by_reviews
from services.workbench.looks.pressure_contacts import WEEK_MS
from services.workbench.looks.spans import DAY_MS, Span
from tests.services.workbench.calls import START_MS, Read
from tests.services.workbench.campaigns import contact, reaction
from tests.services.workbench.test_fairness import GENDERS, columns_of, genders, loaded, look_with, pseudonym

LOOKED_MS = START_MS + 2 * WEEK_MS + 120_000
PEOPLE = 800
WEEK = Span(START_MS, START_MS + WEEK_MS)


def suited(person: int) -> bool:
    return person // 2 % 2 == 0


def offered(seed: int, chances: Sequence[float]) -> Iterator[Read]:
    """Everybody gets a service message; those whom offers suit convert upon it; women and men get offers by `chances`.

    Of whom it does not suit, each fourth converts and complains.
    """
    draw = np.random.default_rng(seed)
    for person in range(PEOPLE):
        sent = contact(draw, at_ms=START_MS + person, person=person, agent="post", category="service")
        yield sent
        if suited(person) or person // 2 % 8 == 1:
            yield reaction(sent, after_ms=DAY_MS, type_="converted")
        if person // 2 % 8 == 1:
            yield reaction(sent, after_ms=2 * DAY_MS, type_="complained")
        chance = chances[person % 2] if suited(person) else 0.5
        if draw.random() < chance:
            yield contact(draw, at_ms=START_MS + DAY_MS + person, person=person, category="marketing")


def alerts(seen: Sequence[Seen]) -> dict[str, Seen]:
    return {dict(each.about)["measure"]: each for each in seen}


@pytest.fixture(scope="module")
def missed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FairnessLook, Sequence[Seen]]]:
    folder = tmp_path_factory.mktemp("odds")
    columns, vault = columns_of(folder, offered(1, (0.3, 0.8))), loaded(folder, {"gender": genders(PEOPLE)})
    look = look_with(vault)
    yield look, look.look(columns, now_ms=LOOKED_MS)
    vault.close()
    columns.close()


Missed = tuple[FairnessLook, Sequence[Seen]]


def test_a_group_that_is_missed_where_an_offer_would_suit_it_is_found(missed: Missed) -> None:
    (seen,) = missed[1]
    assert dict(seen.about)["measure"] == "true-outcomes"
    assert dict(seen.about)["group"] == "female"
    assert 0.2 < seen.low < seen.value < seen.high < 0.8
    assert (seen.n, seen.m) == (200, 200)
    assert (seen.start_ms, seen.end_ms) == (START_MS, START_MS + WEEK_MS)
    parse(seen.filter)
    assert len(seen.decisions) == 20


def test_it_says_by_what_and_of_how_many_that_is_known(missed: Missed) -> None:
    look, (seen,) = missed
    (truth,) = look.weeks["acme"].truths
    assert (truth.by, truth.people) == ("outcomes", PEOPLE)
    assert "offers to customers they suit" in title(seen, language="en")
    assert "offres aux clients à qui elles conviennent" in title(seen, language="fr")
    assert "known of 800 people" in " ".join(sentences(seen, language="en"))
    assert "on le sait de 800 personnes" in " ".join(sentences(seen, language="fr"))


def test_rates_are_those_of_fairlearn_and_lie_in_their_intervals(missed: Missed) -> None:
    rows = {each.finding.versus.measure: each for each in missed[0].weeks["acme"].compared.judged}
    got = np.zeros(PEOPLE, dtype=bool)
    for _, parts, _ in offered(1, (0.3, 0.8)):
        if b'"marketing"' in parts[0]:
            got[int(_record(parts[0]).subject_ref, 16) - 1] = True
    people = np.arange(PEOPLE)
    for measure, metric in (("true-outcomes", true_positive_rate), ("false-outcomes", false_positive_rate)):
        frame = MetricFrame(
            metrics=metric, y_true=people // 2 % 2 == 0, y_pred=got, sensitive_features=np.array(GENDERS)[people % 2]
        ).by_group
        one = rows[measure]
        for group, rate, interval in (
            (one.finding.versus.group, one.finding.versus.rate, one.interval),
            (one.finding.versus.reference, one.finding.versus.reference_rate, one.reference_interval),
        ):
            assert rate == pytest.approx(frame[group[0]])
            assert interval.low < rate < interval.high


def _record(body: bytes) -> Record:
    return msgspec.json.decode(body, type=Record)


def test_where_nobody_converts_nothing_is_said_of_it(tmp_path: Path) -> None:
    log = (each for each in offered(2, (0.3, 0.8)) if b"converted" not in each[1][-1])
    columns, vault = columns_of(tmp_path, log), loaded(tmp_path, {"gender": genders(PEOPLE)})
    look = look_with(vault)
    look.look(columns, now_ms=LOOKED_MS)
    assert look.weeks["acme"].truths == ()
    assert not any("outcomes" in each.finding.versus.measure for each in look.weeks["acme"].compared.judged)
    vault.close()
    columns.close()


def test_reports_that_come_too_late_change_nothing(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    late = [
        reaction(each, after_ms=WEEK_MS, type_="converted")
        for each in (contact(draw, at_ms=START_MS + p, person=p, category="service") for p in range(PEOPLE))
    ]
    columns, vault = columns_of(tmp_path, offered(4, (0.5, 0.5)), iter(late)), loaded(tmp_path, {"gender": genders()})
    look = look_with(vault)
    look.look(columns, now_ms=LOOKED_MS)
    assert {each.people for each in look.weeks["acme"].truths} == {600}
    vault.close()
    columns.close()


def reviewed(log: Sequence[Read], *, wronged: int) -> list[Item]:
    """Each decision was drawn and judged; of `wronged` parity, half of the refusals were wrong."""
    items = []
    for number, (_, parts, _) in enumerate(log):
        record = _record(parts[0])
        person = int(record.subject_ref, 16) - 1
        wrong = record.verdict is Verdict.DENY and person % 2 == wronged
        items.append(
            Item(
                id=f"{number:016x}",
                tenant="acme",
                decision=record.id,
                agent=record.agent,
                verdict=record.verdict.value,
                why=Why.RANDOM,
                received_ms=record.received_ms,
                chance=0.5,
                created_ms=record.received_ms,
                due_ms=record.received_ms,
                settled_ms=record.received_ms + 1,
                outcome=Label.WRONG_SHOULD_ALLOW if wrong else Label.RIGHT,
            )
        )
    return items


def decided(seed: int) -> list[Read]:
    draw = np.random.default_rng(seed)
    refusal: dict[str, Any] = {"verdict": Verdict.DENY, "reason": "POLICY_DENIED"}
    return [
        contact(draw, at_ms=START_MS + each, person=each, operation="READ", channel="", **refusal)
        if draw.random() < 0.4
        else contact(draw, at_ms=START_MS + each, person=each, operation="READ", channel="")
        for each in range(PEOPLE)
    ]


def test_labels_of_reviews_show_who_is_refused_wrongly(tmp_path: Path) -> None:
    log = decided(5)
    items = reviewed(log, wronged=0)
    columns, vault = columns_of(tmp_path, iter(log)), loaded(tmp_path, {"gender": genders(PEOPLE)})
    asked: list[Span] = []

    def reviews(tenant: str, span: Span) -> Sequence[Item]:
        asked.append(span)
        return items

    look = FairnessLook(vault, note=lambda _: None, reviews=reviews)
    found = alerts(look.look(columns, now_ms=LOOKED_MS))
    seen = found["true-reviews"]
    assert dict(seen.about)["group"] == "female"
    assert 0.4 < seen.value < 0.8
    assert "rightful requests allowed" in title(seen, language="en")
    assert "800 people" in " ".join(sentences(seen, language="en"))
    assert asked == [Span(START_MS - 2 * WEEK_MS, START_MS + 2 * WEEK_MS)]
    (truth,) = look.weeks["acme"].truths
    assert (truth.by, truth.people) == ("reviews", PEOPLE)
    vault.close()
    columns.close()


def test_flagged_unclear_and_known_items_are_no_truth_and_drawn_ones_count_by_their_chance(tmp_path: Path) -> None:
    log = decided(6)[:4]
    one, other, third, fourth = reviewed(log, wronged=0)
    items = [
        msgspec.structs.replace(one, chance=0.25, outcome=Label.RIGHT, verdict="ALLOW"),
        msgspec.structs.replace(other, outcome=Label.UNCLEAR),
        msgspec.structs.replace(third, chance=0.0),
        msgspec.structs.replace(fourth, known=Label.RIGHT),
    ]
    columns = columns_of(tmp_path, iter(log))
    people = [pseudonym(each) for each in range(4)]
    (found,) = by_reviews(columns, "acme", people, items=items, span=WEEK)
    assert (found.name, found.place.tolist(), found.got.tolist(), found.among.tolist()) == (
        "true-reviews",
        [0],
        [4.0],
        [4.0],
    )
    assert list(by_reviews(columns, "acme", people, items=[], span=WEEK)) == []
    assert list(by_reviews(columns, "other", people, items=items, span=WEEK)) == []
    columns.close()


def test_of_weeks_in_which_all_are_treated_alike_few_raise_an_alert_of_odds() -> None:
    """Weeks of 400 people, of whom 40 % are glad of offers that go to 30 %, whoever they are."""
    draw, weeks, alarms, naive = np.random.default_rng(7), 200, 0, 0
    for _ in range(weeks):
        gender, age = draw.integers(0, 2, 400), draw.integers(0, 3, 400)
        attributes = [
            Attribute(name="gender", values=GENDERS, codes=gender),
            Attribute(name="age", values=("25-39", "40-54", "55-64"), codes=age),
        ]
        place = np.flatnonzero(draw.random(400) < 0.3)
        ones = np.ones_like(place)
        treated = Treated(
            agent="bot",
            version="",
            place=place,
            decisions=ones,
            refusals=0 * ones,
            contacts=ones,
            offers=ones,
            inferences=0 * ones,
            led=0 * ones,
        )
        outcomes = Outcomes(np.arange(400), (draw.random(400) < 0.4).astype(np.int64))
        found = compared(list(by_outcomes(treated, outcomes, span=WEEK)), attributes, alpha=0.05).judged
        alarms += any(each.finding.alert for each in found)
        naive += any(each.naive for each in found)
    assert alarms <= 0.05 * weeks
    assert naive > 0.9 * weeks
