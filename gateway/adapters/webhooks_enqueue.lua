-- Queues an event for its endpoints, once for each. KEYS: mark of the event, deliveries, then due and standing of each.
-- ARGV: how long the mark stays in ms, most that may wait for one endpoint, now_ms, the event's time as text, then id,
-- name and delivery of each. Answers for how many it was queued, and for how many too much waits already: for those it
-- is not marked, so that it can be filled in.
local queued, full = 0, 0
for i = 0, (#ARGV - 4) / 3 - 1 do
  local due, standing = KEYS[3 + 2 * i], KEYS[4 + 2 * i]
  local id, name, delivery = ARGV[5 + 3 * i], ARGV[6 + 3 * i], ARGV[7 + 3 * i]
  if redis.call('SISMEMBER', KEYS[1], id) == 0 then
    if redis.call('ZCARD', due) >= tonumber(ARGV[2]) then
      full = full + 1
      redis.call('HINCRBY', standing, 'left_out', 1)
      redis.call('HSETNX', standing, 'left_out_from', ARGV[4])
      redis.call('HSET', standing, 'left_out_to', ARGV[4])
    else
      queued = queued + 1
      redis.call('SADD', KEYS[1], id)
      redis.call('HSET', KEYS[2], name, delivery)
      redis.call('ZADD', due, ARGV[3], name)
    end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {queued, full}
