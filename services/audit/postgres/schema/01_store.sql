-- The tables are those of the embedded store, see services/audit/sqlite/schema, and their comments hold here too. What differs:
-- ids are uuids, texts sort by bytes whatever the database's collation is, and decisions are partitioned.

-- Partitioned by the time in the id, a day each. What no partition takes goes to the default one, from which it is moved
-- when a partition is made for it: so no decision ever waits for one.
CREATE TABLE decision (
  id uuid NOT NULL PRIMARY KEY, -- UUIDv7: sorts by time
  tenant text COLLATE "C" NOT NULL,
  agent text COLLATE "C" NOT NULL,
  method text COLLATE "C" NOT NULL,
  operation text COLLATE "C" NOT NULL,
  subject_ref text COLLATE "C" NOT NULL,
  channel text COLLATE "C" NOT NULL,
  category text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  version text COLLATE "C" NOT NULL,
  route text COLLATE "C" NOT NULL,
  arm text COLLATE "C" NOT NULL,
  upstream text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  trace_id text COLLATE "C" NOT NULL,
  received_ms bigint NOT NULL,
  decided_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  verdict text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  rule text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  settled_ms bigint,
  record bytea NOT NULL,
  outcome bytea NOT NULL,
  settlement bytea,
  words text COLLATE "C" NOT NULL, -- what free text looks in: a line for each text, a space around each word
  leaf bigint NOT NULL,            -- of its admission, in the log
  settled_leaf bigint              -- of its settlement
) PARTITION BY RANGE (id);
CREATE INDEX decision_by_agent ON decision (agent, id);
CREATE INDEX decision_by_subject ON decision (subject_ref, id);
CREATE INDEX decision_by_version ON decision (version, id);
CREATE INDEX decision_by_verdict ON decision (verdict, id);
CREATE INDEX decision_by_trace ON decision (trace_id);
CREATE INDEX decision_running ON decision (expires_ms) WHERE state = 'RUNNING';
CREATE INDEX decision_by_word ON decision USING gin (string_to_array(words, ' '));
CREATE TABLE decision_other PARTITION OF decision DEFAULT;

CREATE TABLE decision_rule (
  rule text COLLATE "C" NOT NULL,
  decision uuid NOT NULL,
  PRIMARY KEY (rule, decision)
) PARTITION BY RANGE (decision);
CREATE INDEX decision_rule_of ON decision_rule (decision);
CREATE TABLE decision_rule_other PARTITION OF decision_rule DEFAULT;

CREATE TABLE early_settlement (
  id uuid NOT NULL PRIMARY KEY,
  settlement bytea NOT NULL
);

CREATE TABLE tenant (name text COLLATE "C" NOT NULL PRIMARY KEY);

CREATE TABLE skew (
  one integer NOT NULL PRIMARY KEY CHECK (one = 1),
  ms bigint NOT NULL
);
INSERT INTO skew VALUES (1, 0);

CREATE TABLE scope (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  UNIQUE (tenant, kind, name)
);

CREATE TABLE call (
  decision uuid NOT NULL PRIMARY KEY,
  scope bigint NOT NULL,
  arm text COLLATE "C" NOT NULL,
  at_ms bigint NOT NULL,
  unit bytea,
  revision bigint NOT NULL,
  admitted boolean NOT NULL,
  refused boolean NOT NULL,
  contact boolean NOT NULL,
  failed boolean NOT NULL,
  total_us bigint,
  costs jsonb,
  inference uuid,
  led_ms bigint,
  led_scope bigint,
  led_arm text COLLATE "C",
  stood_in boolean NOT NULL
);
CREATE INDEX call_by_scope ON call (scope, at_ms);
CREATE INDEX call_led ON call (led_scope, at_ms) WHERE led_scope IS NOT NULL;
CREATE INDEX call_inferred ON call (at_ms) WHERE inference IS NOT NULL;

CREATE TABLE exposure (
  scope bigint NOT NULL,
  at_ms bigint NOT NULL,
  call uuid NOT NULL,
  arm text COLLATE "C" NOT NULL,
  unit bytea,
  PRIMARY KEY (scope, at_ms, call)
);

