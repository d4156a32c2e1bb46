"""What a GPP string of the IAB says is read as its makers wrote it, and what is none says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.gpp import Said, said_by
from gateway.core.tcf import allowed_by
from tests.core.test_tcf import IAB

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
EUROPE = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"


def fibonacci(number: int) -> str:
    """A number as the specification codes it."""
    steps = [1, 2]
    while steps[-1] < number:
        steps.append(steps[-1] + steps[-2])
    bits, rest = "", number
    for step in reversed(steps):
        bits, rest = ("1" + bits, rest - step) if step <= rest else ("0" + bits, rest)
    return bits.rstrip("0") + "1"


def letters(bits: str) -> str:
    """Bits as letters of six."""
    bits += "0" * (-len(bits) % 6)
    return "".join(LETTERS[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def header(ids: list[int], *, grouped: bool = False) -> str:
    """The header that lists these sections, singly or in groups."""
    runs = [[each, each] for each in ids]
    if grouped:
        runs = [[each, each] for each in ids if each - 1 not in ids]
        for run in runs:
            while run[1] + 1 in ids:
                run[1] += 1
    bits, last = f"{3:06b}{1:06b}{len(runs):012b}", 0
    for first, end in runs:
        bits += "01"[end > first] + fibonacci(first - last) + (fibonacci(end - first) if end > first else "")
        last = end
    return letters(bits)


def national(*, sale: int = 2, sharing: int = 2, targeted: int = 2, version: int = 1) -> str:
    """A section for the USA."""
    return letters(f"{version:06b}" + "01" * 6 + f"{sale:02b}{sharing:02b}{targeted:02b}" + "0" * 40)


def test_headers_of_the_specification_are_read() -> None:
    assert header([2]) == "DBABM"
    assert header([2, 6]) == "DBACNY"
    assert header([5, 6], grouped=True) == "DBABjw"
    found = said_by(f"DBACNY~{EUROPE}~1YNN")
    assert found == Said(allowed_by(EUROPE), opted_out=False)
    assert said_by("DBABBg~BAAAAACA") == Said(), "California, not applicable, as a library of Rust wrote it"
    assert said_by("DBABDA~BPXuQIAPXuQIAAfKABENB-CgAAAAAAAAAAAAAAAA") == Said(), "Canada is not read"


def test_who_opts_out_by_any_section_that_is_read_has_opted_out() -> None:
    assert said_by(f"{header([6])}~1NYN") == Said(opted_out=True)
    assert said_by(f"{header([7])}~{national()}") == Said()
    for each in ({"sale": 1}, {"sharing": 1}, {"targeted": 1}, {"sale": 1, "version": 2}):
        assert said_by(f"{header([7])}~{national(**each)}") == Said(opted_out=True), each
    assert said_by(f"{header([7])}~{national()}.{letters('011')}") == Said(opted_out=True), "Global Privacy Control"
    assert said_by(f"{header([7])}~{national()}.{letters('010')}") == Said()
    california = letters(f"{1:06b}" + "01" * 3 + "1001" + "0" * 30)
    assert said_by(f"{header([2, 8])}~{IAB}~{california}") == Said(allowed_by(IAB), opted_out=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        "DBABM",
        "DBABM~",
        f"DBABM~{EUROPE}~1YNN",
        f"DBACNY~{EUROPE}",
        f"EBABM~{EUROPE}",
        f"DCABM~{EUROPE}",
        f"D~{EUROPE}",
        f"DB{EUROPE}",
        f"{header([7])}~{national(version=9)}",
        f"{header([7])}~BAA",
        f"{header([7])}~{national()}.é",
        f"{header([6])}~2YNN",
        f"{header([6])}~1YNNN",
        "D" * 10_000,
        EUROPE,
    ],
)
def test_what_is_no_string_or_is_damaged_says_nothing(text: str) -> None:
    assert said_by(text) is None


@given(st.sets(st.integers(9, 60), max_size=12).map(sorted), st.booleans(), st.booleans())
def test_sections_that_are_not_read_change_nothing(ids: list[int], grouped: bool, out: bool) -> None:  # noqa: FBT001
    texts = ["1NYN" if out else "1NNN", *("anything" for _ in ids)]
    assert said_by("~".join([header([6, *ids], grouped=grouped), *texts])) == Said(opted_out=out)


@given(st.text("DBACNYM~.1" + LETTERS, max_size=60), st.integers(0, 60))
def test_whatever_comes_is_read_or_refused(text: str, cut: int) -> None:
    said_by(text)
    said_by("DB" + text)
    found = said_by(f"DBACNY~{IAB}~1YYN"[:-cut] if cut else "")
    whole = allowed_by(IAB)
    assert found is None or found.allowed is None or whole is None or found.allowed.purposes <= whole.purposes
