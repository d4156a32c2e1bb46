"""The CRM behind the gateway: contacts, deals, activities and messages, embedded on SQLite."""
