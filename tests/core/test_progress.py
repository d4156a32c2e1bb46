"""How far an objective is, and what rules see of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.objectives import objective_rules
from gateway.core.policy.objectives import LESS_IS_BETTER, Objective, ObjectiveGuardrail, Period
from gateway.core.progress import GuardrailLook, Progress, fields_of, share_of_target


@pytest.mark.parametrize(
    ("kpi", "value", "target", "share"),
    [
        ("conversion_rate", 0.02, 0.04, 0.5),
        ("conversion_rate", 0.06, 0.04, 1.5),
        ("conversion_rate", 0.0, 0.0, 1.0),
        ("nps", -100, 40, 0.0),
        ("nps", -30, 40, 0.5),
        ("nps", 40, 40, 1.0),
        ("nps", -100, -100, 1.0),
        ("incremental_revenue_cents", -500, 1000, 0.0),
        ("opt_out_rate", 0.01, 0.02, 1.0),
        ("opt_out_rate", 0.04, 0.02, 0.5),
        ("opt_out_rate", 0.04, 0.0, 0.0),
        ("opt_out_rate", 0.0, 0.0, 1.0),
    ],
)
def test_the_share_of_the_target_that_is_reached(kpi: str, value: float, target: float, share: float) -> None:
    assert share_of_target(kpi, value, target=target) == pytest.approx(share)


@given(
    st.sampled_from(["conversion_rate", "nps", "revenue_cents", *sorted(LESS_IS_BETTER)]),
    st.floats(-100, 1e9),
    st.floats(-100, 1e9),
)
def test_it_is_one_or_more_exactly_where_the_target_is_reached(kpi: str, value: float, target: float) -> None:
    if kpi in LESS_IS_BETTER:
        value, target = abs(value), abs(target)
    share = share_of_target(kpi, value, target=target)
    reached = value <= target if kpi in LESS_IS_BETTER else value >= target
    assert share >= 0
    if reached:
        assert share >= 1 - 1e-9
    else:
        assert share <= 1


def test_rules_see_a_value_whatever_is_known() -> None:
    stated = Objective(
        name="o",
        tenant="acme",
        kpi="conversion_rate",
        target=0.04,
        guardrails=(ObjectiveGuardrail(measure="opt_out_rate", most=0.01),),
        period=Period(first="2026-03-01", last="2026-03-10"),
    )
    (rule,) = objective_rules([stated])
    half = (rule.since_ms + rule.ends_ms) // 2
    assert fields_of(rule, None, now_ms=half) == {
        "name": "o", "kpi": "conversion_rate", "target": 0.04, "elapsed": 0.5,
    }  # fmt: skip
    little = Progress(at_ms=1, contacts=7, spent_cents=84)
    assert fields_of(rule, little, now_ms=half) | {"elapsed": 0} == {
        "name": "o", "kpi": "conversion_rate", "target": 0.04, "elapsed": 0, "contacts": 7, "spent": 84, "breached": (),
    }  # fmt: skip
    looks = (GuardrailLook(measure="opt_out_rate", value=0.02, low=0.011, high=0.03, n=500),)
    much = Progress(at_ms=1, value=0.01, guardrails=looks)
    found = fields_of(rule, much, now_ms=half)
    assert (found["known"], found["late"], found["breached"]) == (True, True, ("opt_out_rate",))
    assert found["progress"] == pytest.approx(0.25)
    assert not fields_of(rule, much, now_ms=rule.since_ms)["late"]
