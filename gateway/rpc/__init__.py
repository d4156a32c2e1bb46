"""gRPC plumbing without governance knowledge; services use it too."""
