-- What the kinds of bucket hold, and how each is looked at, taken and settled.
--
-- Milliseconds since the epoch come from the caller; a clock that steps back never opens a bucket early.
-- A bucket `b` is packed as {kind, mode, number of keys, capacity, cost, what the kind needs besides}, `at` is the place
-- of its first key, `c` the call: now_ms, id, expires_ms, agent, hold.
-- `look` returns how much is used, how long the call would have to wait (0 not at all, -1 for ever), what `take` wants
-- to know, and the decision that stands in the way where there is one.

local ROUND = '%.0f'

local function integer(number) return string.format(ROUND, number) end

-- Keeps a key at least so long; never shortens its life, for another gateway's clock or revision may need it longer.
local function keep(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, integer(ms)) end
end

local rate = {}

-- How far the clocks of gateways may differ, and a call may be behind the time it was decided at, before it counts as
-- a clock that has stepped back.
local SKEW_MS = 1000

-- GCRA. The stored value is the theoretical arrival time in microseconds. It can never rightly lie further ahead than
-- the whole burst and what clocks differ by; where it does, the clock has stepped back, and it is cut so that nobody
-- waits for the old time. Who is behind by less waits for those ahead: cut at each of its calls, the bucket would open
-- for the others, and all together got up to twice the rate. The cut value is given back too, to be stored also by a
-- refusal: else every look would cut anew, and see a full bucket.
function rate.look(keys, at, b, c)
  local burst, cost, interval_us, now_us = b[4], b[5], b[6], c.now_ms * 1000
  local ahead = burst * interval_us
  local stored = tonumber(redis.call('GET', keys[at]) or '0')
  local cut = stored > now_us + ahead + SKEW_MS * 1000 and now_us + ahead or nil
  local tat = cut or math.max(stored, now_us)
  local wait_ms = math.max(0, math.ceil((tat + cost * interval_us - ahead - now_us) / 1000))
  if cost > burst then wait_ms = -1 end
  -- What is only watched takes from a full bucket too, and then fills it no further.
  local next_tat = math.min(tat, now_us + ahead) + cost * interval_us
  return math.min(burst, math.ceil((tat - now_us) / interval_us)), wait_ms, {next_tat, cut}
end

-- Kept for longer than it is full: a call that arrives late must not find it empty, and fill it from its own time on.
local function store_rate(key, tat, now_ms)
  redis.call('SET', key, integer(tat), 'PX', math.ceil(tat / 1000 - now_ms) + SKEW_MS)
end

function rate.cut(keys, at, c, state)
  if state[2] then store_rate(keys[at], state[2], c.now_ms) end
end

function rate.take(keys, at, b, c, state)
  store_rate(keys[at], state[1], c.now_ms)
end

-- Contacts as a log: one member for each, scored with its time. Besides its log a cap may have `open` reservations,
-- scored with the time at which they free themselves, and `pending` calls, kept for later, whose rank goes before that
-- of others: "rank|decision", scored with the time at which they are due.
local cap = {}

