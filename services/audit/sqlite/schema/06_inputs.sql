-- What a share of the calls was decided by. Sealed by the gateways: nothing here can be read without their key.
CREATE TABLE input (
  decision TEXT NOT NULL PRIMARY KEY, -- it may be stored later
  tenant TEXT NOT NULL,
  at_ms INTEGER NOT NULL,             -- when the call was received
  expires_ms INTEGER NOT NULL,        -- from then on it is not shown any more, and soon deleted
  sealed BLOB NOT NULL
);
CREATE INDEX input_by_time ON input (at_ms, decision);
CREATE INDEX input_expiring ON input (expires_ms);
