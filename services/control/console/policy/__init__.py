"""Pages about the policy: overview, editing, review, proposals, history."""
