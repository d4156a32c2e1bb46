"""Takes one person into a journey of the system behind, or out of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from gateway.core.errors import CallEnded, Reason
from pilote.orchestration.v1 import journey_pb2 as pb
from services.crm.connectors.calling import Caller, Run
from services.crm.connectors.contract import new, plain
from services.crm.connectors.expressions import Unfit
from services.crm.connectors.fields import Mapped
from services.crm.connectors.journeys import problems
from services.crm.connectors.judging import ended
from services.crm.connectors.names import segment, vendor_id
from services.crm.connectors.prepared import Prepared
from services.crm.connectors.remembering import Done
from services.crm.connectors.wanted import refuse_if_any

VERBS: Final = ("Enrol", "Exit")
Act = Callable[[], Awaitable[Done]]


class Enrolling:
    """One such request. `key` is what the vendor knows a repeat by; `sees` what every template sees.

    Raises:
        CallEnded: ARGUMENT_INVALID with every mistake of the request.
    """

    def __init__(
        self,
        caller: Caller,
        prepared: Prepared,
        mapped: Mapped,
        request: Any,
        run: Run,
        *,
        sees: Mapping[str, Any],
        key: str | None,
        clock_ms: Callable[[], int],
    ) -> None:
        refuse_if_any((*problems(request), *_not_there(prepared, request)))
        self._caller = caller
        self._prepared = prepared
        self._mapped = mapped
        self._request = request
        self._run = run
        self._key = key
        self._clock_ms = clock_ms
        self._customer: Final = vendor_id(request.customer, collection="contacts", field="customer")
        journey = vendor_id(request.journey, collection="journeys", field="journey")
        self._sees = {**sees, "journey": journey, "customer": self._customer, "request": plain(request), "key": key}

    def change(self) -> tuple[Act, Act | None]:
        """What makes the change, and what makes it where nobody knows whether it was made; `None`: nobody can."""
        if self._prepared.operation.verb == "Exit":
            return self._act, self._act  # who is out already is ignored
        known = self._prepared.lookup is not None or self._prepared.method.idempotency_header
        return self._act, self._act_again if known else None

    async def _act(self) -> Done:
        headers = {}
        if self._prepared.method.idempotency_header and self._key:
            headers[self._prepared.method.idempotency_header] = self._key
        answer = await self._prepared.call(self._caller, self._sees, self._run, headers=headers, safe=bool(headers))
        try:
            return self._done(self._prepared.answer(answer.body))
        except (Unfit, CallEnded) as error:  # it has acted, which is more than this error says
            raise ended("UPSTREAM_IN_DOUBT") from error

    async def _act_again(self) -> Done:
        prepared = self._prepared
        if prepared.lookup is None or prepared.found is None or prepared.method.lookup is None:
            return await self._act()
        try:
            outgoing = prepared.lookup.outgoing(self._caller, self._sees, safe=True, headers={})
            found = prepared.found((await self._caller.call(outgoing, self._run)).body)
            for each in found if isinstance(found, list) else [found]:
                if each and self._meant(each, prepared.method.lookup.same):
                    return self._done(each)
        except Unfit as error:
            raise ended("UPSTREAM_IN_DOUBT") from error
        except CallEnded as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
        return await self._act()

    def _meant(self, found: object, same: tuple[str, ...]) -> bool:
        """Whether what was found is like what was asked for, in the fields that both have."""
        enrolment = self._mapped.fill(pb.Enrolment(), found)
        return all(getattr(enrolment, name) == getattr(self._request, name, "") for name in same)

    def _done(self, found: object) -> Done:
        answer: Any = new(self._prepared.operation)
        if found or self._prepared.operation.verb == "Enrol":
            answer.enrolment.CopyFrom(self._enrolment(found))
        return Done(answer.SerializeToString(), self._request.customer)

    def _enrolment(self, found: object) -> pb.Enrolment:
        """The person's way through the journey, completed by what we know of it ourselves."""
        request, left = self._request, self._prepared.operation.verb == "Exit"
        try:
            their_id = self._mapped.id_of(found)
        except Unfit:
            their_id = self._customer  # nobody is in a journey twice
        enrolment = self._mapped.fill(pb.Enrolment(), found)
        enrolment.name = f"{request.journey}/enrolments/{segment(their_id)}"
        enrolment.customer = request.customer
        enrolment.state = enrolment.state or (pb.ENROLMENT_STATE_EXITED if left else pb.ENROLMENT_STATE_ACTIVE)
        if not left and not enrolment.HasField("enrol_time"):
            enrolment.enrol_time.FromMilliseconds(self._clock_ms())
        if left and not enrolment.HasField("exit_time"):
            enrolment.exit_time.FromMilliseconds(self._clock_ms())
        if enrolment.state == pb.ENROLMENT_STATE_EXITED:
            enrolment.exit_reason = enrolment.exit_reason or getattr(request, "exit_reason", "")
        return enrolment


def _not_there(prepared: Prepared, request: Any) -> list[tuple[str, str]]:
    """What the vendor asks for beyond the contract, and does not find in the request."""
    found = [
        (field, "is required by the system behind") for field in prepared.method.required if not getattr(request, field)
    ]
    for field, allowed in prepared.method.only.items():
        value = getattr(request, field)
        if value and value not in allowed:
            found.append((field, f"must be {' or '.join(allowed)} there"))
    return found
