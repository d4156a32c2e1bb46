"""The shares that people see of arms are those that calls get, and looks at experiments fall on round times."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.activation.loading import load
from services.control.experimenting import MOST_LOOKS, cuts
from services.control.routes import models_of, routes_of
from tests.e2e.policy import policy, scoring

HOUR_MS = 3_600_000


def test_a_running_rollouts_candidate_takes_its_share_from_all_other_arms() -> None:
    arms = [
        {"name": "old", "upstream": "crm", "weight": 8_000},
        {"name": "older", "upstream": "crm", "weight": 2_000},
        {"name": "new", "upstream": "crm", "weight": 0},
    ]
    ramp = {"name": "up", "route": "crm", "arm": "new", "against": "old", "state": "running", "since_ms": 1}
    data = policy(
        "127.0.0.1:1",
        routes=[{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms}],
        rollouts=[ramp | {"steps": [{"share": 2_500}], "success": [{"measure": "error_rate", "margin": 0.1}]}],
    )
    (route,) = routes_of(load(data).document)
    assert {arm.name: (arm.weight, arm.share) for arm in route.arms} == {
        "old": (0.8, 0.6),
        "older": (0.2, 0.15),
        "new": (0.0, 0.25),
    }
    assert (route.rollout, route.experiments) == ("up", ())


def test_a_models_versions_are_seen_with_their_aliases_and_routes() -> None:
    document = load(scoring("127.0.0.1:1", "127.0.0.1:2", crm="127.0.0.1:3")).document
    (model,) = models_of(document)
    assert [each.version for each in model.versions] == ["1", "2"]
    assert all(each.routes for each in model.versions)
    assert msgspec.json.encode(routes_of(document))


@given(st.integers(0, 1 << 41), st.integers(0, 1 << 41))
def test_looks_fall_on_round_times_in_between_and_are_never_many(one: int, other: int) -> None:
    since_ms, now_ms = sorted((one, other))
    found = cuts(since_ms, now_ms)
    assert len(found) <= MOST_LOOKS
    assert all(since_ms < each < now_ms and each % HOUR_MS == 0 for each in found)
    assert list(found) == sorted(set(found))
