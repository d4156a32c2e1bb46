-- Appends a record to its stream. What goes beside it comes behind a line feed, which no JSON of ours holds, and gets a
-- field of its own: the record stays as it is when the key that lies beside it is destroyed.
local function append(stream, record, outcome)
  local at = string.find(record, '\n', 1, true)
  if at then
    local beside = string.sub(record, at + 1)
    redis.call('XADD', stream, '*', 'k', 'admit', 'r', string.sub(record, 1, at - 1), 'o', outcome, 'w', beside)
  else
    redis.call('XADD', stream, '*', 'k', 'admit', 'r', record, 'o', outcome)
  end
end
