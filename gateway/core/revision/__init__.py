"""A revision: the published policy. Decode (`decode`), check (`check`), compile and index (`compiled`)."""
