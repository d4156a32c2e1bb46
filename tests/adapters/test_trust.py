"""What a process trusts outlives the store and the process."""

from pathlib import Path

import msgspec
import pytest

from gateway.adapters.revisions import RevisionStore
from gateway.adapters.trust import Trust, trusted_people
from gateway.core.authority import authority_in
from gateway.core.trust import Distrusted
from gateway.redis_clients import Client
from tests.signatures import PEOPLE, entry, person, published

FREE = b'{"description":"no people"}'


def document(text: str, people: object = PEOPLE) -> bytes:
    return msgspec.json.encode({"description": text, "people": people}, order="sorted")


async def publish(store: RevisionStore, what: bytes, *approvers: str, author: str = "ada") -> int:
    base = await store.active()
    revision = published(what, author=author)
    return await store.add(revision, entry(revision, *approvers, base=base, before=await store.entry(base)))


async def judge(trust: Trust, store: RevisionStore, number: int) -> str:
    """Empty where the revision may run, else why not."""
    stored = await store.read(number)
    assert stored is not None
    try:
        await trust.judge(number, stored)
    except Distrusted as distrusted:
        return distrusted.why
    return ""


async def test_after_a_restart_a_store_that_was_made_anew_is_not_trusted(redis: Client, tmp_path: Path) -> None:
    store, pin = RevisionStore(redis), tmp_path / "state" / "trust.json"
    await publish(store, document("one"), "bob")
    assert await judge(Trust(store, pin_file=pin), store, 1) == ""
    assert pin.stat().st_mode & 0o777 == 0o600
    await redis.flushall()
    await publish(store, FREE, author="")
    assert await judge(Trust(store, pin_file=pin), store, 1) == "forked"
    assert await judge(Trust(store), store, 1) == ""  # one that has never run anything trusts on first use
    await redis.flushall()
    await publish(store, document("mine", [person("mallory"), person("mallet")]), "mallet", author="mallory")
    assert await judge(Trust(store, pin_file=pin), store, 1) == "forked"


async def test_after_a_restart_it_goes_on_from_where_it_was_and_catches_up(redis: Client, tmp_path: Path) -> None:
    store, pin = RevisionStore(redis), tmp_path / "trust.json"
    for n in range(3):
        await publish(store, document(str(n)), "bob")
    assert await judge(Trust(store, pin_file=pin), store, 3) == ""
    for n in range(3, 9):
        await publish(store, document(str(n)), "eve")
    later = Trust(store, pin_file=pin)
    assert await judge(later, store, 9) == ""
    assert await judge(later, store, 8) == "forked"  # an older one, put back past `pilote rollback`


async def test_trusted_people_are_asked_before_anything_runs(redis: Client) -> None:
    store, root = RevisionStore(redis), authority_in(document(""))
    await publish(store, FREE, author="")
    assert await judge(Trust(store, root=root), store, 1) == "strangers"
    await publish(store, document("one"), "bob")
    assert await judge(Trust(store, root=root), store, 2) == ""


async def test_other_trusted_people_void_what_was_pinned(redis: Client, tmp_path: Path) -> None:
    store, pin = RevisionStore(redis), tmp_path / "trust.json"
    await publish(store, document("one"), "bob")
    assert await judge(Trust(store, pin_file=pin), store, 1) == ""
    await redis.flushall()
    others = [person("mallory"), person("mallet")]
    await publish(store, document("theirs", others), "mallet", author="mallory")
    root = authority_in(document("", others))
    assert await judge(Trust(store, root=root, pin_file=pin), store, 1) == ""


async def test_a_revision_that_was_mended_under_its_number_is_taken_then(redis: Client) -> None:
    store, trust = RevisionStore(redis), None
    await publish(store, document("one"), "bob")
    trust = Trust(store)
    assert await judge(trust, store, 1) == ""
    evil = published(document("evil"), author="ada")
    await store.add(evil, entry(evil, base=1, before=await store.entry(1)))
    assert await judge(trust, store, 2) == "approvals"
    await redis.set("pilote:{revisions}:active", "1")
    await redis.set("pilote:{revisions}:last", "1")
    assert await publish(store, document("two"), "bob") == 2
    assert await judge(trust, store, 2) == ""


def test_a_file_of_trusted_people_says_who_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    lines = "\n".join(f'- {{name: {each["name"]}, public_key: "{each["public_key"]}"}}' for each in PEOPLE[:2])
    file.write_text(f"people:\n{lines}\napprovals: {{required: 1}}\n", encoding="utf-8")
    assert [each.name for each in trusted_people(file).people] == ["ada", "bob"]
    for text in ("people: []", "people: [{name: ada}]", "- x", "a: [", "people: [{}]\nrules: []", ""):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"people\.yaml"):
            trusted_people(file)


def test_a_damaged_pin_stops_the_start(redis: Client, tmp_path: Path) -> None:
    pin = tmp_path / "trust.json"
    pin.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"trust\.json is damaged"):
        Trust(RevisionStore(redis), pin_file=pin)
