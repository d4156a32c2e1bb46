"""What the gateway says beside the answer."""

import re

import pytest

from gateway import trailers
from gateway.callrun import CallRun, Incoming
from gateway.core.call import Route
from gateway.core.decide import Decision
from gateway.core.limits import Bucket
from gateway.core.record import BucketLook, Outcome, Verdict
from gateway.watching.trace_context import begin
from tests.policies import revision

DAY = 86_400_000


def run_with(*looks: tuple[Bucket, BucketLook]) -> CallRun:
    run = CallRun(Incoming("/a.B/C", {}, lambda: None, begin(None, None, ratio=0)))
    run.decision = Decision(verdict=Verdict.ALLOW, buckets=tuple(bucket for bucket, _ in looks))
    run.outcome = Outcome(granted=True, looks=tuple(look for _, look in looks))
    return run


def own(run: CallRun) -> dict[str, str | bytes]:
    return dict(trailers.own(run))


def test_every_call_says_its_decision_its_revision_and_what_it_cost() -> None:
    run = run_with()
    run.revision = revision()
    run.route = Route(name="r", arm="a", upstream="u", version="2")
    run.trailers = (("x-vendor", "1"),)
    said = own(run)
    assert (said["pilote-decision-id"], said["pilote-revision"], said["pilote-version"]) == (run.id, "1", "2")
    assert re.fullmatch(r"\d+\.\d{3}", str(said["pilote-overhead-ms"]))
    assert said["x-vendor"] == "1"


def test_a_call_that_nobody_decided_upon_says_no_version_and_no_limit() -> None:
    run = CallRun(Incoming("/a.B/C", {}, lambda: None, begin(None, None, ratio=0)))
    assert set(own(run)) == {"pilote-decision-id", "pilote-revision", "pilote-overhead-ms"}
    assert own(run)["pilote-revision"] == "0"


@pytest.mark.parametrize(
    ("bucket", "look", "policy", "left"),
    [
        (("rate", 10, 1_000, 100_000), (3, 0), "q=10;w=1", "r=7;t=1"),
        (("rate", 400, 1_000, 5_000), (400, 5), "q=400;w=2", "r=0;t=1"),
        (("rate", 20, 60_000, 6_000_000), (20, 6_000), "q=20;w=120", "r=0;t=6"),
        (("rate", 0, 1_000, 0), (0, -1), "q=0;w=1", "r=0;t=1"),
        (("cap", 4, 7 * DAY, 0), (1, 0), "q=4;w=604800", "r=3;t=604800"),
        (("cap", 4, 7 * DAY, 0), (4, DAY), "q=4;w=604800", "r=0;t=86400"),
        (("cap", 4, 7 * DAY, 0), (9, 0), "q=4;w=604800", "r=0;t=604800"),
    ],
)
def test_a_bucket_says_its_quota_and_what_is_left_of_it(
    bucket: tuple[str, int, int, int], look: tuple[int, int], policy: str, left: str
) -> None:
    kind, capacity, period_ms, interval_us = bucket
    said = own(run_with((Bucket("b", kind, "", capacity, period_ms, interval_us, "enforce"), BucketLook(*look))))
    assert said["ratelimit-policy"] == f'"b";{policy}'
    assert said["ratelimit"] == f'"b";{left}'


def test_all_buckets_are_named_in_one_list_in_their_order() -> None:
    pairs = [(Bucket(name, "cap", "", 1, 1_000, 0, "enforce"), BucketLook(1, 0)) for name in ("one", "two")]
    assert str(own(run_with(*pairs))["ratelimit"]).split(", ") == ['"one";r=0;t=1', '"two";r=0;t=1']


@pytest.mark.parametrize("kind", ["gap", "score", "sequence", "trail"])
def test_what_has_no_number_of_calls_left_is_not_told_as_a_limit(kind: str) -> None:
    pair = (Bucket("b", kind, "", 1, 1_000), BucketLook(1, 0))
    assert "ratelimit" not in own(run_with(pair))
    cap = (Bucket("b", "cap", "", 1, 1_000), BucketLook(1, 0))
    assert own(run_with(pair, cap))["ratelimit"] == '"b";r=0;t=1'
