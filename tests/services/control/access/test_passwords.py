"""Passwords: how they are kept, and which are taken."""

import asyncio

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.control.access.password_rules import weakness
from services.control.access.passwords import PROFILE, Busy, Passwords


async def test_what_is_kept_says_argon2id_with_the_costs_of_rfc_9106() -> None:
    kept = await Passwords().hashed("seven green umbrellas")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert "umbrellas" not in kept


async def test_only_the_password_matches_and_nobodys_matches_none() -> None:
    passwords = Passwords(argon2.profiles.CHEAPEST)
    kept = await passwords.hashed("seven green umbrellas")
    assert await passwords.matches("seven green umbrellas", kept)
    assert not await passwords.matches("seven green umbrella", kept)
    assert not await passwords.matches("seven green umbrellas", "")
    assert not await passwords.matches("seven green umbrellas", "damaged")


async def test_an_accent_is_the_same_however_a_keyboard_composes_it() -> None:
    passwords = Passwords(argon2.profiles.CHEAPEST)
    kept = await passwords.hashed("l\u2019\u00e9t\u00e9 sera tr\u00e8s beau")
    assert await passwords.matches("l\u2019e\u0301te\u0301 sera tre\u0300s beau", kept)


async def test_other_parameters_make_what_is_kept_stale() -> None:
    kept = await Passwords(argon2.profiles.CHEAPEST).hashed("seven green umbrellas")
    assert Passwords(PROFILE).stale(kept)
    assert not Passwords(argon2.profiles.CHEAPEST).stale(kept)


async def test_of_a_hundred_at_once_those_who_would_wait_too_long_are_told_to_come_back() -> None:
    passwords = Passwords(argon2.profiles.CHEAPEST, waiting=3)
    kept = await passwords.hashed("seven green umbrellas")
    tries = [passwords.matches("seven green umbrellas", kept, known=False) for _ in range(100)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert answers.count(True) == 4
    assert sum(isinstance(each, Busy) for each in answers) == 96


async def test_strangers_do_not_keep_known_browsers_waiting() -> None:
    passwords = Passwords(argon2.profiles.CHEAPEST, waiting=0)
    kept = await passwords.hashed("seven green umbrellas")
    stranger = asyncio.ensure_future(passwords.matches("x", kept, known=False))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await passwords.matches("x", kept, known=False)
    assert await passwords.matches("seven green umbrellas", kept, known=True)
    assert not await stranger


async def test_whoever_gives_up_waiting_makes_room() -> None:
    passwords = Passwords(argon2.profiles.CHEAPEST, waiting=1)
    kept = await passwords.hashed("seven green umbrellas")
    tasks = [asyncio.ensure_future(passwords.matches("x", kept, known=False)) for _ in range(2)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not await passwords.matches("x", kept, known=False)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("seven green umbrellas", ""),
        ("correct horse battery", ""),
        ("l’été sera très beau", ""),
        ("tr0ub4dor&3x!", ""),
        ("too short", "password-short"),
        ("x" * 257, "password-long"),
        ("ada.lovelace was here", "password-name"),
        ("Lovelace-lovelace", "password-name"),
        ("aaaaaaaabbbb", "password-common"),
        ("123456789012", "password-common"),
        ("qwertyuiop12", "password-common"),
        ("azertyuiopqsdf", "password-common"),
        ("P@ssw0rd2024!!", "password-common"),
        ("motdepassemotdepasse", "password-common"),
        ("MotDePasse-2026", "password-common"),
        ("!!!!????....12345", "password-common"),
    ],
)
def test_a_password_is_taken_or_it_is_said_why_not(password: str, code: str) -> None:
    assert weakness(password, names=("ada", "Ada Lovelace", "ada@example.com")) == code


@given(st.text(max_size=300))
def test_any_text_is_judged(text: str) -> None:
    assert weakness(text, names=("ada", "", "ada@example.com")) in {
        *("", "password-short", "password-long", "password-name", "password-common")
    }
