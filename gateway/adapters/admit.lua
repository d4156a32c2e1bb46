-- One call is admitted in one step: stops, idempotency key, every bucket, and the record, all or nothing.

local DAY_MS = 86400000

local function looks_json(used, waits, others)
  local looks = {}
  for i = 1, #used do
    local other = others[i] and ',"other":' .. cjson.encode(others[i]) or ''
    looks[i] = '{"used":' .. integer(used[i]) .. ',"wait_ms":' .. integer(waits[i]) .. other .. '}'
  end
  return '[' .. table.concat(looks, ',') .. ']'
end

local function outcome_json(granted, refused, reason, first, looks, stop)
  local halted = stop and ',"stop":' .. cjson.encode(stop) or ''
  return '{"granted":' .. tostring(granted) .. ',"refused":' .. refused .. ',"reason":' .. cjson.encode(reason)
    .. ',"first":' .. cjson.encode(first) .. halted .. ',"looks":' .. looks .. '}'
end

-- An empty record asks what admission would say, and changes nothing.
local function written(stream, record, outcome, answer)
  if record ~= '' then append(stream, record, outcome) end
  return {outcome, answer}
end

-- The first call with this key, if there was one: its reason to refuse, its decision and its answer.
local function first_call(key, hash, now_ms)
  local first = redis.call('HMGET', key, 'hash', 'id', 'state', 'expires', 'answer')
  if not first[1] then return nil end
  if first[1] ~= hash then return 'IDEMPOTENCY_KEY_REUSED', first[2], '' end
  if first[3] == 'done' then return '', first[2], first[5] end
  -- Of a call that was kept: what its hold says is found out by who asks, see holds.lua.
  if first[3] == 'held' then return 'APPROVAL_REQUIRED', first[2], '' end
  if first[3] == 'refused' then return 'HOLD_REFUSED', first[2], '' end
  if first[3] == 'doubt' or now_ms > tonumber(first[4]) then return 'UPSTREAM_IN_DOUBT', first[2], '' end
  return 'IDEMPOTENCY_KEY_RUNNING', first[2], ''
end

-- The longest wait is the one that tells the caller when it is worth coming back; never is longer than any.
local function longest(buckets, waits)
  local refused = 0
  for i = 1, #buckets do
    if waits[i] ~= 0 and buckets[i][2] == 'enforce' then
      local longer = refused == 0 or waits[i] < 0 or (waits[refused] > 0 and waits[i] > waits[refused])
      if longer then refused = i end
    end
  end
  return refused - 1
end

-- KEYS: stream, idempotency key (the stream again where the call has none), stops, then the keys of each bucket.
-- ARGV: now_ms, record ('' to only look), decision, request hash ('' where the call has no idempotency key), expires_ms,
--       agent, decision that this call was kept under ('' for none), buckets (MessagePack), then the stops that would
--       halt the call.
local function admit(keys, argv)
  local stream, request_key = keys[1], keys[2]
  local record, hash = argv[2], argv[4]
  local c = {
    now_ms = tonumber(argv[1]), id = argv[3], expires_ms = tonumber(argv[5]), agent = argv[6], hold = argv[7],
    stops = keys[3],
  }
  local stop = stopped(keys[3], {unpack(argv, 9)})
  if stop then return written(stream, record, outcome_json(false, -1, 'STOPPED', '', '[]', stop), '') end
  if hash ~= '' then
    local reason, first, answer = first_call(request_key, hash, c.now_ms)
    if reason then
      -- A repeat shows its customer nothing that the first call has not shown. Only the record's own field looks so:
      -- quotes within its texts are escaped.
      local repeated = string.gsub(record, '"exposures":%[.-%]', '"exposures":[]', 1)
      return written(stream, repeated, outcome_json(reason == '', -1, reason, first, '[]'), answer)
    end
  end
  local buckets = cmsgpack.unpack(argv[8])
  local used, waits, states, others, places, at = {}, {}, {}, {}, {}, 4
  for i, b in ipairs(buckets) do
    places[i] = at
    if b[4] == 0 then
      used[i], waits[i] = 0, -1
    else
      used[i], waits[i], states[i], others[i] = KINDS[b[1]].look(keys, at, b, c)
    end
    at = at + b[3]
  end
  local refused = longest(buckets, waits)
  if record ~= '' then
    for i, b in ipairs(buckets) do
      if states[i] and KINDS[b[1]].cut then KINDS[b[1]].cut(keys, places[i], c, states[i]) end
    end
  end
  if refused >= 0 or record == '' then
    return written(stream, record, outcome_json(refused < 0, refused, '', '', looks_json(used, waits, others)), '')
  end
  for i, b in ipairs(buckets) do
    -- What only watches is counted beyond its maximum where contacts are counted, since they are made all the same.
    if waits[i] == 0 or KINDS[b[1]].counts then
      KINDS[b[1]].take(keys, places[i], b, c, states[i])
      used[i] = used[i] + b[5]
    end
  end
  if hash ~= '' then
    redis.call('HSET', request_key, 'hash', hash, 'id', c.id, 'state', 'running', 'expires', argv[5])
    redis.call('PEXPIRE', request_key, DAY_MS)
  end
  return written(stream, record, outcome_json(true, -1, '', '', looks_json(used, waits, others)), '')
