"""Who asks over gRPC: an agent by way of the gateway, for the tenant that the active policy gives it."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any, Final

from redis.exceptions import RedisError

from gateway.adapters.fact_changes import Damaged
from gateway.core.errors import CallEnded, Reason, facts_damaged, invalid
from services.intake.events import MOST_ID_CHARACTERS, is_id
from services.intake.member_order import NameDamaged
from services.intake.policy import Sources

AGENT: Final = "pilote-agent"
"""By this the gateway says which agent asks; what callers write there it does not pass on."""
_CUSTOMER: Final = re.compile(r"contacts/[^/\s]+\Z")


def tenant_of(sources: Sources, context: Any) -> str:
    """The tenant that is asked for.

    Raises:
        CallEnded: REVISION_MISSING where no policy is active, AGENT_UNAUTHENTICATED for no agent of the active one.
    """
    if not sources.known:
        raise CallEnded(Reason.REVISION_MISSING, "No policy is active, so nobody is known; retry.")
    tenant = sources.tenant_of(agent_of(context))
    if tenant is None:
        text = "Ask through the gateway, which says who asks, as an agent of the active policy."
        raise CallEnded(Reason.AGENT_UNAUTHENTICATED, text)
    return tenant


def agent_of(context: Any) -> str:
    """The agent that asks, as the gateway says; empty where nobody does."""
    return str(dict(context.invocation_metadata() or ()).get(AGENT, ""))


def customer_in(field: str, name: str) -> str:
    """The customer that a field names.

    Raises:
        CallEnded: ARGUMENT_INVALID where it names none.
    """
    if not _CUSTOMER.match(name) or len(name) > MOST_ID_CHARACTERS or not is_id(name):
        raise invalid(field, f"{field} must name a customer, such as contacts/cnt_000042.")
    return name


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Around what asks the store.

    Raises:
        CallEnded: STORE_UNAVAILABLE when it does not answer, FACTS_DAMAGED.
    """
    try:
        yield
    except Damaged as error:
        raise facts_damaged() from error
    except NameDamaged as error:
        text = "The name of a member is damaged in the store: delete the audience, and say its members anew."
        raise CallEnded(Reason.FACTS_DAMAGED, text, violations=(("members", "cannot be read"),)) from error
    except (RedisError, OSError, TimeoutError) as error:
        raise CallEnded(Reason.STORE_UNAVAILABLE, "What is known of customers cannot be read now; retry.") from error
