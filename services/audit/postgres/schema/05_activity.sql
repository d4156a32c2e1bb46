-- What has been going on in the last minutes, by second, so that nobody who looks on counts decisions.
CREATE TABLE activity (
  kind text COLLATE "C" NOT NULL,   -- of the value: verdict, reason, agent or version
  at_s bigint NOT NULL,             -- seconds since the epoch, of the receive time
  tenant text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  calls bigint NOT NULL,
  refused bigint NOT NULL,          -- those of them that were not let through at once
  PRIMARY KEY (kind, at_s, tenant, value)
);

-- Buckets that the last call to look at them found nearly full.
CREATE TABLE near_bucket (
  tenant text COLLATE "C" NOT NULL,
  cell bigint NOT NULL,
  name text COLLATE "C" NOT NULL,   -- of the limit
  kind text COLLATE "C" NOT NULL,
  by text COLLATE "C" NOT NULL,
  mode text COLLATE "C" NOT NULL,
  used bigint NOT NULL,
  capacity bigint NOT NULL,
  period_ms bigint NOT NULL,
  at_ms bigint NOT NULL,            -- when it was looked at
  wait_ms bigint NOT NULL,
  PRIMARY KEY (tenant, cell, name, kind, by)
);
