"""Attempts to log in, counted so that guessing gets slow and nobody can keep somebody else out.

An attempt counts for the account as seen from one network address, and for the network around it; never for the
account alone, or a stranger could lock its owner out. A browser that the owner has logged in with before carries a
device cookie (OWASP, "Device cookies") and is counted by that instead: what strangers do, even behind the same address,
is not its affair. Each counted attempt beyond the free ones doubles the wait before the next, and a long pause forgives
all.

An attempt is counted before the password is looked at, so a hundred at once are not a hundred guesses.
"""

import hashlib
import ipaddress
from typing import Any, Final, NamedTuple

import msgspec

from gateway.redis_clients import Client
from services.control.access.stored import attempts


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast one may go on: `free` attempts at once, then waits that double from `first_ms` to `longest_ms`."""

    free: int
    first_ms: int
    longest_ms: int
    forgets_ms: int
    """So long after the last attempt none is counted any more; more than `longest_ms`."""

    def wait_ms(self, count: int) -> int:
        """How long to wait after that many attempts."""
        over = count - self.free
        return 0 if over < 0 else min(self.longest_ms, self.first_ms * 2 ** min(over, 40))


PER_ACCOUNT: Final = Pace(free=5, first_ms=2_000, longest_ms=900_000, forgets_ms=3_600_000)
"""For one account, from one address or one known browser."""
PER_NETWORK: Final = Pace(free=30, first_ms=1_000, longest_ms=60_000, forgets_ms=900_000)
"""For all accounts, from one network. An office behind one address logs in at nine."""

REFUSED_MS: Final = 3_600_000
"""For so long it is not said again that somebody was told to wait."""

_TAKE: Final = """
local now, waits = tonumber(ARGV[1]), {}
for index, key in ipairs(KEYS) do
  local at = (index - 1) * 4 + 2
  local state = redis.call('HMGET', key, 'count', 'next', 'last')
  local count, after, last = tonumber(state[1] or 0), tonumber(state[2] or 0), tonumber(state[3] or 0)
  local free, first = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local longest, forgets = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  if now - last >= forgets then count, after = 0, 0 end
  -- A clock that steps back waits no longer than the longest wait.
  after = math.min(after, now + longest)
  if after > now then
    redis.call('HSET', key, 'next', string.format('%.0f', after))
    return string.format('%.0f', after - now)
  end
  local over, wait = count + 1 - free, 0
  if over >= 0 then wait = math.min(longest, first * 2 ^ math.min(over, 40)) end
  waits[index] = {key, count + 1, now + wait, forgets}
end
for _, each in ipairs(waits) do
  redis.call('HSET', each[1], 'count', each[2], 'next', string.format('%.0f', each[3]), 'last', ARGV[1])
  redis.call('PEXPIRE', each[1], each[4])
end
return '0'
"""
_GIVE_BACK: Final = """
for index, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    local count = redis.call('HINCRBY', key, 'count', -1)
    if count < tonumber(ARGV[index]) then redis.call('HSET', key, 'next', '0') end
    if count <= 0 then redis.call('DEL', key) end
  end
end
return 1
"""


class Attempt(NamedTuple):
    """Who tries to log in, from where."""

    account: str
    network: str
    """IP address; anything else is a network of its own."""
    device: str = ""
    """Id of a known browser of the account."""


class Throttle:
    """Counts attempts. Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client, *, account: Pace = PER_ACCOUNT, network: Pace = PER_NETWORK) -> None:
        self._redis = redis
        self._account = account
        self._network = network

    async def take(self, attempt: Attempt, *, now_ms: int) -> int:
        """Count an attempt; answers 0, or the milliseconds to wait, and then nothing was counted. Atomic."""
        keys = _keys(attempt)
        paces = (self._account, self._network)[: len(keys)]
        numbers = [number for pace in paces for number in (pace.free, pace.first_ms, pace.longest_ms, pace.forgets_ms)]
        waits: Any = await self._redis.eval(_TAKE, len(keys), *keys, str(now_ms), *map(str, numbers))
        return int(waits)

    async def first_refusal(self, account: str) -> bool:
        """Whether no attempt for this account was told to wait within the hour before, from wherever."""
        name = attempts("refused", _short(account))
        return bool(await self._redis.set(name, b"1", nx=True, px=REFUSED_MS))

    async def succeeded(self, attempt: Attempt) -> None:
        """The attempt was right: its account starts anew from there, and the network gets its attempt back."""
        first, *rest = _keys(attempt)
        await self._redis.delete(first)
        await self._give_back(rest, (self._network,))

    async def take_back(self, attempt: Attempt) -> None:
        """The attempt was not looked at, so it does not count."""
        await self._give_back(_keys(attempt), (self._account, self._network))

    async def _give_back(self, keys: list[str], paces: tuple[Pace, ...]) -> None:
        if keys:
            free = (str(pace.free) for pace, _ in zip(paces, keys, strict=False))
            result: Any = self._redis.eval(_GIVE_BACK, len(keys), *keys, *free)
            await result


def _keys(attempt: Attempt) -> list[str]:
    if attempt.device:
        return [attempts("device", _short(f"{attempt.account} {attempt.device}"))]
    address, network = _places(attempt.network)
    return [attempts("account", _short(f"{attempt.account} {address}")), attempts("network", _short(network))]


def _places(text: str) -> tuple[str, str]:
    """The address (of IPv6 the /64, which one customer has), and the network around it (/24, of IPv6 the /48)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text, text
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    near, far = (32, 24) if address.version == 4 else (64, 48)
    return tuple(str(ipaddress.ip_network((address, length), strict=False)) for length in (near, far))  # type: ignore[return-value]


def _short(who: str) -> str:
    """No address and no name stays readable in the store."""
    return hashlib.sha256(who.encode()).hexdigest()[:32]
