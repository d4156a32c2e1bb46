"""What an update mask means: exactly what it names changes, and what is wrong is named."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.call import Facts
from gateway.core.errors import CallEnded, Reason
from gateway.core.fact_changes import Change, Known, changed
from pilote.cdp.v1.profile_pb2 import Profile
from services.intake.profile_changes import MOST, changes_of, wish_in

NOW_MS = 1_000
traits = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", "x", "y"]), max_size=4)
segments = st.lists(st.sampled_from(["new", "vip", "old"]), unique=True)
zones = st.sampled_from(["", "UTC", "Europe/Paris"])
languages = st.sampled_from(["", "fr", "en"])
profiles = st.builds(Profile, traits=traits, segments=segments, time_zone=zones, language=languages)
paths = st.lists(
    st.sampled_from(["traits", "traits.a", "traits.b", "segments", "time_zone", "language", "customer", "*"]),
    max_size=4,
)
facts = st.builds(
    Facts, traits=traits, segments=segments.map(tuple), time_zone=zones, language=languages, unit=st.just("a" * 32)
)


def updated(known: Known | None, profile: Profile, mask: list[str], *, audiences: tuple[str, ...] = ()) -> Known:
    told = changes_of(wish_in(profile, mask), known, audiences=audiences, now_ms=NOW_MS)
    return changed(known or Known(Facts()), told)


def meant(profile: Profile, mask: list[str]) -> set[str]:
    """The paths that a mask names, as the contract says."""
    if "*" in mask:
        return {"traits", "segments", "time_zone", "language"}
    return set(mask) or {field.name for field, _ in profile.ListFields()}


@given(facts, profiles, paths, st.integers(0, 2_000))
def test_what_a_mask_names_is_as_sent_and_all_else_as_it_was(
    before: Facts, profile: Profile, mask: list[str], since_ms: int
) -> None:
    named = meant(profile, mask)
    if not named:
        with pytest.raises(CallEnded):
            wish_in(profile, mask)
        return
    times = {f"traits.{name}": since_ms for name in before.traits} | {"language": since_ms}
    after = updated(Known(before, times), profile, mask).facts
    for name in "abcd":
        sent = "traits" in named or f"traits.{name}" in named
        assert after.traits.get(name) == (profile.traits if sent else before.traits).get(name)
    assert set(after.segments) == set(profile.segments if "segments" in named else before.segments)
    assert after.time_zone == (profile if "time_zone" in named else before).time_zone
    assert after.language == (profile if "language" in named else before).language
    assert after.unit == before.unit


@given(facts, profiles, paths, facts)
def test_the_same_update_twice_is_the_same_as_once(
    before: Facts, profile: Profile, mask: list[str], other: Facts
) -> None:
    if meant(profile, mask):
        once = updated(Known(before), profile, mask)
        assert updated(once, profile, mask).facts == once.facts
        if "*" in mask:  # whatever there was before; segments have no order
            found = updated(Known(other), profile, mask).facts
            assert set(found.segments) == set(once.facts.segments)
            assert msgspec.structs.replace(found, segments=once.facts.segments) == once.facts


def test_a_late_event_does_not_overwrite_an_update_nor_a_clock_behind_lose_one() -> None:
    ahead = Known(Facts(traits={"plan": "free"}), {"traits.plan": NOW_MS + 500})
    after = updated(ahead, Profile(traits={"plan": "pro"}), ["traits.plan"])
    assert after.facts.traits == {"plan": "pro"}
    assert changed(after, [Change("traits.plan", NOW_MS, "late")]).facts.traits == {"plan": "pro"}
    gone = updated(after, Profile(), ["traits.plan"])
    assert changed(gone, [Change("traits.plan", NOW_MS, "late")]).facts.traits == {}


WRONG = [
    (Profile(), [], "update_mask"),
    (Profile(customer="contacts/ada", scores={"churn": 1.0}), [], "update_mask"),
    (Profile(), ["consents"], "update_mask"),
    (Profile(), ["traits", "scores"], "update_mask"),
    (Profile(), ["*", "nothing"], "update_mask"),
    (Profile(), ["traits."], "update_mask"),
    (Profile(), ["traits.a b"], "update_mask"),
    (Profile(), ["segments.vip"], "update_mask"),
    (Profile(), ["etag"], "update_mask"),
    (Profile(traits={"a b": "x"}), ["traits"], "profile.traits"),
    (Profile(traits={"1st": "x"}), [], "profile.traits"),
    (Profile(traits={"plan": "x" * 1_001}), ["traits.plan"], "profile.traits.plan"),
    (Profile(traits={f"t{number}": "" for number in range(MOST + 1)}), [], "profile.traits"),
    (Profile(segments=["vip", "très bien"]), [], "profile.segments[1]"),
    (Profile(segments=[f"s{number}" for number in range(MOST + 1)]), [], "profile.segments"),
    (Profile(time_zone="Europe/Atlantis"), [], "profile.time_zone"),
    (Profile(language="français"), ["language"], "profile.language"),
]


@pytest.mark.parametrize(("profile", "mask", "field"), WRONG)
def test_what_is_wrong_is_named_by_its_field(profile: Profile, mask: list[str], field: str) -> None:
    with pytest.raises(CallEnded) as ended:
        wish_in(profile, mask)
    assert ended.value.reason == Reason.ARGUMENT_INVALID
    assert field in dict(ended.value.violations)


def test_fields_outside_of_the_mask_are_not_looked_at() -> None:
    wish_in(Profile(time_zone="Europe/Atlantis", traits={"1st": "", "plan": "pro"}), ["traits.plan"])


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(CallEnded) as ended:
        wish_in(Profile(time_zone="x", language="!", segments=["", "b c"]), [])
    found = [field for field, _ in ended.value.violations]
    assert found == ["profile.time_zone", "profile.language", "profile.segments[0]", "profile.segments[1]"]


def test_members_of_audiences_join_and_leave_by_their_own_calls() -> None:
    known = Known(Facts(segments=("suppressed", "new")))
    same = updated(known, Profile(segments=["suppressed", "vip"]), ["segments"], audiences=("suppressed", "gold"))
    assert set(same.facts.segments) == {"suppressed", "vip"}
    for wanted in (["new"], ["suppressed", "gold"]):
        with pytest.raises(CallEnded) as ended:
            updated(known, Profile(segments=wanted), ["segments"], audiences=("suppressed", "gold"))
        assert dict(ended.value.violations).keys() == {"profile.segments"}


def test_single_traits_are_added_up_to_the_most_and_what_a_source_has_told_beyond_that_stays() -> None:
    full = Known(Facts(traits={f"t{number}": "" for number in range(MOST)}))
    assert len(updated(full, Profile(traits={"t1": "new"}), ["traits.t1"]).facts.traits) == MOST
    with pytest.raises(CallEnded):
        updated(full, Profile(traits={"more": ""}), ["traits.more"])
    told = Known(Facts(traits={f"t{number}": "" for number in range(MOST + 5)}))
    assert len(updated(told, Profile(), ["traits.t1"]).facts.traits) == MOST + 4
