-- By what entries of the log's own are found, see services.audit.noting. Those that are there already say it in their
-- JSON, which is cut by hand: a text in it may hold what jsonb does not take.
ALTER TABLE noted ADD COLUMN kind text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE noted ADD COLUMN at_ms bigint NOT NULL DEFAULT 0;
ALTER TABLE noted ADD COLUMN person text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE noted ADD COLUMN tenant text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE noted ADD COLUMN resource text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE noted ADD COLUMN request text COLLATE "C" NOT NULL DEFAULT '';
UPDATE noted SET kind = leaf.kind FROM leaf WHERE leaf.number = noted.leaf;
UPDATE noted SET
  at_ms = coalesce(substring(convert_from(raw, 'UTF8') from '"at_ms":([0-9]{1,15})[,}]')::bigint, 0),
  person = coalesce(substring(convert_from(raw, 'UTF8') from '"person":"([^"\\]*)"'), ''),
  tenant = coalesce(substring(convert_from(raw, 'UTF8') from '"tenant":"([^"\\]*)"'), ''),
  resource = coalesce(
    'decisions/' || substring(convert_from(raw, 'UTF8') from '"decision":"([^"\\]*)"'),
    'subjects/' || substring(convert_from(raw, 'UTF8') from '"subject_ref":"([^"\\]*)"'),
    ''
  )
WHERE kind IN ('erasure', 'access');
CREATE INDEX noted_by_kind ON noted (kind, leaf);
CREATE INDEX noted_by_person ON noted (person, leaf);
CREATE INDEX noted_by_resource ON noted (resource, leaf);
CREATE UNIQUE INDEX noted_request ON noted (request) WHERE request <> '';
