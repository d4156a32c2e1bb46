-- What came of copies of calls: of shadows, whose answers were compared, and of mirrors.
CREATE TABLE copy (
  decision TEXT NOT NULL, -- it may be stored later
  kind TEXT NOT NULL,     -- "shadow" or "mirror"
  tenant TEXT NOT NULL,
  route TEXT NOT NULL,
  arm TEXT NOT NULL,
  version TEXT NOT NULL,
  at_ms INTEGER NOT NULL, -- when the call was received
  end TEXT NOT NULL,      -- gateway.core.shadows.CopyEnd
  sent INTEGER NOT NULL,
  took_us INTEGER NOT NULL,
  served_us INTEGER NOT NULL,
  result TEXT NOT NULL,   -- the JSON as the gateway wrote it
  UNIQUE (decision, kind)
);
CREATE INDEX copy_by_route ON copy (route, at_ms);
