-- How much is used of buckets of one cell, as admission would find them; changes nothing. Follows `buckets.lua`.
-- KEYS: the keys of each bucket. ARGV: now_ms, buckets (MessagePack).
-- Returns for each bucket how much is used, and of a quota what the upstream told last: the most, and when; '' else.
local c, at, found = {now_ms = tonumber(ARGV[1]), id = '', expires_ms = 0, agent = '', hold = ''}, 1, {}
for i, b in ipairs(cmsgpack.unpack(ARGV[2])) do
  local used = KINDS[b[1]].look(KEYS, at, b, c)
  local told = {}
  if b[1] == 'quota' then told = redis.call('HMGET', KEYS[at], 'max', 'at') end
  found[i] = {integer(used), told[1] or '', told[2] or ''}
  at = at + b[3]
end
return found
