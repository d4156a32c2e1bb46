"""Policy files: whatever they hold, the answer is data with lines, or mistakes."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.policy_files import read
from gateway.core.revision.decode import PolicyInvalid
from tests.policies import DEMO_FOLDER


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "policy.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def mistakes_in(folder: Path, content: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(PolicyInvalid) as caught:
        read(written(folder, content))
    return [(mistake.line, mistake.path) for mistake in caught.value.mistakes]


def test_every_value_has_its_line(tmp_path: Path) -> None:
    data, lines = read(written(tmp_path, "a: 1\nb:\n  - c: x\n    d: [1,\n      2]\n"))
    assert data == {"a": 1, "b": [{"c": "x", "d": [1, 2]}]}
    assert lines[("b", 0, "c")] == 3
    assert lines[("b", 0, "d", 1)] == 5


def test_an_empty_file_is_an_empty_policy(tmp_path: Path) -> None:
    assert read(written(tmp_path, "# nothing\n"))[0] == {}


def test_a_key_that_stands_twice_is_told_with_the_second_ones_line(tmp_path: Path) -> None:
    assert mistakes_in(tmp_path, "a: 1\nb: 2\na: 3\n") == [(3, "a")]
    assert mistakes_in(tmp_path, "x:\n  - {a: 1, a: 2}\ny: 1\ny: 2\n") == [(2, "x[0].a"), (4, "y")]


@pytest.mark.parametrize(
    "value",
    ["2026-13-45", "!vendor x", "!!int abc", "!!float x", "!!bool maybe", "!!timestamp x", "=", "9" * 5000],
)
def test_a_value_that_yaml_cannot_read_is_a_mistake_with_its_line(tmp_path: Path, value: str) -> None:
    assert mistakes_in(tmp_path, f"a: 1\nb: {value}\nc: {value}\n") == [(2, "b"), (3, "c")]


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "a: &a [*a]", "a: &a {b: *a}"])
def test_endless_nesting_is_a_mistake(tmp_path: Path, text: str) -> None:
    assert mistakes_in(tmp_path, text) == [(0, "(document)")]


def test_aliases_of_aliases_do_not_blow_up(tmp_path: Path) -> None:
    text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    for n in range(1, 9):
        text += f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n"
    assert mistakes_in(tmp_path, text) == [(0, "(document)")]


@pytest.mark.parametrize(
    ("content", "line"),
    [("a: [\n", 2), ("a: 1\n---\nb: 2\n", 2), ("a: b: c\n", 1), ("a: *nobody\n", 1), ("a: 1\n\tb: 2\n", 2)],
)
def test_what_is_no_yaml_is_told_with_its_line(tmp_path: Path, content: str, line: int) -> None:
    assert mistakes_in(tmp_path, content) == [(line, "(document)")]


def test_what_is_no_utf8_is_told_with_its_line_and_a_byte_order_mark_is_let_be(tmp_path: Path) -> None:
    assert mistakes_in(tmp_path, "a: 1\nb: accordé\n".encode("latin-1")) == [(2, "(document)")]
    assert read(written(tmp_path, "\ufeffa: é’\n"))[0] == {"a": "é’"}


def test_a_file_that_is_not_there_is_the_systems_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.yaml")


def test_files_beside_the_policy_are_taken_in(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"keys": []}')
    (tmp_path / "set.binpb").write_bytes(b"\x00\xff")
    text = "issuers: [{jwks_file: keys.json}]\ncontracts: [{descriptor_set_file: set.binpb}]\n"
    data, _ = read(written(tmp_path, text))
    assert data == {
        "issuers": [{"jwks": {"keys": []}}],
        "contracts": [{"descriptor_set": base64.b64encode(b"\x00\xff").decode()}],
    }


def test_a_file_that_cannot_be_taken_in_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    text = "issuers:\n  - jwks_file: none.json\n  - jwks_file: broken.json\ncontracts:\n  - descriptor_set_file: .\n"
    assert mistakes_in(tmp_path, text) == [
        (2, "issuers[0].jwks_file"),
        (3, "issuers[1].jwks_file"),
        (5, "contracts[0].descriptor_set_file"),
    ]


@given(st.text(alphabet="ab:-[]{}&*!?|>'\"%@`#\n \t,0", max_size=60) | st.binary(max_size=40))
def test_no_content_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, content: str | bytes) -> None:
    file = written(tmp_path_factory.getbasetemp(), content)
    try:
        read(file)
    except PolicyInvalid as invalid:
        if not invalid.mistakes:
            raise


def test_the_demonstrations_policy_is_read_with_its_contract() -> None:
    data, lines = read(DEMO_FOLDER / "policy.yaml")
    assert isinstance(data, dict)
    assert data["contracts"][0]["descriptor_set"]
    told = (DEMO_FOLDER / "policy.yaml").read_text(encoding="utf-8").splitlines()
    assert data["agents"][0]["name"] in told[lines[("agents", 0)] - 1]
