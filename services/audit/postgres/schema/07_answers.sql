-- Of an answer to a survey what was asked, and what was answered.
ALTER TABLE outcome ADD COLUMN question text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE outcome ADD COLUMN answer text COLLATE "C" NOT NULL DEFAULT '';
