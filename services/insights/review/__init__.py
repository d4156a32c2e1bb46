"""What the review of decisions says: agreement of reviewers, and error rates from samples. Pure functions, no I/O."""
