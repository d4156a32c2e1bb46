-- The log that proves what is kept here: a Merkle tree of every entry in the order in which it was first stored. The
-- hashes stay when what they were made of is deleted. What was stored before this step is not in the log.

-- C2SP tlog-tiles: up to 256 hashes of 32 bytes.
CREATE TABLE tile (
  level INTEGER NOT NULL,
  number INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (level, number)
);

-- What a leaf was made of, where that is kept.
CREATE TABLE leaf (
  number INTEGER NOT NULL PRIMARY KEY, -- its index in the tree, from 0
  kind TEXT NOT NULL,                  -- services.proof.leaves
  decision BLOB NOT NULL               -- 16 bytes; empty for an entry of the log's own
);

-- Entries of the log's own.
CREATE TABLE noted (
  leaf INTEGER NOT NULL PRIMARY KEY,
  raw BLOB NOT NULL
);

-- What was said of the tree, signed.
CREATE TABLE checkpoint (
  size INTEGER NOT NULL PRIMARY KEY,
  root BLOB NOT NULL,
  note TEXT NOT NULL,
  signed_ms INTEGER NOT NULL
);

ALTER TABLE decision ADD COLUMN leaf INTEGER;         -- of its admission
ALTER TABLE decision ADD COLUMN settled_leaf INTEGER; -- of its settlement
ALTER TABLE outcome ADD COLUMN leaf INTEGER;
ALTER TABLE outcome ADD COLUMN raw BLOB;              -- the JSON as the gateway wrote it
ALTER TABLE copy ADD COLUMN leaf INTEGER;
