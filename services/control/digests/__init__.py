"""The weekly digest, for people and programs: shown, and taken along as a mail or PDF."""
