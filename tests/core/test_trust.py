"""A revision runs only where it follows, step by step properly signed, from one that is trusted."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.authority import Authority, Entry, authority_in, digest_of
from gateway.core.trust import WORDS, Distrusted, Trusted, judge
from gateway.signing import verify
from tests.signatures import PEOPLE, entry, person, published, vote


def document(text: str = "", people: list[dict[str, Any]] | None = None, **sections: Any) -> bytes:
    """Something that looks like a policy, as far as trust looks into it."""
    named = PEOPLE if people is None else people
    return msgspec.json.encode({"description": text, "people": named, **sections}, order="sorted")


class Ledger:
    """Revisions one after the other."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.documents: dict[int, bytes] = {}

    @property
    def last(self) -> int:
        return max(self.entries, default=0)

    def add(self, what: bytes, author: str, *approvers: str, base: int | None = None, **more: Any) -> int:
        """Add one on top of the last."""
        number, before = self.last + 1, self.last if base is None else base
        made = entry(published(what, author=author), *approvers, base=before, before=self.entries.get(before), **more)
        self.entries[number], self.documents[number] = made, what
        return number

    def judge(self, number: int, pinned: Trusted | None = None, *, root: Authority | None = None) -> Trusted:
        return judge(number, self.entries, pinned=pinned, root=root, verify=verify)

    def why(self, number: int, pinned: Trusted | None = None, *, root: Authority | None = None) -> str:
        with pytest.raises(Distrusted) as distrusted:
            self.judge(number, pinned, root=root)
        return distrusted.value.why


@pytest.fixture
def ledger() -> Ledger:
    """Two revisions, the first of which names people."""
    ledger = Ledger()
    ledger.add(document("one"), "ada", "bob")
    ledger.add(document("two"), "dan", "eve")
    return ledger


def test_what_people_have_written_and_others_approved_is_trusted(ledger: Ledger) -> None:
    trusted = ledger.judge(2)
    assert (trusted.number, [each.name for each in trusted.authority.people]) == (2, ["ada", "bob", "eve", "dan"])
    assert ledger.judge(ledger.add(document("three"), "bob", "ada"), trusted).number == 3
    assert ledger.judge(2, trusted) == trusted


@pytest.mark.parametrize(
    ("author", "approvers", "why"),
    [
        ("", [], "unsigned"),
        ("ada", [], "approvals"),
        ("ada", ["ada"], "approvals"),  # nobody agrees with themselves
        ("ada", ["dan"], "approvals"),  # who may only write
        ("ada", ["bob", "mallory"], "approvals"),
        ("eve", ["bob"], "author"),  # who may only approve
        ("mallory", ["bob"], "author"),
    ],
)
def test_without_the_right_or_enough_approvals_nothing_runs(
    ledger: Ledger, author: str, approvers: list[str], why: str
) -> None:
    trusted = ledger.judge(2)
    assert ledger.why(ledger.add(document("three"), author, *approvers), trusted) == why


def test_one_approval_twice_is_one(ledger: Ledger) -> None:
    ledger.add(document("strict", approvals={"required": 2}), "ada", "bob")
    number = ledger.add(document("next", approvals={"required": 2}), "ada", "bob", "bob")
    assert ledger.why(number) == "approvals"
    ledger.entries.pop(number)
    assert ledger.judge(ledger.add(document("next"), "ada", "bob", "eve")).number == number


def test_the_people_before_decide_about_the_people_after(ledger: Ledger) -> None:
    trusted = ledger.judge(2)
    mine = [person("mallory"), person("mallet")]
    assert ledger.why(ledger.add(document("mine", mine), "mallory", "mallet"), trusted) == "author"
    ledger.entries.pop(3)
    handed = ledger.judge(ledger.add(document("theirs", mine), "ada", "bob"), trusted)
    assert ledger.judge(ledger.add(document("mine", mine), "mallory", "mallet"), handed).number == 4
    assert ledger.why(ledger.add(document("back"), "ada", "bob"), handed) == "author"


