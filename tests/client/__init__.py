"""The client kit, without a gateway."""
