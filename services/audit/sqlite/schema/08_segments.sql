-- Decisions move out of this file into one for each hour: services/audit/sqlite/segments. What is left here of `decision` and
-- `decision_rule` is moved by the first start, which drops them then.
CREATE TABLE segment (
  hour INTEGER NOT NULL PRIMARY KEY, -- hours since the epoch, of the times in the decisions' ids
  file TEXT NOT NULL,                -- its SQLite file under segments/
  decisions INTEGER NOT NULL,
  first TEXT NOT NULL,               -- the least and the greatest id
  last TEXT NOT NULL
);

-- What a batch writes into segments. Two files are not committed at once: so it is written here, together with the sums,
-- and into the segments after that; at a start whatever is still here is written once more, which changes nothing if it
-- is there. It is deleted with the next batch.
CREATE TABLE pending (
  hour INTEGER NOT NULL,
  work BLOB NOT NULL
);

-- The number that was given to a decision last, over all segments.
CREATE TABLE sequence (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  last INTEGER NOT NULL
);
INSERT INTO sequence SELECT 1, max(ifnull((SELECT max(rowid) FROM decision), 0), ifnull((SELECT max(id) FROM call), 0));

-- For the calls that led to contacts, which are named by their decisions.
CREATE INDEX call_by_decision ON call (decision);