def test_an_approval_is_of_exactly_that_document_on_exactly_that_base(ledger: Ledger) -> None:
    trusted = ledger.judge(2)
    other = entry(published(document("other"), author="ada"), base=2, before=ledger.entries[2]).statement
    number = ledger.add(document("three"), "ada")
    ledger.entries[number] = msgspec.structs.replace(ledger.entries[number], approvals=(vote(other, "bob"),))
    assert ledger.why(number, trusted) == "altered"
    older = Ledger()
    older.entries = dict(ledger.entries)
    older.entries[3] = entry(published(document("x"), author="ada"), "bob", base=1, before=ledger.entries[1], after=2)
    assert older.why(3, trusted) == "forked"


def test_a_refusal_is_no_approval(ledger: Ledger) -> None:
    number = ledger.add(document("three"), "ada")
    made = ledger.entries[number]
    refusal = (vote(made.statement, "bob", act="refuse"),)
    ledger.entries[number] = msgspec.structs.replace(made, approvals=refusal)
    assert ledger.why(number) == "approvals"


def test_the_first_people_vouch_for_themselves_and_one_alone_does_not_suffice() -> None:
    ledger = Ledger()
    ledger.add(document("open", []), "")
    assert ledger.judge(1).authority == Authority()
    assert ledger.why(ledger.add(document("first"), "ada")) == "approvals"
    ledger.entries.pop(2)
    assert ledger.judge(ledger.add(document("first"), "ada", "bob")).authority.people


def test_whoever_runs_a_revision_follows_none_that_does_not_follow_from_it(ledger: Ledger) -> None:
    trusted = ledger.judge(2)
    assert ledger.why(1, trusted) == "forked"
    elsewhere = Ledger()
    elsewhere.add(document("one"), "ada", "bob")
    elsewhere.add(document("another"), "ada", "bob")
    elsewhere.add(document("three"), "ada", "bob")
    assert elsewhere.why(3, trusted) == "forked"
    empty = Ledger()
    empty.add(document("free", []), "")
    assert empty.why(1, trusted) == "forked"


def test_trusted_people_decide_where_trust_begins(ledger: Ledger) -> None:
    root = authority_in(document())
    assert ledger.judge(2, root=root).number == 2
    strangers = authority_in(document("", [person("mallory"), person("mallet")]))
    assert ledger.why(2, root=strangers) == "strangers"
    free = Ledger()
    free.add(document("free", []), "")
    assert free.why(1, root=root) == "strangers"


def test_only_where_rollouts_stand_may_change_without_people(ledger: Ledger) -> None:
    moving = [{"name": "up", "route": "crm", "arm": "new", "against": "old"}]
    ledger.add(document("three", rollouts=moving), "ada", "bob")
    trusted = ledger.judge(3)
    number = ledger.add(document("three", rollouts=[moving[0] | {"state": "running"}]), "", how="rollout")
    moved = ledger.judge(number, trusted)
    assert moved.number == 4
    evil = [
        document("else", rollouts=moving),
        document("three", rollouts=[moving[0] | {"arm": "evil"}]),
        document("three", [person("mallory"), person("mallet")], rollouts=moving),
        document("three", rollouts=moving, approvals={"required": 2}),
    ]
    for each in evil:
        assert ledger.why(ledger.add(each, "", how="rollout"), moved) == "rollout"
        ledger.entries.pop(5)
    by_person = document("three", rollouts=[moving[0] | {"state": "paused"}])
    assert ledger.judge(ledger.add(by_person, "dan", how="rollout"), moved).number == 5
    ledger.entries[5] = msgspec.structs.replace(ledger.entries[5], signature="")
    assert ledger.why(5, moved) == "unsigned"
    ledger.entries.pop(5)
    assert ledger.why(ledger.add(by_person, "mallory", how="rollout"), moved) == "author"
    ledger.entries.pop(5)
    # What was proposed before the step, and approved after it, follows from both.
    number = ledger.add(document("next", rollouts=moving), "ada", "bob", base=3, after=4)
    assert ledger.judge(number, moved).number == number


def test_going_back_needs_no_second_person_where_others_have_approved_it_before(ledger: Ledger) -> None:
    ledger.add(document("three"), "ada", "bob")
    trusted = ledger.judge(3)
    back = ledger.add(document("one"), "bob", how="rollback", restores=1)
    assert ledger.judge(back, trusted).number == 4
    again = ledger.add(document("one"), "ada", how="rollback", restores=4)
    assert ledger.judge(again, trusted).number == 5


