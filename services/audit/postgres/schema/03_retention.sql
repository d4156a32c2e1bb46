-- Until when a decision is kept; those that were stored before this step stay.
ALTER TABLE decision ADD COLUMN until_ms bigint NOT NULL DEFAULT 9007199254740992;
CREATE INDEX decision_until ON decision (until_ms);
