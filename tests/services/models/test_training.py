"""The committed models are what training makes of LeadForge's leads."""

from datetime import date, timedelta

import pytest

from services.leads import OBSERVED_DAYS, leads_of, world
from services.models import train
from services.models.scoring import load


def test_version_2_uses_more_and_tells_leads_better_apart() -> None:
    one, two = load("1"), load("2")
    assert {*one.words, *one.counts} < {*two.words, *two.counts}
    assert 0.5 < one.training.auc < two.training.auc


def test_area_under_curve_counts_ties_as_half() -> None:
    assert train.area_under_curve([0.1, 0.2, 0.3], [False, False, True]) == 1
    assert train.area_under_curve([0.3, 0.2, 0.1], [False, False, True]) == 0
    assert train.area_under_curve([0.5, 0.5], [False, True]) == 0.5


def test_features_do_not_know_the_future() -> None:
    bundle = world(seed=7, accounts=20, contacts=40, leads=40)
    before = leads_of(bundle)
    result = bundle.simulation_result
    came_in = {row.lead_id: date.fromisoformat(row.lead_created_at) for row in result.leads}
    early = [
        row
        for row in result.touches
        if date.fromisoformat(row.touch_timestamp) < came_in[row.lead_id] + timedelta(days=OBSERVED_DAYS)
    ]
    assert 0 < len(early) < len(result.touches)
    result.touches[:] = early
    assert leads_of(bundle) == before


@pytest.mark.integration
@pytest.mark.parametrize("version", ["1", "2"])
def test_training_again_gives_the_committed_model(version: str) -> None:
    bundle = world(seed=train.SEED, accounts=train.LEADS // 3, contacts=train.LEADS, leads=train.LEADS)
    model = train.fit(version, tuple(lead for lead in leads_of(bundle) if lead.scorable))
    committed = load(version)
    assert model.intercept == pytest.approx(committed.intercept, abs=1e-5)
    assert model.training.auc == pytest.approx(committed.training.auc, abs=1e-4)
