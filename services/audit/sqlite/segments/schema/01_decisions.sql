-- One hour of decisions. What is filtered on has a column of its own; all else is read from the JSON as the gateway wrote it.
CREATE TABLE decision (
  seq INTEGER NOT NULL PRIMARY KEY, -- in the order of storing, over all segments; calls are kept under the same number
  id TEXT NOT NULL UNIQUE, -- UUIDv7: sorts by time
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
  settlement BLOB,
  leaf INTEGER,        -- index of the admission in the log; NULL for what was stored before there was one
  settled_leaf INTEGER -- likewise of the settlement
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

-- Without statistics SQLite takes any index for as good as any other: verdict as selective as subject. An hour that has
-- just begun has none, and needs the same plans as one that is full; so these are made up once for all.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('decision', 'sqlite_autoindex_decision_1', '100000 1'),
  ('decision', 'decision_by_agent', '100000 5000 1'),
  ('decision', 'decision_by_subject', '100000 5 1'),
  ('decision', 'decision_by_version', '100000 10000 1'),
  ('decision', 'decision_by_verdict', '100000 40000 1'),
  ('decision', 'decision_by_trace', '100000 2'),
  ('decision', 'decision_running', '100 2'),
  ('decision_rule', 'decision_rule', '300000 5000 1');
