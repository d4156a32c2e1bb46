"""The decisions themselves, in a file for each hour; the main file beside them has the sums and the list of files."""
