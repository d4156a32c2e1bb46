-- Which Parquet files have anything about a customer, a rule, a version or an agent is in a file beside each of them now,
-- with the decisions that have it.
DROP TABLE posting;
