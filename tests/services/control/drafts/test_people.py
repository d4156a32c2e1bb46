"""Whoever has an account and may write or approve policies becomes a person of the policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activation.loading import load
from gateway.core.policy.document import Document
from services.control.drafts.people import Holder, with_people
from services.control.drafts.store import DraftProblem
from tests.policies import policy
from tests.signatures import PEOPLE, person, signer

HOLDERS = st.lists(
    st.builds(
        Holder,
        name=st.sampled_from(["ada", "bob", "ann", "ben"]),
        public_key=st.sampled_from(["", *(signer(name).public_key for name in ("ann", "ben", "new"))]),
        may_write=st.booleans(),
        may_approve=st.booleans(),
    ),
    unique_by=lambda holder: holder.name,
)


def document(*people: dict[str, object]) -> Document:
    return load(policy(people=list(people))).document


def holder(name: str, *, key: str = "", write: bool = True, approve: bool = True) -> Holder:
    return Holder(name=name, public_key=signer(key or name).public_key, may_write=write, may_approve=approve)


def named(document: Document) -> list[str]:
    return [each.name for each in document.people]


def test_accounts_come_behind_the_people_that_are_there_by_name() -> None:
    found = with_people(document(*PEOPLE), [holder("zoe"), holder("ann", write=False)])
    assert named(found) == ["ada", "bob", "eve", "dan", "ann", "zoe"]
    assert [(each.may_write, each.may_approve) for each in found.people[-2:]] == [(False, True), (True, True)]


def test_an_account_that_may_nothing_any_more_or_has_no_key_is_taken_out() -> None:
    gone = [
        holder("ada", write=False, approve=False),
        Holder(name="x", public_key="", may_write=True, may_approve=True),
    ]
    assert named(with_people(document(*PEOPLE), gone)) == ["bob", "eve", "dan"]


def test_a_new_key_of_an_account_replaces_the_old_one_and_its_roles_stay() -> None:
    there = document(person("ada", roles=["values"]), person("bob"))
    found = with_people(there, [holder("ada", key="another")])
    assert found.people[0].public_key == signer("another").public_key
    assert found.people[0].roles == ("values",)


def test_where_nobody_else_could_agree_it_is_refused() -> None:
    for holders in ([holder("ann")], [holder("ann"), holder("ben", write=False, approve=False)], []):
        with pytest.raises(DraftProblem) as problem:
            with_people(document(), holders)
        assert problem.value.code == "people-alone"


@given(HOLDERS)
def test_whatever_accounts_there_are_somebody_can_publish_with_another_ones_consent(holders: list[Holder]) -> None:
    try:
        found = with_people(document(*PEOPLE), holders)
    except DraftProblem:
        return
    writers = {each.name for each in found.people if each.may_write}
    approvers = {each.name for each in found.people if each.may_approve}
    assert any(approvers - {name} for name in writers)
    assert len(set(named(found))) == len(found.people)
    assert {each.name for each in holders if each.counts} <= set(named(found))
