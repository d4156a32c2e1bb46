"""What reports say of single customers' contacts and of a model version beside its calls, and what they do not know."""

import msgspec

from gateway.core.policy.learning import Rollout
from services.findings.pressure import PressureChannel
from services.reports.counted import Judged, Move, Period, Probed, Versioned
from services.reports.period import period_report
from tests.services.findings.test_pressure import number, pressure
from tests.services.reports.periods import START_MS, week
from tests.services.reports.test_period import told

NOTHING = Versioned(known=True, probed=(), labels={"RIGHT": 0}, judged=(), moves=())


def of_version(version: Versioned, *, language: str = "en") -> str:
    period: Period = week(version=version)
    return told(period_report(period, language=language, model="lead-score", version="2.1"))


def test_contacts_of_single_customers_stand_with_their_intervals_and_the_weeks_they_are_of() -> None:
    said = told(period_report(week(pressures=(pressure(),)), language="en"))
    assert "of acme were contacted from 1971-12-02 to 1971-12-30" in said
    assert "email | 1,200 | 2 (1 to 4) | 6 (3 to 12) | 8 (at least 7) | 12.5% (6.25% to 25%) | too few" in said
    assert "email, opt-outs | too few | 4 (2 to 8)" in said


def test_it_is_said_where_nobody_has_counted_contacts_of_single_customers() -> None:
    none = PressureChannel(channel="email", people=0, contacts=0)
    for pressures, known in (((), False), ((pressure(channels=()),), False), ((pressure(channels=(none,)),), True)):
        for language, said in (("en", "is not known for this time"), ("fr", "n’est pas connu pour cette période")):
            text = told(period_report(week(pressures=pressures), language=language))
            assert (said in text) is not known


def test_a_version_that_nothing_is_known_of_says_so_and_tells_no_pressure() -> None:
    said = of_version(NOTHING)
    for each in ("No suite that is kept", "has been judged by people yet", "No rollout has moved this version"):
        assert each in said
    assert "single customers" not in said
    unknown = of_version(msgspec.structs.replace(NOTHING, known=False))
    assert "The active policy does not have this version" in unknown


def test_probes_reviews_and_rollouts_of_a_version_are_told_with_who_when_and_how_sure() -> None:
    rollout = Rollout(
        name="up", route="scores", arm="new", against="old", state="rolled_back", cause="aborted", reason="it drifts"
    )
    version = Versioned(
        known=True,
        probed=(
            Probed(suite="acme/scores", passed=False, cases=40, failed=("first-names",), ran_ms=START_MS, by="ada"),
            Probed(suite="acme/more", passed=True, cases=9, failed=(), ran_ms=START_MS, by=""),
        ),
        labels={"RIGHT": 30, "WRONG_SHOULD_ALLOW": 0, "WRONG_SHOULD_DENY": 10},
        judged=(
            Judged(tenant="acme", agent="sales-bot", decisions=9_000, reviewed=40, wrong=10, rate=(0.2, 0.1, 0.32)),
            Judged(tenant="acme", agent="b", decisions=20, reviewed=1, wrong=0, rate=None),
        ),
        moves=(Move(revision=14, at_ms=START_MS, author="ada", rollout=rollout),),
    )
    said = of_version(version)
    assert "acme/scores | does not hold | first-names | 40 | 2025-11-24 00:00:00 UTC, by ada" in said
    assert "right | 30 | 75%\nwrong: it should not have been allowed so | 10 | 25%" in said
    assert "sales-bot (acme) | 20% (10% to 32%) | 9,000 | 40 | 10" in said
    assert "b (acme) | fewer than 10 reviews | 20 | 1 | 0" in said
    (moved,) = [line for line in said.splitlines() if line.startswith("2025-11-24 00:00:00 UTC | up |")]
    assert "it drifts" in moved
    assert moved.endswith("(ada) | 0% | 14")
    assert "ne tient pas" in of_version(version, language="fr")


def test_what_stands_in_numbers_of_pressure_is_never_a_number_that_nobody_has() -> None:
    channel = PressureChannel(channel="", people=31, contacts=0, p50=number(0), never=number(1))
    said = told(period_report(week(pressures=(pressure(channels=(channel,)),)), language="en"))
    assert "\N{EN DASH} | 31 | 0 (0 to 0) | too few | too few | 100% (50% to 200%) | too few" in said
