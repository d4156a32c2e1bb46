-- Of an answer to a survey what was asked, and what was answered.
ALTER TABLE outcome ADD COLUMN question TEXT NOT NULL DEFAULT '';
ALTER TABLE outcome ADD COLUMN answer TEXT NOT NULL DEFAULT '';
