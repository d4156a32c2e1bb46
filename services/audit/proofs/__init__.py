"""The log that proves what is stored: what enters it, who signs it, how it is asked, exported and checked."""
