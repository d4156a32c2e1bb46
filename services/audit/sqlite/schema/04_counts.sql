-- How many decisions there were by hour, so that a week of them is counted in a moment.
CREATE TABLE decision_hour (
  hour INTEGER NOT NULL,  -- hours since the epoch, of the receive time
  tenant TEXT NOT NULL,
  method TEXT NOT NULL,   -- empty where nobody has described it, or it was not looked up: callers may make up any
  agent TEXT NOT NULL,
  route TEXT NOT NULL,
  decisions INTEGER NOT NULL,
  PRIMARY KEY (hour, tenant, method, agent, route)
) WITHOUT ROWID;
INSERT INTO decision_hour (hour, tenant, method, agent, route, decisions)
SELECT received_ms / 3600000, tenant, iif(operation = '', '', method), agent, route, count(*)
FROM decision GROUP BY 1, 2, 3, 4, 5;
