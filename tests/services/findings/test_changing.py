"""People take findings on, close them and say why; the finding keeps who did what."""

from hypothesis import given
from hypothesis import strategies as st

from services.findings.changing import MOST_LINKS, Wanted, changed, linked
from services.findings.finding import CLOSED, Link, State, found
from tests.services.findings.test_finding import HOUR_MS, first, seen

DAY_MS = 86_400_000
states = st.sampled_from(State) | st.none()
owners = st.sampled_from(["", "mona", "zoe"]) | st.none()
wishes = st.builds(
    Wanted, state=states, owner=owners, due_ms=st.integers(0, 10**12) | st.none(), text=st.text(max_size=3)
)


def test_who_takes_on_what_nobody_owns_owns_it() -> None:
    taken = changed(first(), Wanted(state=State.ACCEPTED), by="mona", now_ms=HOUR_MS)
    assert (taken.state, taken.owner, taken.comments[-1].what) == (State.ACCEPTED, "mona", "state=ACCEPTED owner=mona")
    given_on = changed(taken, Wanted(owner="zoe", due_ms=2 * DAY_MS), by="mona", now_ms=HOUR_MS)
    assert (given_on.owner, given_on.comments[-1].what) == ("zoe", "owner=zoe due=1970-01-03")
    left = changed(given_on, Wanted(owner=""), by="zoe", now_ms=HOUR_MS)
    assert (left.state, left.owner) == (State.OPEN, "")


def test_what_is_resolved_opens_again_where_it_is_seen_later() -> None:
    done = changed(first(), Wanted(state=State.RESOLVED, text="rolled back"), by="mona", now_ms=3 * HOUR_MS)
    assert (done.closed_ms, done.comments[-1].text) == (3 * HOUR_MS, "rolled back")
    reopened = changed(done, Wanted(state=State.OPEN), by="zoe", now_ms=30 * DAY_MS)
    assert (reopened.due_ms, reopened.comments[-1].what) == (31 * DAY_MS, "state=OPEN due=1970-02-01")
    again = found(done, seen(4), now_ms=5 * HOUR_MS)
    assert (again.state, again.reopened, again.comments[-1].by) == (State.OPEN, 1, "")


@given(st.lists(wishes, max_size=8))
def test_each_change_leaves_one_comment_and_nothing_else_does(wanted: list[Wanted]) -> None:
    finding = first()
    for number, each in enumerate(wanted):
        after = changed(finding, each, by="mona", now_ms=number)
        told = (after.state, after.owner, after.due_ms) != (finding.state, finding.owner, finding.due_ms)
        assert (after is finding) == (not told and not each.text)
        assert len(after.comments) == len(finding.comments) + (after is not finding)
        assert (after.state is State.ACCEPTED) <= bool(after.owner)
        if after.state in CLOSED and after.state is not finding.state:
            assert after.closed_ms == number
        finding = after


def test_the_same_link_is_kept_once_and_of_very_many_the_last_ones() -> None:
    finding = linked(first(), Link("stop", "stops/acme/all"), by="mona", now_ms=1)
    assert linked(finding, Link("stop", "stops/acme/all"), by="zoe", now_ms=2) is finding
    for number in range(MOST_LINKS):
        finding = linked(finding, Link("draft", f"policy-drafts/{number}"), by="mona", now_ms=2)
    assert (len(finding.links), finding.links[0].name) == (MOST_LINKS, "policy-drafts/0")
