"""From recorded decisions to calls that probes start from: what a record shows, and what it does not. Pure.

A record holds no request and no customer in the clear. So a base has what the record says of the call, in the fields
that the contract names for it, a customer who does not exist, and nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core.policy.serving import MethodBinding
from gateway.core.revision.compiled import Revision
from gateway.messages.contracts import annotated
from gateway.messages.field_paths import value_names

NOBODY: Final = "contacts/probe"
"""Stands for the customer."""
_SAID: Final = ("channel", "category", "model", "brand", "campaign", "purpose", "topics")
_NEVER: Final = ("request", "facts", "contacts")
"""What a record never shows whole."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What a record says of one call. Empty: nothing."""

    id: str
    agent: str
    method: str
    at: str
    """When it was received, RFC 3339."""
    subject: bool
    """Whether it concerned a customer."""
    channel: str = ""
    category: str = ""
    model: str = ""
    brand: str = ""
    campaign: str = ""
    purpose: str = ""
    topics: tuple[str, ...] = ()
    consents: Mapping[str, bool] = {}
    """By channel whether the customer had agreed, as far as that was looked at."""
    verdict: str
    reason: str = ""
    """Of a refused one."""
    rule: str = ""


def base_of(recorded: Recorded, revision: Revision, *, name: str) -> dict[str, Any] | None:
    """The call as a suite has it; `None`: nobody has described its method in that policy, or it names no agent."""
    binding = binding_of(revision, recorded.method)
    if binding is None or not recorded.agent:
        return None
    request: dict[str, Any] = {}
    message = _request_of(revision, recorded.method)
    for word in _SAID:
        value: Any = getattr(recorded, word)
        if value and (path := getattr(binding, word)):
            _put(request, message, path, value)
    if recorded.subject and binding.subject:
        _put(request, message, binding.subject, NOBODY)
    base: dict[str, Any] = {"name": name, "agent": recorded.agent, "method": recorded.method}
    base |= {"request": request} if request else {}
    base |= {"facts": {"consents": dict(recorded.consents)}} if recorded.consents else {}
    return base | {"at": recorded.at}


def shape_of(base: Mapping[str, Any]) -> bytes:
    """What two bases have in common that are the same call, whenever it was made."""
    kept = {key: value for key, value in base.items() if key not in ("name", "at")}
    return msgspec.json.encode(kept, order="deterministic")


def binding_of(revision: Revision, method: str) -> MethodBinding | None:
    """In which fields of the request the method's contract has what governs it."""
    for contract in revision.document.contracts:
        for binding in contract.methods:
            if binding.method.removeprefix("/") == method.removeprefix("/"):
                return binding
    found = _method(revision, method)
    return None if found is None else annotated(found)


def missing_of(recorded: Sequence[Recorded]) -> tuple[str, ...]:
    """What the bases lack that the calls had."""
    return _NEVER if any(each.subject for each in recorded) else ("request",)


def _method(revision: Revision, method: str) -> Any:
    pool: Any = revision.pool
    service, _, name = method.removeprefix("/").partition("/")
    try:
        return pool.FindServiceByName(service).methods_by_name.get(name)
    except KeyError:
        return None


def _request_of(revision: Revision, method: str) -> Any:
    found = _method(revision, method)
    return None if found is None else found.input_type


def _put(request: dict[str, Any], message: Any, path: str, value: Any) -> None:
    """Put a value there, as protobuf JSON has it: of an enum the whole name, of a list several."""
    *steps, last = path.split(".")
    here, kind = request, message
    for step in steps:
        here = here.setdefault(step, {})
        field = None if kind is None else kind.fields_by_name.get(step)
        kind = None if field is None else field.message_type
    field = None if kind is None else kind.fields_by_name.get(last)
    many = isinstance(value, tuple)
    if field is not None and field.enum_type is not None:
        value = [_enum(field, each) for each in value] if many else _enum(field, value)
    if many:
        value = list(value) if field is None or field.is_repeated else value[0]
    here[last] = value


def _enum(field: Any, value: str) -> str:
    """The name of the enum's value that a record tells so; itself where none is."""
    told = value_names(field)
    return next((each.name for each in field.enum_type.values if told[each.number] == value), value)
