"""The weekly digest: what a week brought against the one before, ready to be mailed, in English or French."""
