-- Queues an event for its endpoints, once. KEYS: mark of the event, deliveries, due.
-- ARGV: now_ms, how long the mark stays in ms, most deliveries, then name and delivery of each.
-- Answers how many were queued; -1 where there are too many already, and then the event is not marked.
local count = (#ARGV - 3) / 2
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('HLEN', KEYS[2]) + count > tonumber(ARGV[3]) then return -1 end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[2])
for i = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[3], ARGV[1], ARGV[i])
end
return count
