"""What people publish follows the newest properly signed revision, whatever somebody has written into the store."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.authority import Entry
from gateway.core.heads import head_of
from gateway.signing import verify
from tests.signatures import PEOPLE, entry, person, published

MALLORY = [person("mallory"), person("mallet")]
PUT = st.sampled_from(["signed", "rolled back", "unsigned", "alone", "stranger", "strangers", "copy", "altered"])


def document(text: str, people: object = PEOPLE) -> bytes:
    return msgspec.json.encode({"description": text, "people": people}, order="sorted")


def put(kind: str, entries: dict[int, Entry], *, head: int, active: int) -> Entry:
    """One more revision, by people or by somebody who has only the store."""
    number = max(entries) + 1
    text = f"{kind} {number}"
    if kind == "signed":
        return entry(published(document(text), author="ada"), "bob", base=head, before=entries[head])
    if kind == "rolled back":
        back = published(document("first"), author="bob")
        return entry(back, base=head, before=entries[head], how="rollback", restores=1)
    if kind == "copy":
        return msgspec.structs.replace(entries[head], after=active)
    if kind == "altered":
        statement = msgspec.structs.replace(entries[head].statement, reason="another")
        return msgspec.structs.replace(entries[head], statement=statement, after=active)
    author, approvers, people = {
        "unsigned": ("", (), PEOPLE),
        "alone": ("ada", (), PEOPLE),
        "stranger": ("ada", ("mallory",), PEOPLE),
        "strangers": ("mallory", ("mallet",), MALLORY),
    }[kind]
    return entry(published(document(text, people), author=author), *approvers, base=active, before=entries[active])


@settings(max_examples=60)
@given(kinds=st.lists(PUT, max_size=10))
def test_the_head_is_always_the_last_that_people_have_made(kinds: list[str]) -> None:
    entries = {1: entry(published(document("first"), author="ada"), "bob")}
    head = active = 1
    for kind in kinds:
        number = max(entries) + 1
        entries[number] = put(kind, entries, head=head, active=active)
        active = number
        head = number if kind in ("signed", "rolled back") else head
        assert head_of(active, entries, verify=verify) == head
    assert all(head_of(number, entries, verify=verify) == head for number in entries)  # whatever is said to be active


def test_where_no_policy_names_people_the_head_is_what_is_active() -> None:
    one = entry(published(document("one", [])))
    two = entry(published(document("two", [])), base=1, before=one)
    assert head_of(1, {1: one, 2: two}, verify=verify) == 1
    assert head_of(2, {1: one, 2: two}, verify=verify) == 2
    assert head_of(0, {}, verify=verify) == 0
