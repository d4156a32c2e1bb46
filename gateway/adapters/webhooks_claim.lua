-- Takes deliveries that are due, and puts them off until the lease of whoever takes them is over.
-- KEYS: due, deliveries. ARGV: now_ms, until_ms, most. Answers the deliveries.
local found = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local delivery = redis.call('HGET', KEYS[2], name)
  if delivery then
    redis.call('ZADD', KEYS[1], ARGV[2], name)
    found[#found + 1] = delivery
  else
    redis.call('ZREM', KEYS[1], name)
  end
end
return found
