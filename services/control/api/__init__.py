"""The REST interface: one module for each kind of thing that is asked about or changed."""
