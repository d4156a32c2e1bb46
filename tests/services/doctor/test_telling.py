"""Everything that can be seen has a text, and everything that is not well says how to mend it, in both languages."""

import re
from pathlib import Path

import pytest
import typer.main

from gateway.core.texts import LANGUAGES
from services import doctor
from services.cli import app
from services.doctor.observing import Grade, Observation, exit_code
from services.doctor.telling import as_json, mend, seen, summary
from services.doctor.texts.mending import MENDS
from services.doctor.texts.seen import SEEN

FOLDER = Path(doctor.__file__).parent
SOURCE = "\n".join(file.read_text("utf-8") for file in FOLDER.glob("*.py"))
NAMED = set(re.findall(r'"((?:[a-z]+-)+[a-z]+)"', SOURCE)) - {"all-good"}
HOLES = re.compile(r"\{(\w+)\}")


def test_everything_that_is_seen_has_a_text_and_no_text_is_left_over() -> None:
    composed = {"clock-store", "clock-store-off", "clock-database", "clock-database-off"}
    spoken = {"gateway-", "rollback", "pilote-audit"}
    assert {name for name in NAMED if name not in SEEN} <= spoken
    assert SEEN.keys() - NAMED - composed - {"version"} == set()


def test_what_only_is_well_has_no_mend_and_all_else_has_one() -> None:
    well = set(re.findall(r'\bgood\(\s*"\w+",\s*"([\w-]+)"', SOURCE)) | {"streams-stored", "store-room", "disk-room"}
    well |= {"store-keeps", "clock-store", "clock-database", "revision-signed", "revision-whole"}
    assert sorted(SEEN.keys() - MENDS.keys() - well) == []
    assert MENDS.keys() <= SEEN.keys()


@pytest.mark.parametrize("texts", [SEEN, MENDS])
def test_both_languages_fill_in_the_same(texts: dict[str, tuple[str, str]]) -> None:
    for key, (english, french) in texts.items():
        assert sorted(HOLES.findall(english)) == sorted(HOLES.findall(french)), key


def test_what_a_mend_fills_in_is_what_was_seen() -> None:
    for key, (english, _) in MENDS.items():
        assert set(HOLES.findall(english)) <= set(HOLES.findall(SEEN[key][0])) | {"log", "wanted"}, key


def test_every_command_that_is_named_exists() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = {name for text in MENDS.values() for each in text for name in re.findall(r"pilote ([a-z]+)", each)}
    assert named - {"pilote"} <= known


def test_the_worst_says_how_it_ends() -> None:
    def of(*grades: Grade) -> int:
        return exit_code(Observation("store", "store-up", grade) for grade in grades)

    assert [of(), of(Grade.GOOD, Grade.UNKNOWN), of(Grade.GOOD, Grade.WARNING), of(Grade.WARNING, Grade.BAD)] == [
        *(0, 0, 1, 2)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_json_keeps_its_keys_in_every_language(language: str) -> None:
    each = Observation(
        "revision", "gateway-refuses", Grade.BAD, {"worker": "gateway-1", "number": 3, "why": "unusable"}
    )
    told = as_json((each,), language=language)
    assert told["exit_code"] == 2
    (only,) = told["observations"]
    assert only["what"] == "gateway-refuses"
    assert only["values"]["why"] == "unusable"
    assert only["seen"] == seen(each, language=language)
    assert "unusable" not in only["seen"]
    assert only["mend"] == mend(each, language=language) != ""
    assert "1" in summary((each,), language=language)
