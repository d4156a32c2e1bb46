"""The statistics of test & learn: pure functions over sums, no I/O."""
