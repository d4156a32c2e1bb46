"""Each customer's values are sealed under keys of their own, which open them and nothing else."""

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.sealing import Damaged, Sealer
from gateway.adapters.subject_keys import MOST, SubjectKeys
from gateway.core.used import KEY_LIFE_MS, SealedValues, WrappedKey, key_bound_to, values_bound_to

MASTER = b"m" * 32
SEALER = Sealer((MASTER,))


def opened(values: SealedValues, beside: bytes, *, tenant: str = "acme", decision: str) -> bytes:
    key = msgspec.json.decode(beside, type=WrappedKey)
    assert key.id == values.key
    data_key = SEALER.open(key.wrapped, bound_to=key_bound_to(tenant, key))
    return AESGCM(data_key).decrypt(values.sealed[:12], values.sealed[12:], values_bound_to(tenant, decision))


@given(st.lists(st.tuples(st.sampled_from(["", "ada", "bob"]), st.binary(max_size=64)), max_size=20))
def test_what_is_sealed_opens_for_its_decision_and_no_nonce_comes_twice_under_a_key(
    sealed: list[tuple[str, bytes]],
) -> None:
    keys, seen = SubjectKeys(SEALER), set()
    for number, (subject, clear) in enumerate(sealed):
        values, beside = keys.seal(clear, tenant="acme", subject_ref=subject, decision=str(number), now_ms=number)
        assert opened(values, beside, decision=str(number)) == clear
        assert clear not in values.sealed or len(clear) < 4
        with pytest.raises(InvalidTag):
            opened(values, beside, decision="another")
        assert (values.key, values.sealed[:12]) not in seen
        seen.add((values.key, values.sealed[:12]))


def test_a_customer_keeps_a_key_for_an_hour_and_nobody_else_has_it() -> None:
    keys = SubjectKeys(SEALER)

    def key_of(subject: str, *, at: int, tenant: str = "acme") -> str:
        return keys.seal(b"x", tenant=tenant, subject_ref=subject, decision="d", now_ms=at)[0].key

    first = key_of("ada", at=0)
    assert key_of("ada", at=KEY_LIFE_MS - 1) == first
    assert len({first, key_of("bob", at=0), key_of("ada", at=0, tenant="globex"), key_of("ada", at=KEY_LIFE_MS)}) == 4
    assert key_of("", at=0) != key_of("", at=0)


def test_after_an_erasure_a_customer_has_another_key() -> None:
    keys = SubjectKeys(SEALER)
    before, _ = keys.seal(b"x", tenant="acme", subject_ref="ada", decision="d", now_ms=0)
    other, _ = keys.seal(b"x", tenant="acme", subject_ref="bob", decision="d", now_ms=0)
    keys.drop("acme", "ada")
    keys.drop("acme", "nobody")
    assert keys.seal(b"x", tenant="acme", subject_ref="ada", decision="d", now_ms=1)[0].key != before.key
    assert keys.seal(b"x", tenant="acme", subject_ref="bob", decision="d", now_ms=1)[0].key == other.key


def test_a_clock_that_steps_back_makes_a_new_key() -> None:
    keys = SubjectKeys(SEALER)
    before, _ = keys.seal(b"x", tenant="acme", subject_ref="ada", decision="d", now_ms=10_000)
    assert keys.seal(b"x", tenant="acme", subject_ref="ada", decision="d", now_ms=9_999)[0].key != before.key


def test_of_too_many_customers_the_longest_unused_lose_their_keys() -> None:
    keys = SubjectKeys(SEALER)
    first, _ = keys.seal(b"x", tenant="acme", subject_ref="0", decision="d", now_ms=0)
    second, _ = keys.seal(b"x", tenant="acme", subject_ref="1", decision="d", now_ms=0)
    keys.seal(b"x", tenant="acme", subject_ref="0", decision="d", now_ms=0)
    for number in range(2, MOST + 1):
        keys.seal(b"x", tenant="acme", subject_ref=str(number), decision="d", now_ms=0)
    assert keys.seal(b"x", tenant="acme", subject_ref="0", decision="d", now_ms=0)[0].key == first.key
    assert keys.seal(b"x", tenant="acme", subject_ref="1", decision="d", now_ms=0)[0].key != second.key


def test_a_wrapped_key_cannot_be_passed_for_another_customers_or_for_a_younger_one() -> None:
    _, beside = SubjectKeys(SEALER).seal(b"x", tenant="acme", subject_ref="ada", decision="d", now_ms=5)
    key = msgspec.json.decode(beside, type=WrappedKey)
    forged = [
        ("acme", msgspec.structs.replace(key, subject_ref="bob")),
        ("acme", msgspec.structs.replace(key, made_ms=6)),
        ("acme", msgspec.structs.replace(key, id="0" * 16)),
        ("globex", key),
    ]
    for tenant, each in forged:
        with pytest.raises(Damaged):
            SEALER.open(each.wrapped, bound_to=key_bound_to(tenant, each))
