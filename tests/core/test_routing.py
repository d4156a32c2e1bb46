"""Which arm serves a call."""

from gateway.core.call import Call, Operation
from gateway.core.routing import ArmTarget, RouteRule, route

SCORING = RouteRule(
    name="scoring",
    seed="scoring",
    sticky=True,
    weights=(7000, 3000),
    targets={
        "score": (
            ArmTarget(arm="champion", upstream="one", version="1"),
            ArmTarget(arm="challenger", upstream="two", version="2"),
        )
    },
)


def infer(subject_ref: str = "", *, model: str = "score", model_version: str = "") -> Call:
    return Call(
        method="/a.B/Infer",
        operation=Operation.INFER,
        request=None,
        subject_ref=subject_ref,
        model=model,
        model_version=model_version,
    )


def test_a_customer_always_gets_the_same_arm_whatever_is_drawn() -> None:
    for n in range(100):
        found = {route([SCORING], infer(f"{n:032x}"), draw=draw / 10) for draw in range(10)}
        assert len(found) == 1


def test_a_call_without_a_subject_goes_where_the_draw_says() -> None:
    draws = [route([SCORING], infer(), draw=draw) for draw in (0.0, 0.6999, 0.7, 0.999999)]
    assert [found.arm if found else "" for found in draws] == ["champion", "champion", "challenger", "challenger"]


def test_a_route_that_is_not_sticky_asks_the_draw_also_for_a_customer() -> None:
    loose = RouteRule(name="x", seed="x", sticky=False, weights=SCORING.weights, targets=SCORING.targets)
    arms = {found.arm for draw in (0.1, 0.9) if (found := route([loose], infer("ab"), draw=draw))}
    assert arms == {"champion", "challenger"}


def test_an_explicit_version_is_served_or_nothing_is() -> None:
    found = route([SCORING], infer("ab", model_version="2"), draw=0.0)
    assert found is not None
    assert (found.arm, found.upstream, found.version) == ("challenger", "two", "2")
    assert route([SCORING], infer("ab", model_version="3"), draw=0.0) is None


def test_an_unknown_model_has_no_route() -> None:
    assert route([SCORING], infer(model="churn"), draw=0.0) is None
    assert route([], infer(), draw=0.0) is None


def test_the_first_route_that_serves_the_call_is_taken() -> None:
    other = RouteRule(
        name="other",
        seed="",
        sticky=True,
        weights=(10_000,),
        targets={"score": (ArmTarget(arm="only", upstream="three", version="3"),)},
    )
    for model_version, wanted in (("", "scoring"), ("1", "scoring"), ("3", "other")):
        found = route([SCORING, other], infer("ab", model_version=model_version), draw=0.0)
        assert found is not None
        assert found.name == wanted
