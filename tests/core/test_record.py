"""Ids and pseudonyms."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.record import decision_id, subject_ref

TIMES = st.integers(0, 2**48 - 1)
RANDOM = st.binary(min_size=10, max_size=10)
KEY = b"k" * 32


@given(TIMES, RANDOM)
def test_a_decision_id_is_a_uuid_of_version_seven(now_ms: int, random: bytes) -> None:
    text = decision_id(now_ms=now_ms, random=random)
    found = uuid.UUID(hex=text)
    assert (found.hex, found.version, found.variant) == (text, 7, uuid.RFC_4122)
    assert found.int >> 80 == now_ms


@given(TIMES, TIMES, RANDOM, RANDOM)
def test_decision_ids_sort_by_time(one: int, two: int, random: bytes, other: bytes) -> None:
    first, second = decision_id(now_ms=one, random=random), decision_id(now_ms=two, random=other)
    assert one == two or (first < second) == (one < two)


@given(TIMES, RANDOM, RANDOM)
def test_other_random_bytes_give_another_id_but_for_the_six_bits_of_version_and_variant(
    now_ms: int, random: bytes, other: bytes
) -> None:
    kept = int.from_bytes(random) & ~(0x3F << 62) == int.from_bytes(other) & ~(0x3F << 62)
    assert (decision_id(now_ms=now_ms, random=random) == decision_id(now_ms=now_ms, random=other)) == kept


def test_a_pseudonym_is_the_same_for_the_same_key_and_tells_nothing_without_it() -> None:
    ref = subject_ref(KEY, tenant="acme", subject="contacts/cnt_1")
    assert ref == subject_ref(KEY, tenant="acme", subject="contacts/cnt_1")
    assert len(ref) == 32
    assert ref != subject_ref(b"x" * 32, tenant="acme", subject="contacts/cnt_1")


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.text("abc"), st.text("abc"))
def test_two_tenants_never_share_a_pseudonym(subject: str, one: str, two: str) -> None:
    first, second = (subject_ref(KEY, tenant=tenant, subject=subject) for tenant in (one, two))
    assert (first == second) == (one == two)
