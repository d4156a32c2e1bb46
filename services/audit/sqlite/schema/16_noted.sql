-- By what entries of the log's own are found, see services.audit.noting. Those that are there already say it in their JSON.
ALTER TABLE noted ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE noted ADD COLUMN at_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE noted ADD COLUMN person TEXT NOT NULL DEFAULT '';
ALTER TABLE noted ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
ALTER TABLE noted ADD COLUMN resource TEXT NOT NULL DEFAULT '';
ALTER TABLE noted ADD COLUMN request TEXT NOT NULL DEFAULT ''; -- of a change: its request and stage, of which there is one
UPDATE noted SET kind = (SELECT leaf.kind FROM leaf WHERE leaf.number = noted.leaf);
UPDATE noted SET
  at_ms = ifnull(json_extract(CAST(raw AS TEXT), '$.at_ms'), 0),
  person = ifnull(json_extract(CAST(raw AS TEXT), '$.person'), ''),
  tenant = ifnull(json_extract(CAST(raw AS TEXT), '$.tenant'), ''),
  resource = coalesce(
    'decisions/' || json_extract(CAST(raw AS TEXT), '$.decision'),
    'subjects/' || json_extract(CAST(raw AS TEXT), '$.subject_ref'),
    ''
  )
WHERE kind IN ('erasure', 'access') AND json_valid(CAST(raw AS TEXT));
CREATE INDEX noted_by_kind ON noted (kind, leaf);
CREATE INDEX noted_by_person ON noted (person, leaf);
CREATE INDEX noted_by_resource ON noted (resource, leaf);
CREATE UNIQUE INDEX noted_request ON noted (request) WHERE request <> '';
