"""What is wrong with a policy, in words: the catalogue of both languages, and how it is filled in."""
