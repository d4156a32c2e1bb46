-- How upstreams have done in the last minutes, and how often contracts were called, so that nobody counts decisions.
CREATE TABLE upstream_minute (
  minute bigint NOT NULL,                -- minutes since the epoch
  tenant text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,        -- upstream or contract
  name text COLLATE "C" NOT NULL,
  ended text COLLATE "C" NOT NULL,       -- how it ended
  step bigint NOT NULL,                  -- of the duration; -1 for none
  calls bigint NOT NULL,
  PRIMARY KEY (minute, tenant, kind, name, ended, step)
);

-- When each was last heard of.
CREATE TABLE upstream_heard (
  tenant text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  at_ms bigint NOT NULL,
  PRIMARY KEY (tenant, kind, name)
);

-- Where a call was to go, for when it ends.
ALTER TABLE call ADD COLUMN upstream text COLLATE "C" NOT NULL DEFAULT '';