@pytest.mark.parametrize(
    "evil",
    [
        lambda ledger: ledger.add(document("evil"), "bob", how="rollback", restores=1),
        lambda ledger: ledger.add(document("one", [person("bob")]), "bob", how="rollback", restores=1),
        lambda ledger: ledger.add(document("three"), "bob", how="rollback", restores=1),
        lambda ledger: ledger.add(document("one"), "bob", how="rollback", restores=9),
        lambda ledger: ledger.add(document("one"), "bob", how="apply", restores=1),
    ],
)
def test_going_back_is_no_way_to_something_else(ledger: Ledger, evil: Callable[[Ledger], int]) -> None:
    ledger.add(document("three"), "ada", "bob")
    assert ledger.why(evil(ledger), ledger.judge(3)) == "approvals"


def test_going_back_to_what_nobody_has_approved_needs_a_second_person() -> None:
    ledger = Ledger()
    ledger.add(document("open", []), "")
    ledger.add(document("first"), "ada", "bob")
    trusted = ledger.judge(2)
    alone = ledger.add(document("open"), "ada", how="rollback", restores=1)
    assert ledger.why(alone, trusted) == "approvals"
    ledger.entries.pop(alone)
    assert ledger.judge(ledger.add(document("open"), "ada", "eve", how="rollback", restores=1), trusted).number == 3


def test_nobody_can_be_put_among_those_who_approved_it_long_ago() -> None:
    ledger = Ledger()
    ledger.add(document("open", []), "")
    ledger.add(document("free", []), "")
    ledger.add(document("first"), "ada", "bob")
    trusted = ledger.judge(3)
    back = ledger.add(document("free"), "ada", how="rollback", restores=2)
    assert ledger.why(back, trusted) == "approvals"
    mallory = authority_in(document("", [person("mallory"), person("mallet")]))
    votes = (vote(ledger.entries[2].statement, "mallory"),)
    for number in (1, 2):
        forged = msgspec.structs.replace(ledger.entries[number], authority=mallory)
        ledger.entries[number] = msgspec.structs.replace(forged, approvals=votes if number == 2 else ())
    assert ledger.why(back, trusted) == "approvals"


def _altered(value: Any, data: st.DataObject) -> Any:
    """The value, different in one place."""
    if isinstance(value, dict):
        name = data.draw(st.sampled_from(sorted(value)))
        return value | {name: _altered(value[name], data)}
    if isinstance(value, list):
        if not value or data.draw(st.booleans()):
            return [*value, *value[:1]] if value else ["x"]
        place = data.draw(st.integers(0, len(value) - 1))
        return [
            *value[:place],
            *([] if data.draw(st.booleans()) else [_altered(value[place], data)]),
            *value[place + 1 :],
        ]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + data.draw(st.sampled_from([1, -1, 1000]))
    text = str(value)
    if not text or data.draw(st.booleans()):
        return text + data.draw(st.sampled_from(["0", "a", "x"]))
    place = data.draw(st.integers(0, len(text) - 1))
    return text[:place] + data.draw(st.sampled_from("0af9x")) + text[place + 1 :]


@given(st.data())
def test_a_revision_altered_in_any_place_is_refused(data: st.DataObject) -> None:
    ledger = Ledger()
    ledger.add(document("one"), "ada", "bob")
    trusted = ledger.judge(1)
    number = ledger.add(document("two", approvals={"required": 2}), "ada", "eve")
    plain = msgspec.json.decode(msgspec.json.encode(ledger.entries[number]))
    try:
        altered = msgspec.convert(_altered(plain, data), Entry)
    except msgspec.ValidationError:
        return  # it is damaged
    if altered == ledger.entries[number] or _means_the_same(altered, ledger.entries[number]):
        return
    ledger.entries[number] = altered
    ledger.why(number, trusted)


def _means_the_same(one: Entry, two: Entry) -> bool:
    """Approvals that are there twice are there once."""
    return msgspec.structs.replace(one, approvals=tuple(dict.fromkeys(one.approvals))) == two


def test_digests_tell_rights_and_numbers_apart() -> None:
    one = authority_in(document("", [person("ada")]))
    two = authority_in(document("", [person("ada", may_write=False)]))
    assert len({digest_of(one), digest_of(two), digest_of(msgspec.structs.replace(one, required=2))}) == 3


def test_every_reason_has_words_in_both_languages_without_anything_else() -> None:
    assert all(english and french for english, french in WORDS.values())
