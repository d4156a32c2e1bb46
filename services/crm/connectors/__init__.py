"""The CRM contracts over another system's HTTP interface, which one YAML file a vendor describes."""