CREATE TABLE outcome (
  decision uuid NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  occurred_ms bigint NOT NULL,
  reported_ms bigint NOT NULL,
  reporter text COLLATE "C" NOT NULL,
  revenue_cents bigint NOT NULL,
  currency text COLLATE "C" NOT NULL,
  whole_tenant bytea, -- where its name is longer than an index takes
  raw bytea NOT NULL,
  leaf bigint NOT NULL,
  PRIMARY KEY (decision, tenant, type, event)
);

CREATE TABLE route_minute (
  route text COLLATE "C" NOT NULL,
  minute bigint NOT NULL,
  admitted bigint NOT NULL,
  failed bigint NOT NULL,
  slow bigint NOT NULL,
  PRIMARY KEY (route, minute)
);

CREATE TABLE copy (
  decision uuid NOT NULL,
  kind text COLLATE "C" NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  route text COLLATE "C" NOT NULL,
  arm text COLLATE "C" NOT NULL,
  version text COLLATE "C" NOT NULL,
  at_ms bigint NOT NULL,
  ended text COLLATE "C" NOT NULL, -- gateway.core.shadows.CopyEnd
  sent boolean NOT NULL,
  took_us bigint NOT NULL,
  served_us bigint NOT NULL,
  result jsonb NOT NULL,           -- what is summed
  whole_tenant bytea,
  raw bytea NOT NULL,              -- the JSON as the gateway wrote it
  leaf bigint NOT NULL,
  PRIMARY KEY (decision, kind)
);
CREATE INDEX copy_by_route ON copy (route, at_ms);

CREATE TABLE decision_hour (
  hour bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  method text COLLATE "C" NOT NULL,
  agent text COLLATE "C" NOT NULL,
  route text COLLATE "C" NOT NULL,
  decisions bigint NOT NULL,
  PRIMARY KEY (hour, tenant, method, agent, route)
);

CREATE TABLE input (
  decision uuid NOT NULL PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  at_ms bigint NOT NULL,
  expires_ms bigint NOT NULL,
  sealed bytea NOT NULL,
  subject_ref text COLLATE "C" NOT NULL
);
CREATE INDEX input_by_time ON input (at_ms, decision);
CREATE INDEX input_expiring ON input (expires_ms);
CREATE INDEX input_of ON input (tenant, subject_ref);

CREATE TABLE subject_key (
  id text COLLATE "C" NOT NULL PRIMARY KEY,
  tenant text COLLATE "C" NOT NULL,
  subject_ref text COLLATE "C" NOT NULL,
  made_ms bigint NOT NULL,
  wrapped bytea NOT NULL
);
CREATE INDEX subject_key_of ON subject_key (tenant, subject_ref);

CREATE TABLE erased (
  tenant text COLLATE "C" NOT NULL,
  subject_ref text COLLATE "C" NOT NULL,
  at_ms bigint NOT NULL,
  told boolean NOT NULL,
  PRIMARY KEY (tenant, subject_ref)
);
CREATE INDEX erased_untold ON erased (at_ms) WHERE NOT told;

-- The log that proves what is kept here, see services/audit/sqlite/schema/07_log.sql.
CREATE TABLE tile (
  level integer NOT NULL,
  number bigint NOT NULL,
  hashes bytea NOT NULL,
  PRIMARY KEY (level, number)
);
CREATE TABLE leaf (
  number bigint NOT NULL PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  decision uuid -- NULL for an entry of the log's own
);
CREATE TABLE noted (
  leaf bigint NOT NULL PRIMARY KEY,
  raw bytea NOT NULL
);
CREATE TABLE checkpoint (
  size bigint NOT NULL PRIMARY KEY,
  root bytea NOT NULL,
  note text NOT NULL,
  signed_ms bigint NOT NULL
);

CREATE TABLE view (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  title text NOT NULL,
  filter text NOT NULL,
  order_by text NOT NULL,
  columns text NOT NULL, -- JSON: names of fields
  owner text NOT NULL,
  created_ms bigint NOT NULL,
  updated_ms bigint NOT NULL,
  version bigint NOT NULL
);
