"""Compare and swap of one value in Redis: who was overtaken begins anew, so nobody's change is lost to another's."""

from typing import Final

SWAP: Final = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
"""KEYS: the value. ARGV: what it was, '' for nothing; what it becomes. Gives 1 where it was that."""
