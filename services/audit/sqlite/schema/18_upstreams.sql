-- How upstreams have done in the last minutes, and how often contracts were called, so that nobody counts decisions.
CREATE TABLE upstream_minute (
  minute INTEGER NOT NULL,   -- minutes since the epoch
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,        -- upstream or contract
  name TEXT NOT NULL,
  ended TEXT NOT NULL,         -- how it ended
  step INTEGER NOT NULL,     -- of the duration; -1 for none
  calls INTEGER NOT NULL,
  PRIMARY KEY (minute, tenant, kind, name, ended, step)
) WITHOUT ROWID;

-- When each was last heard of.
CREATE TABLE upstream_heard (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, name)
) WITHOUT ROWID;

-- Where a call was to go, for when it ends.
ALTER TABLE call ADD COLUMN upstream TEXT NOT NULL DEFAULT '';
