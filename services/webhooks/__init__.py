"""Tells other systems what happens here: CloudEvents, sent as signed webhooks."""
