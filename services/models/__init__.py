"""A small demonstration model server that speaks the Open Inference Protocol, version 2."""
