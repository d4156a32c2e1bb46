"""Names of resources, as messages have them."""


def decision_name(decision_id: str) -> str:
    """The name of a decision; empty for none."""
    return f"decisions/{decision_id}" if decision_id else ""
