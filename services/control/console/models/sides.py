"""The ways within the pages about models and routes, and what all of them know."""

from typing import Any, Final

from gateway.core.policy.document import Document
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console.formats import milliseconds
from services.control.console.page import Parts

SIDES: Final = ("routes", "versions", "rollouts", "experiments", "shadows", "holdouts")


def tabs(here: str) -> tuple[tuple[str, str, bool], ...]:
    """(key of the text, path, whether it is this one)."""
    return tuple(
        (f"models-{side}", f"/models/{side}" if side != "routes" else "/models", side == here) for side in SIDES
    )


def known(here: str) -> dict[str, Any]:
    """What every template of them is given."""
    return {"tabs": tabs(here), "ms": milliseconds}


def document_of(parts: Parts) -> Document | None:
    """The active policy."""
    return parts.policy.revision.document if parts.policy.revision else None


def tenants_of(request: Asked, parts: Parts) -> tuple[str, ...]:
    """The tenants whose calls are counted."""
    return tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
