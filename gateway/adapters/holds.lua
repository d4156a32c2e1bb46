-- Calls that are kept. What may follow what is decided in gateway/core/holds.py; here a step is taken whole or not at
-- all: the hold, its places in the indexes, its record in the stream, and the idempotency key of the call.
-- A request key says in `state` what a repeat gets: 'held' the name of the hold, 'done' the answer, 'refused' and
-- 'doubt' why there is none. Admission knows 'done', and takes any other state for a call that still runs.

local KEPT_MS = 604800000

local function written(stream, record, outcome)
  if record ~= '' then append(stream, record, outcome) end
end

local function outcome_json(granted, reason, first, stop)
  local halted = stop and ',"stop":' .. cjson.encode(stop) or ''
  return '{"granted":' .. tostring(granted) .. ',"refused":-1,"reason":' .. cjson.encode(reason)
    .. ',"first":' .. cjson.encode(first) .. halted .. '}'
end

-- What the first call with this key came to: granted, reason, the first call's decision, and its answer.
local function first_call(key, hash, now_ms)
  local first = redis.call('HMGET', key, 'hash', 'id', 'state', 'expires', 'answer')
  if not first[1] then return nil end
  local state, id = first[3], first[2]
  if first[1] ~= hash then return {false, 'IDEMPOTENCY_KEY_REUSED', id, ''} end
  if state == 'held' then return {false, '', id, ''} end
  if state == 'done' then return {true, '', id, first[5] or ''} end
  if state == 'refused' then return {false, 'HOLD_REFUSED', id, ''} end
  if state == 'doubt' or now_ms > tonumber(first[4]) then return {false, 'UPSTREAM_IN_DOUBT', id, ''} end
  return {false, 'IDEMPOTENCY_KEY_RUNNING', id, ''}
end

local function place(keys, id, due_ms, open_ms)
  redis.call('ZADD', keys[3], due_ms, id)
  if open_ms ~= '' then redis.call('ZADD', keys[4], open_ms, id) else redis.call('ZREM', keys[4], id) end
  redis.call('INCR', keys[5])
end

-- Keeps a call and records that, or says what became of the first one with the same idempotency key.
-- KEYS: stream, hold, due, open, changes, idempotency key (the stream again where the call has none), stops, then what
--       is pending in each cap with priorities that the call would take from.
-- ARGV: now_ms, hold id, record, record of a repeat that gets the answer, request hash ('' where the call has no
--       idempotency key), expires_ms, due_ms, how many holds may be open, five stops that would halt the call, what to
--       call it in each of these caps (MessagePack), then the fields of the hold.
local function keep(keys, argv)
  local stream, now_ms, id, record, hash = keys[1], tonumber(argv[1]), argv[2], argv[3], argv[5]
  local stop = stopped(keys[7], {argv[9], argv[10], argv[11], argv[12], argv[13]})
  if stop then
    local outcome = outcome_json(false, 'STOPPED', '', stop)
    written(stream, record, outcome)
    return {outcome, ''}
  end
  local first = hash ~= '' and first_call(keys[6], hash, now_ms)
  if first then
    local outcome = outcome_json(first[1], first[2], first[3])
    written(stream, first[1] and argv[4] or record, outcome)
    return {outcome, first[4]}
  end
  if redis.call('ZCARD', keys[4]) >= tonumber(argv[8]) then
    local outcome = outcome_json(false, 'LIMIT_EXCEEDED', '')
    written(stream, record, outcome)
    return {outcome, ''}
  end
  local outcome = outcome_json(false, '', '')
  redis.call('HSET', keys[2], unpack(argv, 15))
  for i, member in ipairs(cmsgpack.unpack(argv[14])) do
    redis.call('ZADD', keys[7 + i], argv[7], member)
    redis.call('PEXPIRE', keys[7 + i], string.format('%.0f', math.max(1, tonumber(argv[6]) - now_ms)))
  end
  place(keys, id, argv[7], argv[1])
  if hash ~= '' then
    redis.call('HSET', keys[6], 'hash', hash, 'id', id, 'state', 'held', 'expires', argv[6])
    redis.call('PEXPIRE', keys[6], string.format('%.0f', math.max(1, tonumber(argv[6]) - now_ms) + KEPT_MS))
  end
  written(stream, record, outcome)
  return {outcome, ''}
end

-- Takes one step from the version that was read; says whether the hold was still that one.
-- KEYS: stream, hold, due, open, changes, idempotency key (the stream again where the call has none).
-- ARGV: version that was read, hold id, due_ms, when it was made ('' once it is over), record ('' for none), what
--       becomes of the idempotency key ('', 'done', 'doubt', 'refused' or 'free'), sealed answer, then the fields.
local function move(keys, argv)
  local id, key_state = argv[2], argv[6]
  if redis.call('HGET', keys[2], 'version') ~= argv[1] then return 0 end
  redis.call('HSET', keys[2], unpack(argv, 8))
  place(keys, id, argv[3], argv[4])
  if key_state ~= '' and redis.call('HGET', keys[6], 'id') == id then
    if key_state == 'free' then
      redis.call('DEL', keys[6])
    else
      redis.call('HSET', keys[6], 'state', key_state, 'answer', argv[7])
      redis.call('PEXPIRE', keys[6], KEPT_MS)
    end
  end
  written(keys[1], argv[5], '{"granted":false}')
  return 1
end

-- KEYS: hold, due, open. ARGV: version that was read, hold id.
local function forget(keys, argv)
  local version = redis.call('HGET', keys[1], 'version')
  if version and version ~= argv[1] then return 0 end
  redis.call('DEL', keys[1])
  redis.call('ZREM', keys[2], argv[2])
  redis.call('ZREM', keys[3], argv[2])
  return 1
end

-- KEYS: due, changes. ARGV: now_ms, how many at most.
local function due(keys, argv)
  local ids = redis.call('ZRANGE', keys[1], '-inf', argv[1], 'BYSCORE', 'LIMIT', 0, argv[2])
  return {ids, redis.call('GET', keys[2]) or '0'}
end

redis.register_function('@LIBRARY@_keep', keep)
redis.register_function('@LIBRARY@_move', move)
redis.register_function('@LIBRARY@_forget', forget)
redis.register_function('@LIBRARY@_due', due)
