"""From data to a compiled revision."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activation.loading import Checked, canonical, load
from gateway.core.policy.document import Document
from gateway.core.revision.decode import Mistakes, decode
from gateway.core.rules import unresting
from tests.policies import INFER, READ, SEND, demo, policy, revision


def document(data: object) -> Document:
    return decode(data, Mistakes())


def test_the_demonstrations_policy_compiles() -> None:
    found = load(demo(), number=3)
    assert (found.number, found.tenants) == (3, ("acme",))
    assert [rule.name for rule in found.methods[SEND].rules] == [
        "some-contact",
        "readers-only-read",
        "marketing-needs-consent",
        "watch-executives",
    ]
    assert [route.name for route in found.methods[INFER].routes] == ["scoring"]
    caps = ["marketing-pressure", "email-pressure", "fr-telephone.attempts"]
    assert [cap.bucket.limit for cap in found.methods[SEND].caps] == caps
    assert found.methods[READ].caps == ()


def test_what_is_stored_is_the_same_policy() -> None:
    one = document(demo())
    again = document(msgspec.json.decode(canonical(one)))
    assert again == one
    checked = Checked(canonical(one), rest=unresting)
    assert checked.compiled(iter(()), number=3).document == one
    assert canonical(again) == canonical(one)


@given(st.randoms(use_true_random=False))
def test_the_hash_does_not_depend_on_the_order_of_keys(random: object) -> None:
    def shuffled(value: object) -> object:
        if isinstance(value, dict):
            items = [(key, shuffled(inner)) for key, inner in value.items()]
            random.shuffle(items)  # type: ignore[attr-defined]
            return dict(items)
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    assert canonical(document(shuffled(demo()))) == canonical(document(demo()))


def test_any_change_changes_the_hash() -> None:
    first = revision()
    assert first.sha256 == revision().sha256
    assert first.sha256 != revision(description="other").sha256
    assert len(first.sha256) == 64


def test_a_default_that_is_written_out_is_the_same_policy() -> None:
    data = policy()
    data["rules"][0]["mode"] = "enforce"
    assert load(data).sha256 == revision().sha256


@pytest.mark.parametrize(
    ("limit", "capacity"),
    [
        ({"rate": 5}, (200_000, 5)),
        ({"rate": 5, "burst": 9}, (200_000, 9)),
        ({"rate": 0}, (0, 0)),
        ({"rate": 0, "burst": 9}, (0, 0)),
    ],
)
def test_the_burst_is_the_rate_where_none_is_given(limit: dict[str, int], capacity: tuple[int, int]) -> None:
    found = revision(limits=[{"name": "slow", "by": ["agent"], **limit}]).methods[READ].limits[0]
    assert (found.bucket.interval_us, found.bucket.capacity) == capacity


def test_what_is_unlimited_is_not_asked() -> None:
    found = revision(
        limits=[{"name": "free", "by": ["agent"], "rate": None}], caps=[{"name": "open", "max": None, "window": "1d"}]
    )
    assert (found.methods[SEND].limits, found.methods[SEND].caps) == ((), ())
