-- Searches that people have saved.
CREATE TABLE view (
  name TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  filter TEXT NOT NULL,
  order_by TEXT NOT NULL,
  columns TEXT NOT NULL, -- JSON: names of fields
  owner TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  version INTEGER NOT NULL -- grows by one with every change
) WITHOUT ROWID;
