-- Batches are numbered, so that a segment can tell whether it has one already.
ALTER TABLE sequence ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;
