-- Whether another arm answered for the one that the call was assigned to: of that one the call has failed.
ALTER TABLE call ADD COLUMN stood_in INTEGER NOT NULL DEFAULT 0;
