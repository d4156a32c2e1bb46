"""What a TC string of the IAB allows is read as its makers wrote it, and what is none is no consent."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.tcf import Allowed, allowed_by

# Made by others: the IAB's own library, and the one of Perl, which documents what the second says.
IAB = "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBA"
PERL = "CLcVDxRMWfGmWAVAHCENAXCkAKDAADnAABRgA5mdfCKZuYJez-NQm0TBMYA4oCAAGQYIAAAAAAEAIAEgAA.argAC0gAAAAAAAAAAAA"
VENDORS = st.frozensets(st.integers(1, 90), max_size=20)


def written(purposes: frozenset[int], vendors: frozenset[int], *, ranges: bool) -> str:
    """A core as the specification lays it out; what is not read is filled with ones."""
    highest = max(vendors, default=0)
    bits = "000010" + "1" * 146
    bits += "".join("01"[n in purposes] for n in range(1, 25)) + "1" * 37
    bits += f"{highest:016b}" + "01"[ranges]
    if ranges:
        runs = [[n, n] for n in sorted(vendors) if n - 1 not in vendors]
        for run in runs:
            while run[1] + 1 in vendors:
                run[1] += 1
        bits += f"{len(runs):012b}"
        bits += "".join(f"0{a:016b}" if a == b else f"1{a:016b}{b:016b}" for a, b in runs)
    else:
        bits += "".join("01"[n in vendors] for n in range(1, highest + 1))
    bits += "0" * (-len(bits) % 8)
    raw = int(bits, 2).to_bytes(len(bits) // 8)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_strings_that_others_have_made_are_read_as_they_meant_them() -> None:
    assert allowed_by(IAB) == Allowed(frozenset({1, 2, 3}), frozenset({2, 6, 8}))
    found = allowed_by(PERL)
    assert found is not None
    assert found.purposes == {1, 3, 9, 10}
    assert 284 not in found.vendors


@given(st.frozensets(st.integers(1, 24)), VENDORS, st.booleans())
def test_what_is_written_is_read(purposes: frozenset[int], vendors: frozenset[int], ranges: bool) -> None:  # noqa: FBT001
    assert allowed_by(written(purposes, vendors, ranges=ranges)) == Allowed(purposes, vendors)


@given(st.frozensets(st.integers(1, 24)), VENDORS, st.booleans(), st.integers(1, 60))
def test_what_is_cut_off_is_never_read_as_more_than_it_says(
    purposes: frozenset[int],
    vendors: frozenset[int],
    ranges: bool,  # noqa: FBT001
    cut: int,
) -> None:
    found = allowed_by(written(purposes, vendors, ranges=ranges)[:-cut])
    assert found is None or (found.purposes <= purposes and found.vendors <= vendors)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    allowed_by(text)


@pytest.mark.parametrize(
    "text", ["", ".", "C", "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA", IAB[:30], "é" * 80, "C" * 10_000]
)
def test_what_is_no_string_of_version_two_is_none(text: str) -> None:
    assert allowed_by(text) is None
