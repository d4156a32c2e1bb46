"""Settings: a misspelt variable stops the start."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import Settings, SettingsInvalid, from_environment, language

NAMES = [f"PILOTE_{name.upper()}" for name in Settings.__struct_fields__]


def mistakes_in(**environment: str) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        from_environment({f"PILOTE_{name}": text for name, text in environment.items()})
    return caught.value.mistakes


def test_an_empty_environment_gives_the_defaults_and_other_variables_do_not_matter() -> None:
    assert from_environment({}) == Settings()
    assert from_environment({"PATH": "/bin", "XPILOTE_HOME": "x", "pilote_home": "x"}) == Settings()


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("HOME", "/var/lib/pilote", Path("/var/lib/pilote")),
        ("REDIS_URL", "redis://x", "redis://x"),
        ("GATEWAY_LISTEN", "[::1]:0", "[::1]:0"),
        ("WORKERS", "4", 4),
        ("DRAIN_SECONDS", "2.5", 2.5),
        ("PSEUDONYM_KEY_FILE", "/run/key", Path("/run/key")),
        ("TRACE_RATIO", "0", 0.0),
        ("LOG_LEVEL", "DEBUG", "DEBUG"),
        ("CALL_LOG", "all", "all"),
        ("METRICS_LISTEN", "0.0.0.0:9464", "0.0.0.0:9464"),
        ("METRICS_LISTEN", "off", "off"),
        ("LANG", "fr", "fr"),
    ],
)
def test_a_setting_is_read_in_its_type(name: str, text: str, wanted: Any) -> None:
    assert getattr(from_environment({f"PILOTE_{name}": text}), name.lower()) == wanted


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WORKERS", "0"),
        ("WORKERS", "257"),
        ("WORKERS", "many"),
        ("WORKERS", ""),
        ("STORE_TIMEOUT_MS", "0"),
        ("DRAIN_SECONDS", "nan"),
        ("DRAIN_SECONDS", "inf"),
        ("DRAIN_SECONDS", "-1"),
        ("TRACE_RATIO", "1.1"),
        ("TRACE_RATIO", "true"),
        ("GATEWAY_LISTEN", "50051"),
        ("GATEWAY_LISTEN", "host:"),
        ("METRICS_LISTEN", "9464"),
        ("METRICS_LISTEN", "offline"),
        ("MAX_MESSAGE_BYTES", "1"),
        ("LOG_LEVEL", "loud"),
        ("CALL_LOG", "some"),
        ("LANG", "de"),
    ],
)
def test_a_value_that_cannot_be_meant_is_a_mistake_that_names_its_variable(name: str, text: str) -> None:
    (mistake,) = mistakes_in(**{name: text})
    assert mistake.startswith(f"PILOTE_{name}: ")


def test_a_misspelt_variable_is_told_with_the_right_spelling() -> None:
    assert mistakes_in(WORKRES="2") == ["PILOTE_WORKRES is no setting; did you mean PILOTE_WORKERS?"]
    assert mistakes_in(QQQQQQ="2")[0].startswith("PILOTE_QQQQQQ is no setting; ")


def test_a_wrong_choice_is_told_with_the_right_ones() -> None:
    assert mistakes_in(CALL_LOG="some")[0].endswith("choose one of all, refused, none")


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes_in(WORKRES="2", WORKERS="0", LANG="de")) == 3


@given(st.dictionaries(st.sampled_from([*NAMES, "PILOTE_", "PILOTE_X", "HOME"]) | st.text(max_size=9), st.text()))
def test_any_environment_gives_settings_or_mistakes(environment: dict[str, str]) -> None:
    try:
        found = from_environment(environment)
    except SettingsInvalid as invalid:
        if not invalid.mistakes:
            raise
    else:
        assert isinstance(found.home, Path)
        assert all(name in NAMES for name in environment if name.startswith("PILOTE_"))


@pytest.mark.parametrize(
    ("setting", "environment", "wanted"),
    [
        (None, {}, "en"),
        (None, {"LANG": "fr_FR.UTF-8"}, "fr"),
        (None, {"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LC_MESSAGES": "fr_BE", "LANG": "en_GB"}, "fr"),
        ("fr", {"LC_ALL": "en_GB"}, "fr"),
        ("en", {"LC_ALL": "fr_FR"}, "en"),
    ],
)
def test_the_language_is_the_setting_else_the_systems(setting: Any, environment: dict[str, str], wanted: str) -> None:
    assert language(Settings(lang=setting), environment) == wanted
