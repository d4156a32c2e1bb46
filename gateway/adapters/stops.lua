#!lua name=@LIBRARY@
-- The stop that halts the call, if any does.
local function stopped(key, whats)
  local found = redis.call('HMGET', key, unpack(whats))
  for i = 1, #whats do
    if found[i] then return whats[i] end
  end
  return nil
end
