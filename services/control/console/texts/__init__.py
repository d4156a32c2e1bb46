"""What pages say: one module for each, `TEXTS` of key -> (English, French). A text with "|" has a singular and a plural."""
