"""The vault keeps values sealed, gives them to nobody without its key, and forgets them by itself."""

import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.vault.store import DAY_MS, FILE, Load, Vault, VaultUnusable

NOW_MS = 1_800_000_000_000
KEYS = [b"k" * 32]
NEW = b"n" * 32


def load(*people: str, attribute: str = "gender", tenant: str = "acme", value: str = "female", days: int = 30) -> Load:
    return Load(
        tenant=tenant,
        attribute=attribute,
        purpose="fairness",
        legal_basis="consent",
        keep_until_ms=NOW_MS + days * DAY_MS,
        values=dict.fromkeys(people, value),
    )


def pseudonym(number: int) -> str:
    return f"{number + 1:032x}"


ADA, BOB = pseudonym(0), pseudonym(1)


def test_what_is_loaded_is_read_by_pseudonym_and_later_loads_replace_it(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEYS)
    vault.load(load(ADA, BOB), now_ms=NOW_MS)
    vault.load(load(BOB, value="male"), now_ms=NOW_MS + 1)
    vault.load(load(ADA, tenant="other", value="other"), now_ms=NOW_MS)
    assert vault.read("acme", "gender", now_ms=NOW_MS) == {ADA: "female", BOB: "male"}
    assert vault.read("other", "gender", now_ms=NOW_MS) == {ADA: "other"}
    assert vault.read("acme", "age", now_ms=NOW_MS) == {}
    assert [(each.tenant, each.attribute, each.people) for each in vault.held()] == [
        ("acme", "gender", 2),
        ("other", "gender", 1),
    ]
    assert vault.loads == 3
    vault.close()


def test_nobody_else_can_open_its_files_and_they_say_nothing_in_clear(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault", KEYS)
    vault.load(load(ADA, value="female"), now_ms=NOW_MS)
    vault.load(load(BOB, value="other"), now_ms=NOW_MS)
    vault.close()
    assert stat.S_IMODE((tmp_path / "vault").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "vault" / FILE).stat().st_mode) == 0o600
    assert b"female" not in (tmp_path / "vault" / FILE).read_bytes()
    sealed = sqlite3.connect(tmp_path / "vault" / FILE).execute("SELECT sealed FROM people").fetchall()
    assert len({len(each) for (each,) in sealed}) == 1


def test_put_elsewhere_no_value_opens(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEYS)
    vault.load(load(ADA, value="female"), now_ms=NOW_MS)
    vault.load(load(BOB, value="male"), now_ms=NOW_MS)
    vault.close()
    engine = sqlite3.connect(tmp_path / FILE)
    with engine:
        engine.execute(
            "UPDATE people SET sealed = (SELECT sealed FROM people WHERE subject_ref = ?) WHERE subject_ref = ?",
            (ADA, BOB),
        )
    engine.close()
    vault = Vault(tmp_path, KEYS)
    with pytest.raises(VaultUnusable, match="load them anew"):
        vault.read("acme", "gender", now_ms=NOW_MS)
    vault.close()


def test_without_the_key_that_sealed_it_nothing_opens_and_with_it_again_all_does(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEYS)
    vault.load(load(ADA), now_ms=NOW_MS)
    vault.close()
    vault = Vault(tmp_path, [NEW])
    assert vault.seal_anew() == 0
    with pytest.raises(VaultUnusable, match="bring the key back"):
        vault.read("acme", "gender", now_ms=NOW_MS)
    vault.close()
    vault = Vault(tmp_path, KEYS)
    assert vault.read("acme", "gender", now_ms=NOW_MS) == {ADA: "female"}
    vault.close()


def test_a_new_first_key_seals_and_once_all_is_sealed_anew_the_old_one_can_go(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEYS)
    vault.load(load(ADA), now_ms=NOW_MS)
    vault.close()
    vault = Vault(tmp_path, [NEW, *KEYS])
    vault.load(load(BOB, value="male"), now_ms=NOW_MS)
    assert vault.read("acme", "gender", now_ms=NOW_MS) == {ADA: "female", BOB: "male"}
    assert (vault.seal_anew(), vault.seal_anew()) == (1, 0)
    vault.close()
    vault = Vault(tmp_path, [NEW])
    assert vault.read("acme", "gender", now_ms=NOW_MS) == {ADA: "female", BOB: "male"}
    vault.close()


def test_a_file_that_is_broken_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(VaultUnusable, match="load attributes anew"):
        Vault(tmp_path, KEYS)


def test_what_is_over_is_never_read_and_leaves_the_file(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEYS)
    vault.load(load(ADA, days=1), now_ms=NOW_MS)
    vault.load(load(BOB, days=2), now_ms=NOW_MS)
    over_ms = NOW_MS + DAY_MS
    assert set(vault.read("acme", "gender", now_ms=over_ms - 1)) == {ADA, BOB}
    assert set(vault.read("acme", "gender", now_ms=over_ms)) == {BOB}
    assert vault.expire(now_ms=over_ms - 1) == {}
    assert ADA.encode() in (tmp_path / FILE).read_bytes()
    assert vault.expire(now_ms=over_ms) == {("acme", "gender"): 1}
    assert ADA.encode() not in (tmp_path / FILE).read_bytes()
    assert vault.held()[0].people == 1
    vault.close()


def test_forgetting_takes_one_person_one_attribute_or_all_of_a_tenant(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEYS)
    for attribute, value in (("gender", "female"), ("age", "25-39")):
        for tenant in ("acme", "other"):
            vault.load(load(ADA, BOB, attribute=attribute, value=value, tenant=tenant), now_ms=NOW_MS)
    assert vault.forget("acme", people=[ADA]) == 2
    assert vault.forget("acme", people=[ADA]) == 0
    assert vault.forget("acme", attribute="age") == 1
    assert [(each.tenant, each.attribute) for each in vault.held()] == [
        ("acme", "gender"),
        ("other", "age"),
        ("other", "gender"),
    ]
    assert vault.forget("other") == 4
    assert vault.read("acme", "gender", now_ms=NOW_MS) == {BOB: "female"}
    vault.close()


def test_whoever_is_erased_is_deleted_in_their_tenant_once_and_for_good(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEYS)
    assert vault.erasures_read_to == -1
    vault.load(load(ADA, BOB), now_ms=NOW_MS)
    vault.load(load(ADA, tenant="other"), now_ms=NOW_MS)
    assert vault.erased([("acme", ADA)], read_to=7) == 1
    vault.close()
    vault = Vault(tmp_path, KEYS)
    assert vault.erasures_read_to == 7
    assert set(vault.read("acme", "gender", now_ms=NOW_MS)) == {BOB}
    assert set(vault.read("other", "gender", now_ms=NOW_MS)) == {ADA}
    vault.close()


@settings(max_examples=25)  # each makes a file, and waits for the disk
@given(st.dictionaries(st.integers(0, 9), st.integers(1, 50), max_size=6), st.integers(0, 60))
def test_exactly_those_are_there_whose_time_is_not_over(
    tmp_path_factory: pytest.TempPathFactory, days: dict[int, int], after: int
) -> None:
    vault = Vault(tmp_path_factory.mktemp("vault"), KEYS)
    for number, its in days.items():
        vault.load(load(pseudonym(number), days=its), now_ms=NOW_MS)
    now_ms = NOW_MS + after * DAY_MS
    there = {pseudonym(number) for number, its in days.items() if its > after}
    assert set(vault.read("acme", "gender", now_ms=now_ms)) == there
    assert sum(vault.expire(now_ms=now_ms).values()) == len(days) - len(there)
    assert set(vault.read("acme", "gender", now_ms=0)) == there
    vault.close()
