"""What a store of buckets would say, call by call, without one: for backtests. Pure, the time is an argument."""
