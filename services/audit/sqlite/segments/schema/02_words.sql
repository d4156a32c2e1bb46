-- Free text: the words of what services/audit/filters/searching.py lets be searched, of the decision number seq under seq * 2, of
-- its settlement under seq * 2 + 1. Only an index: of the texts nothing is kept but which word stands where.
CREATE VIRTUAL TABLE words USING fts5 (text, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2');
INSERT INTO words (rowid, text) SELECT seq * 2, pilote_text(record, outcome, rule, reason) FROM decision;

-- The batch that was written last: what the main file has promised may be written again, and must then change nothing.
CREATE TABLE done (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  batch INTEGER NOT NULL
);
INSERT INTO done VALUES (1, 0);
