"""The steps of the queue that must happen whole, as functions of Redis. All keys of a tenant are in one slot.

A lease is "begun:until:holder". An item's version is compared, so that what others have said meanwhile is never lost.
"""

from typing import Final

_FREE: Final = """
local function lease(id)
  local kept = redis.call('HGET', KEYS[2], id)
  if not kept then return nil end
  local begun, till, holder = string.match(kept, '^(%d+):(%d+):(.*)$')
  return {begun = begun, till = tonumber(till), holder = holder}
end
local function version(id)
  local kept = redis.call('HGET', KEYS[1], id)
  return kept and (cjson.decode(kept).version or 1) or 0
end
"""
# KEYS: items, leases, mine; ARGV: who, now, until, then ids each with the version that was seen.
TAKE: Final = (
    _FREE
    + """
local now = tonumber(ARGV[2])
local own = redis.call('HGET', KEYS[3], ARGV[1])
if own then
  local kept = lease(own)
  if kept and kept.holder == ARGV[1] and kept.till > now and version(own) > 0 then return own end
end
for at = 4, #ARGV, 2 do
  local kept = lease(ARGV[at])
  if (not kept or kept.till <= now) and version(ARGV[at]) == tonumber(ARGV[at + 1]) then
    redis.call('HSET', KEYS[2], ARGV[at], ARGV[2] .. ':' .. ARGV[3] .. ':' .. ARGV[1])
    redis.call('HSET', KEYS[3], ARGV[1], ARGV[at])
    return ARGV[at]
  end
end
return false
"""
)
# KEYS: items, leases, mine; ARGV: id, who, until. Says whether they have it still: also a lease that is over, where
# nobody has taken it since.
RENEW: Final = (
    _FREE
    + """
local kept = lease(ARGV[1])
if not kept or kept.holder ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], kept.begun .. ':' .. ARGV[3] .. ':' .. ARGV[2])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[1])
return 1
"""
)
# KEYS: items, leases, mine; ARGV: id, who.
RELEASE: Final = (
    _FREE
    + """
local kept = lease(ARGV[1])
if not kept or kept.holder ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('HGET', KEYS[3], ARGV[2]) == ARGV[1] then redis.call('HDEL', KEYS[3], ARGV[2]) end
return 1
"""
)
# KEYS: items, leases, mine, open, settled; ARGV: id, who, the lease as it was read, the version that was seen, the item
# as it is then, its place, whether it is settled. Gives what was wrong.
ANSWER: Final = (
    _FREE
    + """
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[3] then return 'lease' end
if version(ARGV[1]) ~= tonumber(ARGV[4]) then return 'version' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[5])
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('HGET', KEYS[3], ARGV[2]) == ARGV[1] then redis.call('HDEL', KEYS[3], ARGV[2]) end
if ARGV[7] == '1' then
  redis.call('ZREM', KEYS[4], ARGV[1])
  redis.call('ZADD', KEYS[5], ARGV[6], ARGV[1])
end
return 'done'
"""
)
# KEYS: items, open, hours; ARGV: the hour or "", what is to be known of it, then for each item its id, the version that
# was seen (0: none), the item, its place. All or nothing; an hour is drawn once.
ADD: Final = """
if ARGV[1] ~= '' and redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then return 'known' end
for at = 3, #ARGV, 4 do
  local kept = redis.call('HGET', KEYS[1], ARGV[at])
  local version = kept and (cjson.decode(kept).version or 1) or 0
  if version ~= tonumber(ARGV[at + 1]) then return 'version' end
end
for at = 3, #ARGV, 4 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 2])
  if ARGV[at + 3] ~= '' then redis.call('ZADD', KEYS[2], ARGV[at + 3], ARGV[at]) end
end
if ARGV[1] ~= '' then redis.call('HSET', KEYS[3], ARGV[1], ARGV[2]) end
return 'done'
"""
