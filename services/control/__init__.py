"""The control plane: HTTP for people and programs that steer, and for programs that read assignments."""
