"""Load: Locust users, scenarios and the benchmark. They see the stubs only."""
