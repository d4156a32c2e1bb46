"""Seals what records say of customers, each customer's under keys of their own: destroying them erases it everywhere.

A key is random, of one customer and this process, and lives an hour. Beside each record goes the key itself, sealed
under the master key; the audit service keeps it, and deletes it when the customer is erased.
"""

import os
from collections import OrderedDict
from typing import Final

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.adapters.sealing import Sealer
from gateway.core.used import KEY_LIFE_MS, SealedValues, WrappedKey, key_bound_to, values_bound_to

MOST: Final = 20_000
"""Customers whose keys are kept; 0.5 kB each."""
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 8
_ENCODER: Final = msgspec.json.Encoder()


class _Key:
    """A data key, and how often it has sealed: a nonce must never come twice under one key.

    Its cipher is made anew for each call, in 1 us: kept, it would take 2.5 kB for each customer.
    """

    __slots__ = ("beside", "id", "key", "made_ms", "used")

    def __init__(self, key: bytes, *, key_id: str, made_ms: int, beside: bytes) -> None:
        self.key = key
        self.id = key_id
        self.made_ms = made_ms
        self.beside = beside
        self.used = 0


class SubjectKeys:
    """The data keys of this process. `sealer` holds the master keys; the first one wraps."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer: Final = sealer
        self._keys: OrderedDict[tuple[str, str], _Key] = OrderedDict()

    def seal(
        self, clear: bytes, *, tenant: str, subject_ref: str, decision: str, now_ms: int
    ) -> tuple[SealedValues, bytes]:
        """What was read for a decision, sealed; and what goes beside the record: the JSON of the `WrappedKey`.

        Without a `subject_ref` the key is of this decision alone.
        """
        key = self._key_of(tenant, subject_ref, now_ms=now_ms)
        key.used += 1
        nonce = key.used.to_bytes(12)
        sealed = nonce + AESGCM(key.key).encrypt(nonce, clear, values_bound_to(tenant, decision))
        return SealedValues(key.id, sealed), key.beside

    def drop(self, tenant: str, subject_ref: str) -> None:
        """Forget a customer's key; what is recorded of them from now on has another one."""
        self._keys.pop((tenant, subject_ref), None)

    def _key_of(self, tenant: str, subject_ref: str, *, now_ms: int) -> _Key:
        if not subject_ref:
            return self._made(tenant, "", now_ms=now_ms)
        name = (tenant, subject_ref)
        key = self._keys.get(name)
        if key is None or not 0 <= now_ms - key.made_ms < KEY_LIFE_MS:
            key = self._keys[name] = self._made(tenant, subject_ref, now_ms=now_ms)
            if len(self._keys) > MOST:
                self._keys.popitem(last=False)
        self._keys.move_to_end(name)
        return key

    def _made(self, tenant: str, subject_ref: str, *, now_ms: int) -> _Key:
        data_key = os.urandom(_KEY_BYTES)
        new = WrappedKey(os.urandom(_ID_BYTES).hex(), subject_ref, now_ms, b"")
        wrapped = self._sealer.seal(data_key, bound_to=key_bound_to(tenant, new))
        beside = _ENCODER.encode(msgspec.structs.replace(new, wrapped=wrapped))
        return _Key(data_key, key_id=new.id, made_ms=now_ms, beside=beside)
