-- Keys go with the records that they open. Those that were stored before this step stay until their customer is erased.
ALTER TABLE subject_key ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 9007199254740992;
CREATE INDEX subject_key_until ON subject_key (until_ms);
