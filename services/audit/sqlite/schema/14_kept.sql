-- How long what is in a segment is kept. What is over is left out when its file is written anew; sums, hashes of the log
-- and this line stay.
ALTER TABLE segment ADD COLUMN over_ms INTEGER NOT NULL DEFAULT 0; -- when the first of its decisions is over; 0: not known
ALTER TABLE segment ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0; -- how many were over and are gone
