"""The embedded decision store: a main file of SQLite with the sums, and a file of decisions for each hour."""
