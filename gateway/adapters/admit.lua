#!lua name=@LIBRARY@
-- One call is admitted in one step: idempotency key, every bucket, and the record, all or nothing.
-- Milliseconds since the epoch come from the caller; a clock that steps back never opens a bucket early.

local DAY_MS = 86400000

-- GCRA. The stored value is the theoretical arrival time in microseconds. It can never rightly lie further ahead than
-- the whole burst; where it does, the clock has stepped back, and it is cut so that nobody waits for the old time. The
-- cut value is given back too, to be stored also by a refusal: else every look would cut anew, and see a full bucket.
local function look_rate(key, now_us, burst, interval_us)
  local ahead = burst * interval_us
  local stored = tonumber(redis.call('GET', key) or '0')
  local tat = math.min(math.max(stored, now_us), now_us + ahead)
  local next_tat = tat + interval_us
  local wait_us = next_tat - ahead - now_us
  local used = math.ceil((tat - now_us) / interval_us)
  return used, math.max(0, math.ceil(wait_us / 1000)), next_tat, stored > tat and tat or nil
end

local function store_rate(key, tat, now_ms)
  redis.call('SET', key, string.format('%.0f', tat), 'PX', math.ceil(tat / 1000 - now_ms) + 1)
end

-- Rolling window as a log: one member for each contact, scored with its time.
local function look_cap(key, now_ms, max, window_ms)
  local used = redis.call('ZCOUNT', key, string.format('(%.0f', now_ms - window_ms), '+inf')
  if used < max then return used, 0 end
  local freeing = redis.call('ZRANGE', key, -max, -max, 'WITHSCORES')
  return used, math.max(1, tonumber(freeing[2]) + window_ms - now_ms)
end

-- What has left the window is forgotten, but for the newest: a clock that runs ahead must not open the cap for one that
-- is right. Twice the maximum leaves room for contacts that are given back.
local function store_cap(key, now_ms, max, window_ms, id)
  local old = redis.call('ZCOUNT', key, '-inf', string.format('%.0f', now_ms - window_ms))
  local drop = math.min(old, redis.call('ZCARD', key) - 2 * max)
  if drop > 0 then redis.call('ZREMRANGEBYRANK', key, 0, drop - 1) end
  redis.call('ZADD', key, string.format('%.0f', now_ms), id)
  redis.call('PEXPIRE', key, string.format('%.0f', window_ms))
end

local function outcome_json(granted, refused, reason, first, used, waits, stop)
  local looks = {}
  for i = 1, #used do
    looks[i] = '{"used":' .. string.format('%d', used[i]) .. ',"wait_ms":' .. string.format('%d', waits[i]) .. '}'
  end
  local halted = stop and ',"stop":' .. cjson.encode(stop) or ''
  return '{"granted":' .. tostring(granted) .. ',"refused":' .. refused .. ',"reason":' .. cjson.encode(reason)
    .. ',"first":' .. cjson.encode(first) .. halted .. ',"looks":[' .. table.concat(looks, ',') .. ']}'
end

-- An empty record asks what admission would say, and changes nothing.
local function written(stream, record, granted, refused, reason, first, answer, used, waits, stop)
  local outcome = outcome_json(granted, refused, reason, first, used, waits, stop)
  if record ~= '' then redis.call('XADD', stream, '*', 'k', 'admit', 'r', record, 'o', outcome) end
  return {outcome, answer}
end

-- The first call with this key, if there was one: its reason to refuse, its decision and its answer.
local function first_call(key, hash, now_ms)
  local first = redis.call('HMGET', key, 'hash', 'id', 'state', 'expires', 'answer')
  if not first[1] then return nil end
  if first[1] ~= hash then return 'IDEMPOTENCY_KEY_REUSED', first[2], '' end
  if first[3] == 'done' then return '', first[2], first[5] end
  if first[3] == 'doubt' or now_ms > tonumber(first[4]) then return 'UPSTREAM_IN_DOUBT', first[2], '' end
  return 'IDEMPOTENCY_KEY_RUNNING', first[2], ''
end

