-- Some members of an audience after a place, in their order.
-- KEYS: the order (a sorted set by the time of joining), the names (a hash).
-- ARGV: time and pseudonym of the last member that was shown, '' for none; how many are wanted.
-- Gives members with their times, and the names of these.
local order, names, at_ms, ref = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local first = 0
if ref ~= '' then
  local now = redis.call('ZSCORE', order, ref)
  if now and tonumber(now) == tonumber(at_ms) then
    first = redis.call('ZRANK', order, ref) + 1
  else
    -- It has left, or left and joined anew: where it was only the sorted set itself can say, for Lua may compare
    -- strings in another order than bytes have.
    redis.call('ZADD', order, at_ms, ref)
    first = redis.call('ZRANK', order, ref)
    redis.call('ZREM', order, ref)
    if now then
      redis.call('ZADD', order, now, ref)
      if tonumber(now) < tonumber(at_ms) then first = first + 1 end
    end
  end
end
local found = redis.call('ZRANGE', order, first, first + ARGV[3] - 1, 'WITHSCORES')
local members = {}
for i = 1, #found, 2 do members[#members + 1] = found[i] end
if #members == 0 then return {found, {}} end
return {found, redis.call('HMGET', names, unpack(members))}
