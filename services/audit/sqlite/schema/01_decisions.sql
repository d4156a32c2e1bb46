-- What is filtered on has a column of its own; all else is read from the JSON as the gateway wrote it.
CREATE TABLE decision (
  id TEXT NOT NULL PRIMARY KEY, -- UUIDv7: sorts by time
  tenant TEXT NOT NULL,
  agent TEXT NOT NULL,
  method TEXT NOT NULL,
  operation TEXT NOT NULL,
  subject_ref TEXT NOT NULL,
  channel TEXT NOT NULL,
  category TEXT NOT NULL,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  route TEXT NOT NULL,
  arm TEXT NOT NULL,
  upstream TEXT NOT NULL,
  revision INTEGER NOT NULL,
  trace_id TEXT NOT NULL,
  received_ms INTEGER NOT NULL,
  decided_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  -- gateway.records.conclusion; these change once, when the call is settled
  verdict TEXT NOT NULL,
  reason TEXT NOT NULL,
  rule TEXT NOT NULL,
  status TEXT NOT NULL,
  state TEXT NOT NULL,
  settled_ms INTEGER,
  record BLOB NOT NULL,
  outcome BLOB NOT NULL,
  settlement BLOB
);
CREATE INDEX decision_by_agent ON decision (agent, id);
CREATE INDEX decision_by_subject ON decision (subject_ref, id);
CREATE INDEX decision_by_version ON decision (version, id);
CREATE INDEX decision_by_verdict ON decision (verdict, id);
CREATE INDEX decision_by_trace ON decision (trace_id);
CREATE INDEX decision_running ON decision (expires_ms) WHERE state = 'RUNNING';

-- The deciding rule, limit or cap, and every rule that applied.
CREATE TABLE decision_rule (
  rule TEXT NOT NULL,
  decision TEXT NOT NULL,
  PRIMARY KEY (rule, decision)
) WITHOUT ROWID;

-- Settlements that came before their admission, as replays of a gateway's spool may.
CREATE TABLE early_settlement (
  id TEXT NOT NULL PRIMARY KEY,
  settlement BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE tenant (
  name TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;

-- How far the time in an id ever was from its receive time: what makes the id usable as an index of time.
CREATE TABLE skew (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  ms INTEGER NOT NULL
);
INSERT INTO skew VALUES (1, 0);
