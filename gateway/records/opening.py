"""Opens what records say of people, for who has the master key."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.adapters.sealing import Damaged, Sealer
from gateway.core.used import SealedValues, UsedValues, WrappedKey, key_bound_to, unpacked, values_bound_to

_NONCE_BYTES = 12


def opened(values: SealedValues, key: WrappedKey, *, sealer: Sealer, tenant: str, decision: str) -> UsedValues:
    """What a decision of a tenant was decided by. `sealer` holds the master keys.

    Raises:
        KeyMissing: the key was wrapped with a master key that is not here.
        Damaged: the key or the values were changed, or belong somewhere else.
        msgspec.DecodeError: a version with other values has packed them.
    """
    data_key = sealer.open(key.wrapped, bound_to=key_bound_to(tenant, key))
    nonce, rest = values.sealed[:_NONCE_BYTES], values.sealed[_NONCE_BYTES:]
    try:
        return unpacked(AESGCM(data_key).decrypt(nonce, rest, values_bound_to(tenant, decision)))
    except (InvalidTag, ValueError) as error:
        raise Damaged from error


def rewrapped(tenant: str, key: WrappedKey, *, sealer: Sealer) -> bytes:
    """A key wrapped with the first master key.

    Raises:
        KeyMissing, Damaged: see `opened`.
    """
    bound = key_bound_to(tenant, key)
    return sealer.seal(sealer.open(key.wrapped, bound_to=bound), bound_to=bound)
