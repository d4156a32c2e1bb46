"""Sensitive attributes of customers, for one purpose: to see whether agents treat groups of them alike.

No gateway, agent or rule reads it; nothing gives back what is known of one person.
"""