-- When the need-th of the slots in use becomes free.
local function freeing(log_key, open_key, need, since, window_ms, ends_ms, now_ms)
  local times = {}
  local log = redis.call('ZRANGEBYSCORE', log_key, '(' .. integer(since), '+inf', 'WITHSCORES', 'LIMIT', 0, need)
  for i = 2, #log, 2 do
    times[#times + 1] = ends_ms > 0 and ends_ms or tonumber(log[i]) + window_ms
  end
  if open_key then
    local open = redis.call('ZRANGEBYSCORE', open_key, '(' .. integer(now_ms), '+inf', 'WITHSCORES', 'LIMIT', 0, need)
    for i = 2, #open, 2 do times[#times + 1] = tonumber(open[i]) end
  end
  table.sort(times)
  return math.max(1, times[need] - now_ms)
end

local WAITING = {PENDING = true, SCHEDULED = true, APPROVED = true}

-- Whether a kept call still waits, and nobody has halted its agent. Its hold lies in the same slot of a cluster.
local function waits(hold, stops)
  local found = redis.call('HMGET', hold, 'state', 'agent')
  return WAITING[found[1] or ''] and redis.call('HEXISTS', stops, 'all') == 0
    and redis.call('HEXISTS', stops, 'agent=' .. (found[2] or '')) == 0
end

-- The pending call that goes before this one and would have the slot, where there is one. b[12] and its id are the key
-- of its hold.
local function outranked(pending, b, c, free)
  local rank, ahead, winner, winning, due = b[10], 0, nil, -1, 0
  local found = redis.call('ZRANGE', pending, 0, -1, 'WITHSCORES')
  for i = 1, #found, 2 do
    local bar = string.find(found[i], '|', 1, true)
    local its_rank, its_id = tonumber(string.sub(found[i], 1, bar - 1)), string.sub(found[i], bar + 1)
    if its_rank > rank and its_id ~= c.hold and waits(b[12] .. its_id, c.stops) then
      ahead = ahead + 1
      if its_rank > winning then winner, winning, due = its_id, its_rank, tonumber(found[i + 1]) end
    end
  end
  if ahead >= free then return winner, math.max(1000, due - c.now_ms) end
  return nil
end

function cap.look(keys, at, b, c)
  local max, window_ms, since_ms, ends_ms = b[4], b[6], b[7], b[8]
  local since = ends_ms > 0 and since_ms - 1 or c.now_ms - window_ms
  local used = redis.call('ZCOUNT', keys[at], '(' .. integer(since), '+inf')
  local several = b[3] > 1
  if several then used = used + redis.call('ZCOUNT', keys[at + 1], '(' .. integer(c.now_ms), '+inf') end
  if used < max then
    if several and b[10] >= 0 then
      local winner, wait_ms = outranked(keys[at + 2], b, c, max - used)
      if winner then return used, wait_ms, nil, winner end
    end
    return used, 0
  end
  return used, freeing(keys[at], several and keys[at + 1], used - max + 1, since, window_ms, ends_ms, c.now_ms)
end

-- What has left the window is forgotten, but for the newest: a clock that runs ahead must not open the cap for one that
-- is right. Twice the maximum leaves room for contacts that are given back.
local function forget(key, before_ms, max)
  local old = redis.call('ZCOUNT', key, '-inf', integer(before_ms))
  local drop = math.min(old, redis.call('ZCARD', key) - 2 * max)
  if drop > 0 then redis.call('ZREMRANGEBYRANK', key, 0, drop - 1) end
end

local function log_contact(key, now_ms, max, keep_ms, member)
  forget(key, now_ms - keep_ms, max)
  redis.call('ZADD', key, integer(now_ms), member)
  redis.call('PEXPIRE', key, integer(keep_ms))
end

function cap.take(keys, at, b, c)
  local keep_ms, counts_on = b[9], b[11]
  if b[3] > 1 then
    redis.call('ZREM', keys[at + 2], integer(b[10]) .. '|' .. c.hold)
    if counts_on ~= 'reserved' then
      forget(keys[at + 1], c.now_ms - keep_ms, b[4])
      redis.call('ZADD', keys[at + 1], integer(c.expires_ms), c.id)
      return keep(keys[at + 1], c.expires_ms - c.now_ms + keep_ms)
    end
  end
  log_contact(keys[at], c.now_ms, b[4], keep_ms, c.id)
end

cap.counts = true

-- The shortest time between two contacts, over the log of their cap; an open reservation counts as made now.
local gap = {}

function gap.look(keys, at, b, c)
  local gap_ms = b[6]
  if b[3] > 1 and redis.call('ZCOUNT', keys[at + 1], '(' .. integer(c.now_ms), '+inf') > 0 then return 1, gap_ms end
  local newest = redis.call('ZRANGE', keys[at], -1, -1, 'WITHSCORES')
  if not newest[2] then return 0, 0 end
  local wait_ms = math.max(0, tonumber(newest[2]) + gap_ms - c.now_ms)
  return wait_ms > 0 and 1 or 0, wait_ms
end

function gap.take() end

-- Calls or costs, summed up by parts of the window: a hash from the beginning of each part to its sum. A part of a
-- rolling window counts until its last instant has left the window, so never more than the maximum lies within one.
local window = {}

function window.look(keys, at, b, c)
  local max, cost, window_ms, since_ms, ends_ms, width_ms = b[4], b[5], b[6], b[7], b[8], b[9]
  local parts, counted, used = redis.call('HGETALL', keys[at]), {}, 0
  for i = 1, #parts, 2 do
    local start, sum = tonumber(parts[i]), tonumber(parts[i + 1])
    local counts = start >= since_ms
    if ends_ms == 0 then counts = start + width_ms > c.now_ms - window_ms end
    if counts then
      used = used + sum
      counted[#counted + 1] = {start, sum}
    end
  end
  if used + cost <= max then return used, 0 end
  if cost > max then return used, -1 end
  if ends_ms > 0 then return used, math.max(1, ends_ms - c.now_ms) end
  table.sort(counted, function(one, other) return one[1] < other[1] end)
  local left = used
  for i = 1, #counted do
    left = left - counted[i][2]
    if left + cost <= max then return used, math.max(1, counted[i][1] + width_ms + window_ms - c.now_ms) end
  end
  return used, -1
end

function window.take(keys, at, b, c)
  local window_ms, since_ms, ends_ms, width_ms = b[6], b[7], b[8], b[9]
  local part = integer(ends_ms > 0 and since_ms or math.floor(c.now_ms / width_ms) * width_ms)
  if redis.call('HLEN', keys[at]) > 130 then  -- two windows: a clock that runs ahead must not empty the one in use
    local parts = redis.call('HKEYS', keys[at])
    for i = 1, #parts do
      if tonumber(parts[i]) < c.now_ms - 2 * window_ms then redis.call('HDEL', keys[at], parts[i]) end
    end
  end
  redis.call('HINCRBY', keys[at], part, integer(b[5]))
  redis.call('PEXPIRE', keys[at], integer(2 * window_ms + width_ms))
  if b[3] > 1 then  -- a budget: what was taken, and where, for the settlement
    redis.call('HSET', keys[at + 1], keys[at], part .. ' ' .. integer(b[5]))
    keep(keys[at + 1], math.max(c.expires_ms - c.now_ms, 0) + 86400000)
  end
end

window.counts = true

-- Calls that run: each until it is settled, or its time is over.
local concurrency = {}

function concurrency.look(keys, at, b, c)
  local used = redis.call('ZCOUNT', keys[at], '(' .. integer(c.now_ms), '+inf')
  if used < b[4] then return used, 0 end
  local first = redis.call('ZRANGEBYSCORE', keys[at], '(' .. integer(c.now_ms), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return used, math.min(1000, math.max(1, tonumber(first[2]) - c.now_ms))
end

function concurrency.take(keys, at, b, c)
  redis.call('ZREMRANGEBYSCORE', keys[at], '-inf', integer(c.now_ms - 3600000))
  redis.call('ZADD', keys[at], integer(c.expires_ms), c.id)
  keep(keys[at], c.expires_ms - c.now_ms + 3600000)
end

concurrency.counts = true

-- What an upstream says is used up of what it allows, and the calls under way that it may not have counted yet. After a
-- minute without news one call of those who may use all of it goes through, to hear news.
local quota = {}
local NEWS_MS = 60000

function quota.look(keys, at, b, c)
  local max, since_ms, ends_ms, share = b[4], b[7], b[8], b[9]
  local told = redis.call('HMGET', keys[at], 'used', 'max', 'at', 'since', 'asked')
  local used = redis.call('ZCOUNT', keys[at + 1], '(' .. integer(c.now_ms), '+inf')
  if told[4] == integer(since_ms) then used = used + tonumber(told[1] or '0') end
  local most = math.floor((tonumber(told[2]) or max) * share / 100)
  if used < most then return used, 0 end
  if ends_ms > 0 then return used, math.max(1, ends_ms - c.now_ms) end
  if (told[5] or '0') == '0' then  -- it never tells: what is counted here is forgotten once nobody has asked for so long
    return used, math.max(1000, redis.call('PTTL', keys[at]))
  end
  local wait_ms = tonumber(told[3] or '0') + NEWS_MS - c.now_ms
  if share == 100 and wait_ms <= 0 then return used, 0, true end
  return used, math.max(1000, wait_ms)
end

function quota.take(keys, at, b, c, probe)
  if probe then redis.call('HSET', keys[at], 'at', integer(c.now_ms)) end
  redis.call('ZREMRANGEBYSCORE', keys[at + 1], '-inf', integer(c.now_ms - 3600000))
  redis.call('ZADD', keys[at + 1], integer(c.expires_ms), c.id)
  keep(keys[at + 1], c.expires_ms - c.now_ms + 3600000)
end

quota.counts = true

-- Decaying score of contacts, in thousandths: "decision weight", scored with its time. b[6] is the half-life.
local score = {}

function score.look(keys, at, b, c)
  local max, cost, half_life_ms = b[4], b[5], b[6]
  local found = redis.call('ZRANGEBYSCORE', keys[at], '(' .. integer(c.now_ms - 20 * half_life_ms), '+inf', 'WITHSCORES')
  local sum = 0
  for i = 1, #found, 2 do
    local weight = tonumber(string.sub(found[i], string.find(found[i], ' ', 1, true) + 1))
    sum = sum + weight * 2 ^ (-math.max(0, c.now_ms - tonumber(found[i + 1])) / half_life_ms)
  end
  local used = math.floor(sum + 0.5)
  if max < 0 or sum + cost <= max then return used, 0 end
  if cost >= max then return used, cost > max and -1 or 20 * half_life_ms end
  return used, math.max(1, math.ceil(half_life_ms * math.log(sum / (max - cost)) / math.log(2)))
end

function score.take(keys, at, b, c)
  local kept_ms = 20 * b[6]
  redis.call('ZADD', keys[at], integer(c.now_ms), c.id .. ' ' .. integer(b[5]))
  redis.call('ZREMRANGEBYSCORE', keys[at], '-inf', integer(c.now_ms - 2 * kept_ms))
  redis.call('ZREMRANGEBYRANK', keys[at], 0, -1001)
  redis.call('PEXPIRE', keys[at], integer(kept_ms))
end

score.counts = true

-- The newest first step of each agent: "time decision". b[6] is how long it counts, b[7] whose.
local sequence = {}

function sequence.look(keys, at, b, c)
  local within_ms, who = b[6], b[7]
  local marks, newest, decision, used = redis.call('HGETALL', keys[at]), 0, '', 0
  for i = 1, #marks, 2 do
    local space = string.find(marks[i + 1], ' ', 1, true)
    local marked_ms = tonumber(string.sub(marks[i + 1], 1, space - 1))
    local theirs = who == 'any' or (who == 'same') == (marks[i] == c.agent)
    if theirs and marked_ms > c.now_ms - within_ms then
      used = used + 1
      if marked_ms > newest then newest, decision = marked_ms, string.sub(marks[i + 1], space + 1) end
    end
  end
  if used == 0 then return 0, 0 end
  return used, math.max(1, newest + within_ms - c.now_ms), nil, decision
end

function sequence.take() end

local trail = {}

function trail.look() return 0, 0 end

function trail.take(keys, at, b, c)
  redis.call('HSET', keys[at], c.agent, integer(c.now_ms) .. ' ' .. c.id)
  redis.call('PEXPIRE', keys[at], integer(b[6]))
end

local KINDS = {
  rate = rate, cap = cap, gap = gap, window = window, budget = window, concurrency = concurrency, quota = quota,
  score = score, sequence = sequence, trail = trail,
}

-- Kinds that hold a member for each call, so that a call can be told twice and counts once.
cap.again, score.again, concurrency.again, trail.again = true, true, true, true

-- What becomes of what was taken. Each is harmless when done twice: a settlement may be replayed.
local SETTLE = {}

-- {'remove', 1, member}
function SETTLE.remove(keys, at, s) redis.call('ZREM', keys[at], s[3]) end

-- {'confirm', 2, decision, time, max, keep_ms}: the open reservation becomes a contact; {'free', 2, decision}: it ends.
-- It counts although its reservation may be long over: a settlement may have waited on disk.
function SETTLE.confirm(keys, at, s)
  redis.call('ZREM', keys[at + 1], s[3])
  log_contact(keys[at], s[4], s[5], s[6], s[3])
end

function SETTLE.free(keys, at, s) redis.call('ZREM', keys[at + 1], s[3]) end

-- {'await', 3, decision, until, max, keep_ms, now}: the reservation stays open, and who reports a delivery finds it. A
-- report that came before, under the field EARLY, is carried out now.
local EARLY = ''

function SETTLE.await(keys, at, s)
  local early = redis.call('HGET', keys[at + 2], EARLY)
  if early then
    local space = string.find(early, ' ', 1, true)
    local told_ms = tonumber(string.sub(early, space + 1))
    return SETTLE[string.sub(early, 1, space - 1)](keys, at, {'', 2, s[3], told_ms, s[5], s[6]})
  end
  if redis.call('ZADD', keys[at + 1], 'XX', 'CH', 'GT', integer(s[4]), s[3]) == 1 then
    redis.call('HSET', keys[at + 2], keys[at], keys[at + 1] .. ' ' .. integer(s[5]) .. ' ' .. integer(s[6]))
    keep(keys[at + 1], s[4] - s[7] + s[6])
    keep(keys[at + 2], s[4] - s[7] + s[6])
  end
end

-- {'adjust', 2, actual}: the estimate is replaced by what it really cost.
function SETTLE.adjust(keys, at, s)
  local taken = redis.call('HGET', keys[at + 1], keys[at])
  if not taken then return end
  redis.call('HDEL', keys[at + 1], keys[at])
  local space = string.find(taken, ' ', 1, true)
  local part, estimate = string.sub(taken, 1, space - 1), tonumber(string.sub(taken, space + 1))
  if s[3] ~= estimate and redis.call('HEXISTS', keys[at], part) == 1 then
    redis.call('HINCRBY', keys[at], part, integer(s[3] - estimate))
  end
end

-- {'told', 2, decision, admitted_ms, used, remaining, max, since_ms, keep_ms}; -1 where the upstream has told nothing.
-- An answer to an older call is older news.
function SETTLE.told(keys, at, s)
  if redis.call('ZREM', keys[at + 1], s[3]) == 0 then return end
  local told = redis.call('HMGET', keys[at], 'asked', 'since', 'max')
  local since = integer(s[8])
  if told[2] ~= since then redis.call('HSET', keys[at], 'used', 0, 'since', since, 'asked', 0) end
  local max = s[7] >= 0 and s[7] or tonumber(told[3] or '-1')
  local used = s[5]
  if used < 0 and s[6] >= 0 and max >= 0 then used = math.max(0, max - s[6]) end
  if used < 0 then
    redis.call('HINCRBY', keys[at], 'used', 1)
  elseif s[4] >= (told[2] == since and tonumber(told[1] or '0') or 0) then
    redis.call('HSET', keys[at], 'used', integer(used), 'asked', integer(s[4]), 'at', integer(s[4]))
    if s[7] >= 0 then redis.call('HSET', keys[at], 'max', integer(s[7])) end
  end
  redis.call('PEXPIRE', keys[at], integer(s[9]))
end
