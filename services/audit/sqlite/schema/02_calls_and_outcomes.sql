-- What is summed of calls, and what customers did. Decisions stored before this step are in no sum.

-- What arms belong to: kind is 'route' or 'experiment'.
CREATE TABLE scope (
  id INTEGER NOT NULL PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (tenant, kind, name)
);

-- One row for each decision that has taken a route, but for repeats with an idempotency key, and for calls that are kept:
-- those count when they are made or refused. Narrow, so that a million of them are read in a moment.
CREATE TABLE call (
  id INTEGER NOT NULL PRIMARY KEY, -- the decision's rowid
  scope INTEGER NOT NULL,          -- its route
  arm TEXT NOT NULL,
  at_ms INTEGER NOT NULL,          -- when it was received
  unit BLOB,                       -- pseudonym of what arms are assigned by; NULL for a call about no single subject, and
                                   -- for one whose caller named the version: nobody was assigned the arm
  revision INTEGER NOT NULL,
  admitted INTEGER NOT NULL,
  refused INTEGER NOT NULL,        -- by the policy
  contact INTEGER NOT NULL,        -- a contact that was made, as far as is known
  failed INTEGER NOT NULL,         -- gateway.core.failing, or never settled
  total_us INTEGER,                -- NULL until it is settled
  costs TEXT,                      -- JSON: amounts by budget, the estimate until the cost is known; NULL for none
  decision BLOB NOT NULL,          -- 16 bytes
  -- Of a contact: the inference that led to it, as named by the caller, when that was, and its route and arm where the
  -- gateway knew them.
  inference BLOB,
  led_ms INTEGER,
  led_scope INTEGER,
  led_arm TEXT
);
CREATE INDEX call_by_scope ON call (scope, at_ms);
CREATE INDEX call_led ON call (led_scope, at_ms) WHERE led_scope IS NOT NULL;
CREATE INDEX call_inferred ON call (at_ms) WHERE inference IS NOT NULL;

-- Which variations of which experiments a call has shown its subject.
CREATE TABLE exposure (
  scope INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  call INTEGER NOT NULL,
  arm TEXT NOT NULL,
  unit BLOB, -- what the variation was assigned by, where that is not the call's unit
  PRIMARY KEY (scope, at_ms, call)
) WITHOUT ROWID;

-- What customers did after contacts, each event once. The tenant is that of the stream: nobody tells for another one.
CREATE TABLE outcome (
  decision BLOB NOT NULL, -- 16 bytes; it may be stored later
  tenant TEXT NOT NULL,
  type TEXT NOT NULL,
  event TEXT NOT NULL,
  occurred_ms INTEGER NOT NULL,
  reported_ms INTEGER NOT NULL,
  reporter TEXT NOT NULL,
  revenue_cents INTEGER NOT NULL,
  currency TEXT NOT NULL,
  PRIMARY KEY (decision, tenant, type, event)
) WITHOUT ROWID;

-- Calls that were let through, by route of all tenants and the minute they were received in.
CREATE TABLE route_minute (
  route TEXT NOT NULL,
  minute INTEGER NOT NULL, -- minutes since the epoch
  admitted INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  slow INTEGER NOT NULL,
  PRIMARY KEY (route, minute)
) WITHOUT ROWID;
