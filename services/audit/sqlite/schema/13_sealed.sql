-- An hour that is over is sealed: written to a Parquet file, which outlives the SQLite file. What changes after that is
-- in a SQLite file again, which then has only the decisions that have changed, until both are written as one.
ALTER TABLE segment ADD COLUMN whole INTEGER NOT NULL DEFAULT 1;   -- whether the SQLite file has all decisions of the hour
ALTER TABLE segment ADD COLUMN changed INTEGER NOT NULL DEFAULT 1; -- whether it has something that the Parquet file has not
ALTER TABLE segment ADD COLUMN sealed TEXT NOT NULL DEFAULT '';    -- the Parquet file under sealed/, empty for none
ALTER TABLE segment ADD COLUMN sealed_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segment ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;   -- of the Parquet file
ALTER TABLE segment ADD COLUMN files INTEGER NOT NULL DEFAULT 1;   -- how many files the hour has had, for new names

-- Which Parquet files have anything about a customer, a rule, a version or an agent; so that a query opens few of them.
CREATE TABLE posting (
  hour INTEGER NOT NULL,
  kind TEXT NOT NULL,     -- column of `decision`, or "rules"
  value INTEGER NOT NULL, -- 64 bits of a hash
  PRIMARY KEY (hour, kind, value)
) WITHOUT ROWID;

-- Files that nothing is read from any more. They are deleted a while later, when no query can still be reading them.
CREATE TABLE retired (
  file TEXT NOT NULL PRIMARY KEY -- with its folder
) WITHOUT ROWID;
