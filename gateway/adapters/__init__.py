"""One foreign system each; adapters do not import each other."""
