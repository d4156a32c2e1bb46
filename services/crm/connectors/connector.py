"""One vendor's system behind our contracts: what each kind of method comes to, request by request."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from google.protobuf.message import Message

from gateway.core.errors import CallEnded, Reason
from pilote.crm.v1.message_pb2 import SEND_STATE_SENT
from services.crm import repeats
from services.crm.asking import own
from services.crm.connectors.calling import Caller, Run
from services.crm.connectors.contract import KINDS, OPERATIONS, REFERENCES, Operation, new, plain
from services.crm.connectors.enrolling import VERBS, Enrolling
from services.crm.connectors.exchange import Answer
from services.crm.connectors.expressions import Unfit
from services.crm.connectors.fields import Mapped
from services.crm.connectors.judging import ended
from services.crm.connectors.listing import page
from services.crm.connectors.names import segment, vendor_id
from services.crm.connectors.prepared import Prepared
from services.crm.connectors.remembering import Done, Remembering
from services.crm.connectors.tokens import Tokens
from services.crm.connectors.wanted import changed_fields, new_resource, refuse_filters, refuse_if_any

_KEYS: Final = uuid.UUID("5c7f9d3e-6f0b-4f37-9d0e-0a4f8f6a1c55")
"""What callers' request ids become UUIDs by: vendors get nothing that callers wrote."""