-- The stop that halts the call, if any does.
local function stopped(key, whats)
  local found = redis.call('HMGET', key, unpack(whats))
  for i = 1, #whats do
    if found[i] then return whats[i] end
  end
  return nil
end

-- KEYS: stream, idempotency key (the stream again where the call has none), stops, then one key a bucket.
-- ARGV: now_ms, record ('' to only look), decision id, request hash ('' where the call has no idempotency key),
--       expires_ms, five stops that would halt the call, and for each bucket its kind, capacity, period_ms, interval_us
--       and mode.
local function admit(keys, argv)
  local stream, request_key = keys[1], keys[2]
  local now_ms, record, id, hash, expires_ms = tonumber(argv[1]), argv[2], argv[3], argv[4], argv[5]
  local stop = stopped(keys[3], {argv[6], argv[7], argv[8], argv[9], argv[10]})
  if stop then return written(stream, record, false, -1, 'STOPPED', '', '', {}, {}, stop) end
  if hash ~= '' then
    local reason, first, answer = first_call(request_key, hash, now_ms)
    if reason then return written(stream, record, reason == '', -1, reason, first, answer, {}, {}) end
  end
  local used, waits, tats, cut, refused = {}, {}, {}, {}, -1
  for i = 1, #keys - 3 do
    local at = 5 * i + 5
    local kind, capacity, period_ms, interval_us = argv[at + 1], tonumber(argv[at + 2]), tonumber(argv[at + 3]),
      tonumber(argv[at + 4])
    if capacity == 0 then
      used[i], waits[i] = 0, -1
    elseif kind == 'rate' then
      used[i], waits[i], tats[i], cut[i] = look_rate(keys[i + 3], now_ms * 1000, capacity, interval_us)
    else
      used[i], waits[i] = look_cap(keys[i + 3], now_ms, capacity, period_ms)
    end
    -- The longest wait is the one that tells the caller when it is worth coming back; never is longer than any.
    if waits[i] ~= 0 and argv[at + 5] == 'enforce' then
      if refused < 0 or waits[i] < 0 or (waits[refused + 1] > 0 and waits[i] > waits[refused + 1]) then
        refused = i - 1
      end
    end
  end
  if record ~= '' then
    for i, tat in pairs(cut) do store_rate(keys[i + 3], tat, now_ms) end
  end
  if refused >= 0 or record == '' then
    return written(stream, record, refused < 0, refused, '', '', '', used, waits)
  end
  for i = 1, #keys - 3 do
    local at = 5 * i + 5
    if argv[at + 1] == 'cap' then
      store_cap(keys[i + 3], now_ms, tonumber(argv[at + 2]), tonumber(argv[at + 3]), id)
      used[i] = used[i] + 1
    elseif tats[i] and waits[i] == 0 then
      store_rate(keys[i + 3], tats[i], now_ms)
      used[i] = used[i] + 1
    end
  end
  if hash ~= '' then
    redis.call('HSET', request_key, 'hash', hash, 'id', id, 'state', 'running', 'expires', expires_ms)
    redis.call('PEXPIRE', request_key, DAY_MS)
  end
  return written(stream, record, true, -1, '', '', '', used, waits)
end

-- KEYS: stream, idempotency key (or the stream again), then the caps to give back.
-- ARGV: settlement, decision id, what becomes of the idempotency key ('', 'done', 'doubt' or 'free'), answer.
-- Doing it twice changes nothing but the stream, and there the reader counts by decision id.
local function settle(keys, argv)
  local settlement, id, state, answer = argv[1], argv[2], argv[3], argv[4]
  for i = 3, #keys do redis.call('ZREM', keys[i], id) end
  if state ~= '' and redis.call('HGET', keys[2], 'id') == id then
    if state == 'free' then
      redis.call('DEL', keys[2])
    else
      redis.call('HSET', keys[2], 'state', state, 'answer', answer)
    end
  end
  redis.call('XADD', keys[1], '*', 'k', 'settle', 'r', settlement)
  return 1
end

redis.register_function('@LIBRARY@_admit', admit)
redis.register_function('@LIBRARY@_settle', settle)
