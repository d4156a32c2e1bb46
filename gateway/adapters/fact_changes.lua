-- Take what events have told of several subjects. Of each subject everything or nothing: where somebody else was faster,
-- nothing, and the caller reads it anew.
-- KEYS: of each subject its facts, the times of its facts, then a mark for each event.
-- ARGV: how long marks are kept (ms), then of each subject: number of marks, facts before and after, times before and
-- after; '' for none. Returns 1 for each subject that was taken, else 0.
local keep, at, arg, taken = ARGV[1], 1, 2, {}
while at <= #KEYS do
  local facts, times, marks = KEYS[at], KEYS[at + 1], tonumber(ARGV[arg])
  local same = (redis.call('GET', facts) or '') == ARGV[arg + 1] and (redis.call('GET', times) or '') == ARGV[arg + 3]
  for i = at + 2, at + 1 + marks do
    same = same and redis.call('EXISTS', KEYS[i]) == 0
  end
  if same then
    -- Facts that stay as they are are not written: every write empties caches.
    if ARGV[arg + 1] ~= ARGV[arg + 2] then redis.call('SET', facts, ARGV[arg + 2]) end
    if ARGV[arg + 3] ~= ARGV[arg + 4] then redis.call('SET', times, ARGV[arg + 4]) end
    for i = at + 2, at + 1 + marks do
      redis.call('SET', KEYS[i], '1', 'PX', keep)
    end
  end
  taken[#taken + 1] = same and 1 or 0
  at, arg = at + 2 + marks, arg + 5
end
return taken