class Connector:
    """Carries out calls of our contracts at one vendor."""

    def __init__(
        self,
        name: str,
        caller: Caller,
        *,
        methods: Mapping[str, Prepared],
        mapped: Mapping[str, Mapped],
        variables: Mapping[str, str],
        tokens: Tokens,
        remembering: Remembering,
        clock_ms: Callable[[], int],
    ) -> None:
        self._name = name
        self._caller = caller
        self._methods = methods
        self._mapped = mapped
        self._variables = dict(variables)
        self._tokens = tokens
        self._remembering = remembering
        self._clock_ms = clock_ms

    async def carry_out(self, operation: Operation, request: Any, run: Run) -> Any:
        """The answer to one call.

        Raises:
            CallEnded: there is none; NOT_BUILT where the vendor has no such method.
        """
        prepared = self._methods.get(operation.name)
        if prepared is None:
            raise CallEnded(
                Reason.NOT_BUILT,
                f"The connector {self._name} does not have {operation.name}; choose another method.",
                metadata={"connector": self._name, "method": operation.name},
            )
        mapped = self._mapped[operation.word]
        if operation.verb == "Get":
            return self._answer(operation, await self._read(operation, mapped, request.name, run, field="name"))
        if operation.verb == "List":
            refuse_filters(prepared, request)
            return await page(self._caller, prepared, mapped, request, run, tokens=self._tokens, sees=self._sees())
        change = self._enrolling if operation.verb in VERBS else self._change
        act, act_again = change(prepared, mapped, request, run)
        body = type(request)()
        body.CopyFrom(request)
        body.ClearField("request_id")
        asked = repeats.digest(operation.name, body.SerializeToString(deterministic=True))
        answer = await self._remembering.once(own(request.request_id), asked=asked, act=act, act_again=act_again)
        if operation.name == "DeleteContact":
            await self._remembering.forget(request.name)
        return type(new(operation)).FromString(answer)

    def _enrolling(
        self, prepared: Prepared, mapped: Mapped, request: Any, run: Run
    ) -> tuple[Callable[[], Awaitable[Done]], Callable[[], Awaitable[Done]] | None]:
        key = _key(request.request_id)
        return Enrolling(
            self._caller, prepared, mapped, request, run, sees=self._sees(), key=key, clock_ms=self._clock_ms
        ).change()

    def _change(
        self, prepared: Prepared, mapped: Mapped, request: Any, run: Run
    ) -> tuple[Callable[[], Awaitable[Done]], Callable[[], Awaitable[Done]] | None]:
        """What makes the change, and what makes it where nobody knows whether it was made."""
        operation = prepared.operation
        if operation.verb == "Update":
            names = changed_fields(prepared, mapped, request)

            async def update() -> Done:
                return await self._update(prepared, mapped, request, run, names=names)

            return update, update
        if operation.verb == "Delete":

            async def delete() -> Done:
                await self._delete(prepared, mapped, request, run)
                return Done(new(operation).SerializeToString(), "")

            async def delete_again() -> Done:
                try:
                    return await delete()
                except CallEnded as error:
                    if error.reason is not Reason.NOT_FOUND:
                        raise
                    return Done(new(operation).SerializeToString(), "")

            return delete, delete_again
        resource = new_resource(prepared, mapped, request)

        async def create() -> Done:
            return await self._create(prepared, mapped, request, resource, run)

        async def create_again() -> Done:
            found = await self._looked_up(prepared, mapped, request, resource, run)
            return found or await create()

        known = prepared.lookup is not None or prepared.method.idempotency_header
        return create, create_again if known else None

    async def _create(self, prepared: Prepared, mapped: Mapped, request: Any, resource: Any, run: Run) -> Done:
        if prepared.method.reads_references:
            await self._read_references(resource, run)
        sees, headers = self._sees_new(mapped, request, resource), dict[str, str]()
        if prepared.method.idempotency_header and request.request_id:
            headers[prepared.method.idempotency_header] = sees["key"]
        answer = await self._call(prepared, sees, run, headers=headers, safe=bool(headers))
        try:
            if prepared.id is not None:
                return await self._created(prepared, mapped, prepared.id(answer.body), run)
            if prepared.method.id_header:
                made = _named(mapped, answer.headers.get(prepared.method.id_header.lower(), ""), resource)
            else:
                made = mapped.read(prepared.answer(answer.body), headers=answer.headers, echo=resource)
        except Unfit as error:
            raise ended("UPSTREAM_IN_DOUBT") from error
        return self._done(prepared.operation, mapped, made)

    async def _read_references(self, resource: Any, run: Run) -> None:
        for field, collection in REFERENCES.items():
            name = getattr(resource, field, "")
            if name:
                word = next(word for word, kind in KINDS.items() if kind.table == collection)
                await self._read(OPERATIONS[f"Get{word.title()}"], self._mapped[word], name, run, field=field)

    async def _created(self, prepared: Prepared, mapped: Mapped, made_id: Any, run: Run) -> Done:
        """Read what was made, where the vendor tells its id alone."""
        if not isinstance(made_id, (str, int)):
            raise ended("UPSTREAM_IN_DOUBT")
        try:
            found = await self._get(mapped, str(made_id), run)
        except CallEnded as error:  # it was made, which is more than this error says
            raise ended("UPSTREAM_IN_DOUBT") from error
        return self._done(prepared.operation, mapped, found)

    async def _looked_up(
        self, prepared: Prepared, mapped: Mapped, request: Any, resource: Any, run: Run
    ) -> Done | None:
        if prepared.lookup is None or prepared.found is None:
            return None
        sees = self._sees_new(mapped, request, resource)
        try:
            outgoing = prepared.lookup.outgoing(self._caller, sees, safe=True, headers={})
            answer = await self._caller.call(outgoing, run)
            made = _meant(prepared, mapped, prepared.found(answer.body), resource)
        except Unfit as error:
            raise ended("UPSTREAM_IN_DOUBT") from error
        except CallEnded as error:
            if error.reason is Reason.NOT_FOUND:
                return None
            raise
        return None if made is None else self._done(prepared.operation, mapped, made)

    async def _update(
        self, prepared: Prepared, mapped: Mapped, request: Any, run: Run, *, names: tuple[str, ...]
    ) -> Done:
        operation = prepared.operation
        resource = getattr(request, operation.word)
        name, field = resource.name, f"{operation.word}.name"
        their_id = vendor_id(name, collection=mapped.kind.table, field=field)
        headers = await self._compared(mapped, name, resource.etag, run)
        kept = tuple(each for each in names if each not in mapped.ignored)
        if not kept:
            return self._done(operation, mapped, await self._read(operation, mapped, name, run, field=field))
        sees = {
            **self._sees(), "id": their_id, "request": plain(request), "resource": plain(resource),
            "fields": mapped.written(resource, kept),
        }  # fmt: skip
        answer = await self._call(prepared, sees, run, headers=headers, safe=False)
        try:
            if prepared.method.reads_after:
                made = await self._get(mapped, their_id, run)
            else:
                made = mapped.read(prepared.answer(answer.body), headers=answer.headers)
        except (Unfit, CallEnded) as error:
            raise ended("UPSTREAM_IN_DOUBT") from error
        return self._done(operation, mapped, made)

    async def _delete(self, prepared: Prepared, mapped: Mapped, request: Any, run: Run) -> None:
        their_id = vendor_id(request.name, collection=mapped.kind.table, field="name")
        headers = await self._compared(mapped, request.name, request.etag, run)
        sees = {**self._sees(), "id": their_id, "request": plain(request)}
        await self._call(prepared, sees, run, headers=headers, safe=False)

    async def _compared(self, mapped: Mapped, name: str, etag: str, run: Run) -> dict[str, str]:
        """See that the resource is still as the caller has read it; the headers with which the vendor sees to it."""
        if not etag:
            return {}
        if mapped.version is None:
            refuse_if_any((("etag", "cannot be compared by the system behind; leave it out"),))
        elif mapped.version.if_match:
            if not etag.isascii() or not etag.isprintable():
                refuse_if_any((("etag", "must be as it was read"),))
            return {"If-Match": etag}
        held = await self._read(OPERATIONS[f"Get{mapped.word.title()}"], mapped, name, run, field="name")
        if held.etag != etag:
            raise CallEnded(
                Reason.CONFLICT,
                f"{name} has changed since it was read; read it again, then retry.",
                metadata={"name": name, "etag": held.etag},
            )
        return {}

    async def _read(self, operation: Operation, mapped: Mapped, name: str, run: Run, *, field: str) -> Any:
        their_id = vendor_id(name, collection=operation.kind.table, field=field)
        return await self._get(mapped, their_id, run)

    async def _get(self, mapped: Mapped, their_id: str, run: Run) -> Any:
        prepared = self._methods[f"Get{mapped.word.title()}"]
        answer = await self._call(prepared, {**self._sees(), "id": their_id}, run, headers={}, safe=True)
        try:
            found = prepared.answer(answer.body)
            if not found:
                raise ended("NOT_FOUND")
            return mapped.read(found, headers=answer.headers)
        except Unfit as error:
            raise ended("UPSTREAM_FAILED") from error

    async def _call(
        self, prepared: Prepared, sees: Mapping[str, Any], run: Run, *, headers: Mapping[str, str], safe: bool
    ) -> Answer:
        return await prepared.call(self._caller, sees, run, headers=headers, safe=safe)

    def _sees(self) -> dict[str, Any]:
        return {"vars": self._variables}

    def _sees_new(self, mapped: Mapped, request: Any, resource: Any) -> dict[str, Any]:
        names = [field.name for field, _ in resource.ListFields() if field.name not in mapped.ignored]
        return {
            **self._sees(), "request": plain(request), "resource": plain(resource),
            "fields": mapped.written(resource, names), "key": _key(request.request_id),
        }  # fmt: skip

    def _done(self, operation: Operation, mapped: Mapped, resource: Any) -> Done:
        if operation.verb == "Send":
            now_ms = self._clock_ms()
            resource.state = resource.state or SEND_STATE_SENT
            for name in ("send_time", "create_time"):
                if not resource.HasField(name):
                    getattr(resource, name).FromMilliseconds(now_ms)
        answer = self._answer(operation, resource)
        return Done(answer.SerializeToString(), mapped.kind.subject(resource))

    def _answer(self, operation: Operation, resource: Any) -> Message:
        answer = new(operation)
        getattr(answer, operation.word).CopyFrom(resource)
        return answer


def _key(request_id: str) -> str | None:
    """By which the vendor knows a repeat; `None` where the caller wants no such thing."""
    return str(uuid.uuid5(_KEYS, own(request_id))) if request_id else None


def _meant(prepared: Prepared, mapped: Mapped, found: Any, resource: Any) -> Any:
    """The one of those found that is like what was to be made; `None` where none is."""
    same = () if prepared.method.lookup is None else prepared.method.lookup.same
    for each in found if isinstance(found, list) else [found]:
        if each:
            made = mapped.read(each, headers={}, echo=resource)
            if all(_alike(getattr(made, name), getattr(resource, name)) for name in same):
                return made
    return None


def _alike(one: object, other: object) -> bool:
    return str(one).casefold() == str(other).casefold()


def _named(mapped: Mapped, made_id: str, resource: Any) -> Any:
    """What was sent, under the name that it has got there."""
    try:
        resource.name = f"{mapped.kind.table}/{segment(made_id)}"
    except CallEnded as error:
        raise Unfit("id_header") from error
    return resource
