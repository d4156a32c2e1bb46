-- What has been going on in the last minutes, by second, so that nobody who looks on counts decisions.
CREATE TABLE activity (
  kind TEXT NOT NULL,        -- of the value: verdict, reason, agent or version
  at_s INTEGER NOT NULL,     -- seconds since the epoch, of the receive time
  tenant TEXT NOT NULL,
  value TEXT NOT NULL,
  calls INTEGER NOT NULL,
  refused INTEGER NOT NULL,  -- those of them that were not let through at once
  PRIMARY KEY (kind, at_s, tenant, value)
) WITHOUT ROWID;

-- Buckets that the last call to look at them found nearly full.
CREATE TABLE near_bucket (
  tenant TEXT NOT NULL,
  cell INTEGER NOT NULL,
  name TEXT NOT NULL,        -- of the limit
  kind TEXT NOT NULL,
  by TEXT NOT NULL,
  mode TEXT NOT NULL,
  used INTEGER NOT NULL,
  capacity INTEGER NOT NULL,
  period_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,    -- when it was looked at
  wait_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, cell, name, kind, by)
) WITHOUT ROWID;