end

-- What was let through while the store was down is counted and recorded once it is back; whatever the buckets hold by
-- now, it has happened. Done once, however often it is replayed.
-- KEYS: stream, mark of what was counted, then the keys of each bucket.
-- ARGV: now_ms, record, decision, outcome, expires_ms, agent, buckets.
local function recount(keys, argv)
  if not redis.call('SET', keys[2], '1', 'NX', 'PX', integer(30 * DAY_MS)) then return 0 end
  local c = {now_ms = tonumber(argv[1]), id = argv[3], expires_ms = tonumber(argv[5]), agent = argv[6], hold = ''}
  local at = 3
  for _, b in ipairs(cmsgpack.unpack(argv[7])) do
    local kind = KINDS[b[1]]
    if kind.counts or b[1] == 'trail' then kind.take(keys, at, b, c) end
    at = at + b[3]
  end
  append(keys[1], argv[2], argv[4])
  return 1
end

-- What the store had admitted and may have lost since: a server that dies, or is replaced by its replica, loses what it
-- answered in its last moments. Told again in order; what is still there stays as it is, but that the stream has it twice.
-- Sums and rates cannot be told twice, so they are not: they may be short of those moments.
-- KEYS and ARGV: like `admit`, with the outcome in place of the stops.
local function again(keys, argv)
  local c = {now_ms = tonumber(argv[1]), id = argv[3], expires_ms = tonumber(argv[5]), agent = argv[6], hold = argv[7]}
  local at = 4
  for _, b in ipairs(cmsgpack.unpack(argv[8])) do
    local kind = KINDS[b[1]]
    if kind.again then kind.take(keys, at, b, c) end
    at = at + b[3]
  end
  if argv[4] ~= '' and redis.call('EXISTS', keys[2]) == 0 then
    redis.call('HSET', keys[2], 'hash', argv[4], 'id', c.id, 'state', 'running', 'expires', argv[5])
    redis.call('PEXPIRE', keys[2], DAY_MS)
  end
  append(keys[1], argv[2], argv[9])
  return 1
end

-- KEYS: stream, idempotency key (or the stream again), then the keys of what is settled.
-- ARGV: settlement, decision, what becomes of the idempotency key ('', 'done', 'doubt' or 'free'), answer, and what
--       becomes of what was taken (MessagePack).
-- Doing it twice changes nothing but the stream, and there the reader counts by decision.
local function settle(keys, argv)
  local settlement, id, state, answer = argv[1], argv[2], argv[3], argv[4]
  local at = 3
  for _, s in ipairs(cmsgpack.unpack(argv[5])) do
    SETTLE[s[1]](keys, at, s)
    at = at + s[2]
  end
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

-- What a customer did after a contact, told once. A delivery makes the contact count where caps wait for it, and one
-- that will never come frees what it had reserved.
-- KEYS: outcomes, key of this event, key of what waits for the delivery, then log and open reservations of each cap that
-- waits. ARGV: outcome ('' where another cell keeps it), decision, what it means for them ('confirm', 'free' or ''), time, days to remember the event,
-- then maximum and keep_ms of each cap. Returns 1 for new, 0 for known, -1 where other caps wait than the caller saw.
local function report(keys, argv)
  local caps, waiting = (#keys - 3) / 2, 0
  if argv[3] ~= '' then
    waiting = redis.call('HLEN', keys[3]) - redis.call('HEXISTS', keys[3], EARLY)
    if waiting ~= caps then return -1 end
  end
  if not redis.call('SET', keys[2], '1', 'NX', 'PX', integer(argv[5] * DAY_MS)) then return 0 end
  if argv[1] ~= '' then redis.call('XADD', keys[1], '*', 'k', 'outcome', 'r', argv[1]) end
  if argv[3] == '' then return 1 end
  for i = 1, caps do
    local own = {argv[3], 2, argv[2], tonumber(argv[4]), tonumber(argv[4 + 2 * i]), tonumber(argv[5 + 2 * i])}
    SETTLE[argv[3]](keys, 2 + 2 * i, own)
  end
  redis.call('DEL', keys[3])
  if caps == 0 then  -- the contact may not be settled yet
    redis.call('HSET', keys[3], EARLY, argv[3] .. ' ' .. argv[4])
    redis.call('PEXPIRE', keys[3], DAY_MS)
  end
  return 1
end

redis.register_function('@LIBRARY@_again', again)
redis.register_function('@LIBRARY@_recount', recount)
redis.register_function('@LIBRARY@_report', report)
redis.register_function('@LIBRARY@_admit', admit)
redis.register_function('@LIBRARY@_settle', settle)
