"""Who adds the pressure: contacts on top of others, by whom, and with what certainty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from services.insights.pressure.attribution import Adding, Sent, adding, beyond
from services.insights.pressure.watching import Moments

NAMES = ("assistant", "campaigns", "win back")
CONTACTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(0, 2)), max_size=40)


def sent(contacts: list[tuple[int, int, int]]) -> Sent:
    person, at_ms, by = ([each[place] for each in contacts] for place in range(3))
    return Sent.of(Moments.of(person, at_ms), by, NAMES)


@given(CONTACTS, st.integers(0, 4), st.integers(1, 30))
def test_what_comes_on_top_is_what_a_loop_finds(
    contacts: list[tuple[int, int, int]], allowed: int, window_ms: int
) -> None:
    found = beyond(sent(contacts), allowed=allowed, window_ms=window_ms)
    by_sender = [0] * 3
    ordered = sorted(contacts)
    for place, (person, at, by) in enumerate(ordered):
        before = [each for each in ordered[: place + 1] if each[0] == person and each[1] > at - window_ms]
        by_sender[by] += len(before) > allowed
    assert (
        np.bincount(np.array([each[2] for each in contacts], dtype=np.int64)[found], minlength=3).tolist() == by_sender
    )


@given(CONTACTS, st.randoms(use_true_random=False))
def test_the_order_of_contacts_does_not_matter(contacts: list[tuple[int, int, int]], random: object) -> None:
    found = adding(sent(contacts), allowed=1, window_ms=10)
    random.shuffle(contacts)  # type: ignore[attr-defined]
    assert adding(sent(contacts), allowed=1, window_ms=10) == found
    assert sum(each.contacts for each in found) == len(contacts)
    assert [each.name for each in found] == list(NAMES)
    assert all(each.of_beyond is None for each in found)


@given(CONTACTS, st.integers(0, 40))
def test_of_a_later_time_what_came_before_says_what_is_on_top(
    contacts: list[tuple[int, int, int]], since_ms: int
) -> None:
    on_top = beyond(sent(contacts), allowed=1, window_ms=10)
    late = [each[1] >= since_ms for each in contacts]
    found = adding(sent(contacts), allowed=1, window_ms=10, since_ms=since_ms)
    assert sum(each.contacts for each in found) == sum(late)
    assert sum(each.beyond for each in found) == sum(on_top[at] for at, is_late in enumerate(late) if is_late)


def test_nobody_without_contacts_and_no_names_say_nothing() -> None:
    assert adding(Sent.of(Moments.of([], []), [], ()), allowed=1, window_ms=10) == ()
    assert [each.of_contacts for each in adding(sent([]), allowed=1, window_ms=10)] == [None] * 3


@pytest.mark.parametrize("by", [[3], [-1], [0, 1], [0.5]])
def test_a_sender_whom_nobody_knows_is_refused(by: list[float]) -> None:
    with pytest.raises(ValueError, match="contact"):
        Sent.of(Moments.of([0], [1]), np.array(by), NAMES)


@pytest.mark.parametrize(("allowed", "window_ms"), [(-1, 10), (1, 0)])
def test_a_rule_that_no_contact_can_break_or_keep_is_refused(allowed: int, window_ms: int) -> None:
    with pytest.raises(ValueError, match="window"):
        beyond(sent([]), allowed=allowed, window_ms=window_ms)


def test_two_senders_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        Sent.of(Moments.of([], []), [], ("a", "a"))


WEEK_MS = 7 * 86_400_000


def week(rng: np.random.Generator, *, sender: str) -> Sent:
    """Contacts of 1,500 people in a week, each from one of three by chance; or all of a "person" from the same one.

    Or from the "late" third, much of what comes after a person's third contact.
    """
    person = np.repeat(np.arange(1500), rng.negative_binomial(1.0, 0.25, 1500))
    at_ms = rng.integers(0, WEEK_MS, person.size)
    by = rng.choice(3, person.size, p=[0.6, 0.3, 0.1])
    if sender == "person":
        by = rng.choice(3, 1500, p=[0.6, 0.3, 0.1])[person]
    if sender == "late":
        order = np.lexsort((at_ms, person))
        rank = np.empty(person.size, dtype=np.int64)
        rank[order] = np.arange(person.size) - np.searchsorted(person[order], person[order])
        by = np.where((rank >= 3) & (rng.random(person.size) < 0.3), 2, by)
    return Sent.of(Moments.of(person, at_ms), by, NAMES)


def weeks(seed: int, *, runs: int, sender: str) -> list[tuple[Adding, ...]]:
    rng = np.random.default_rng(seed)
    return [adding(week(rng, sender=sender), allowed=3, window_ms=WEEK_MS) for _ in range(runs)]


def held(found: list[tuple[Adding, ...]], name: str, truths: tuple[float, ...]) -> float:
    """In which share of weeks the intervals of all senders hold the truth."""
    said = [[getattr(adding, name) for adding in each] for each in found]
    return sum(
        all(one is None or one.low <= truth <= one.high for one, truth in zip(each, truths, strict=True))
        for each in said
    ) / len(said)


@pytest.mark.parametrize("sender", ["contact", "person"])
def test_shares_hold_and_nobody_is_blamed_in_95_of_100_weeks_where_senders_follow_no_pattern(sender: str) -> None:
    """Also where all contacts of a person have one sender, so that they count for less than as many by themselves."""
    found = weeks(31, runs=600, sender=sender)
    shares = {name: held(found, name, (0.6, 0.3, 0.1)) for name in ("of_contacts", "of_beyond")}
    shares["more"] = held(found, "more", (0, 0, 0))
    alone = [
        [proportion_confint(one.contacts, sum(other.contacts for other in each), alpha=0.05 / 3) for one in each]
        for each in found
    ]
    naive = sum(
        all(low <= truth <= high for (low, high), truth in zip(each, (0.6, 0.3, 0.1), strict=True)) for each in alone
    ) / len(alone)
    print(f"{sender}: {shares}; contacts as if they came alone: {naive:.1%}")  # noqa: T201
    assert min(shares.values()) >= 0.94
    assert sender == "contact" or naive < 0.75


def test_who_writes_more_to_those_who_have_had_many_is_found() -> None:
    found = weeks(32, runs=50, sender="late")
    blamed = sum(each[2].more is not None and each[2].more.low > 0 for each in found)
    print(f"found in {2 * blamed} % of weeks")  # noqa: T201
    assert blamed >= 45


@pytest.mark.parametrize("people", [29, 99, 100])
def test_of_few_people_shares_are_said_and_comparisons_later(people: int) -> None:
    person = np.repeat(np.arange(people), 6)
    found = adding(Sent.of(Moments.of(person, person), person * 0, NAMES), allowed=3, window_ms=1)[0]
    assert (found.of_beyond is None) == (people < 30)
    assert (found.more is None) == (people < 100)
