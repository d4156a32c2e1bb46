"""Makes of a filter's text what a store takes: subjects by their pseudonyms, ages as times."""

from typing import Any

from gateway.core.record import subject_ref
from gateway.core.texts import language_of
from services.audit.filters import filter as filters
from services.audit.filters.expression import Expression, at_time, with_subjects
from services.audit.store import DecisionStore
from services.audit.tenancy import Permitted


def language_in(context: Any) -> str:
    """The language that the caller of a method asks for."""
    return language_of(dict(context.invocation_metadata()).get("accept-language"))


class Resolver:
    """Reads filters for one store; `pseudonym_key` is the gateways' key of `subject_ref`."""

    def __init__(self, store: DecisionStore, *, pseudonym_key: bytes) -> None:
        self._store = store
        self._pseudonym_key = pseudonym_key

    async def read(self, text: str, context: Any, *, now_ms: int) -> Expression:
        """The filter that `text` asks for, for the caller of a method, with ages counted from `now_ms`.

        Raises:
            CallEnded: ARGUMENT_INVALID for a mistake in it, STORE_UNAVAILABLE.
        """
        return await self.resolved(self.parsed(text, context), now_ms=now_ms)

    def parsed(self, text: str, context: Any) -> Expression:
        """The same without what changes with time; of what the caller may see.

        Raises:
            CallEnded: ARGUMENT_INVALID for a mistake in it.
        """
        return Permitted(context).within(filters.parse(text, language=language_in(context)))

    async def resolved(self, expression: Expression, *, now_ms: int) -> Expression:
        """The same filter as the store takes it now: a tenant may be new, with pseudonyms of its own.

        Raises:
            CallEnded: STORE_UNAVAILABLE.
        """
        tenants = await self._store.tenants()

        def refs(subject: str) -> tuple[str, ...]:
            return tuple(subject_ref(self._pseudonym_key, tenant=tenant, subject=subject) for tenant in tenants)

        return at_time(with_subjects(expression, refs), now_ms=now_ms)
