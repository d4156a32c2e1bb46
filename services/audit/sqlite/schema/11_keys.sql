-- What opens the values of records: each key of one customer and one gateway process, wrapped under the master key.
CREATE TABLE subject_key (
  id TEXT NOT NULL PRIMARY KEY,  -- 16 hexadecimal digits
  tenant TEXT NOT NULL,
  subject_ref TEXT NOT NULL,     -- empty for the key of one decision about no single customer
  made_ms INTEGER NOT NULL,
  wrapped BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX subject_key_of ON subject_key (tenant, subject_ref);

-- Customers who were erased: keys made before that and what calls were decided by then are not kept, whenever they come.
CREATE TABLE erased (
  tenant TEXT NOT NULL,
  subject_ref TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  told INTEGER NOT NULL,         -- whether the gateways were told to forget the keys that they hold
  PRIMARY KEY (tenant, subject_ref)
) WITHOUT ROWID;
CREATE INDEX erased_untold ON erased (at_ms) WHERE told = 0;

-- Of inputs that earlier versions stored the customer is known from their decision only.
ALTER TABLE input ADD COLUMN subject_ref TEXT NOT NULL DEFAULT '';
