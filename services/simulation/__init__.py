"""A quarter of an invented company: people whose truths are known, agents that write to them, a policy that decides."""
