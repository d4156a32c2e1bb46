"""What the doctor says, in English and French: what was seen, and how to mend it."""
