"""What callers want of a connector, looked at before anything is sent: the contract's own rules, and the vendor's."""

from collections.abc import Iterable, Sequence
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.message import Message

from gateway.core.errors import CallEnded, Reason
from services.crm import checks, contracts
from services.crm.connectors.fields import Mapped
from services.crm.connectors.prepared import Prepared


def new_resource(prepared: Prepared, mapped: Mapped, request: Any) -> Any:
    """The resource that is to be created or sent.

    Raises:
        CallEnded: ARGUMENT_INVALID with every mistake.
    """
    word, kind = prepared.operation.word, prepared.operation.kind
    resource = kind.kind()
    resource.CopyFrom(getattr(request, word))
    contracts.clear_service_fields(resource)
    if prepared.operation.verb == "Send":
        resource.ClearField("state")
    found = [(field, "is required") for field in contracts.missing_fields(resource)]
    found += [
        (field, "is required by the system behind")
        for field in prepared.method.required
        if field not in {each.name for each, _ in resource.ListFields()}
    ]
    found += _problems(prepared, mapped, resource)
    found += kind.problems(resource)
    chosen = getattr(request, f"{word}_id", "")
    violations = tuple((f"{word}.{field}", text) for field, text in found)
    if chosen:
        violations += ((f"{word}_id", "must be empty: the system behind chooses names itself"),)
    refuse_if_any(violations)
    return resource


def changed_fields(prepared: Prepared, mapped: Mapped, request: Any) -> tuple[str, ...]:
    """The fields that an update changes, in the order of the contract.

    Raises:
        CallEnded: ARGUMENT_INVALID with every mistake.
    """
    word = prepared.operation.word
    resource, paths = getattr(request, word), tuple(request.update_mask.paths)
    contracts.updated(resource, resource, paths=paths)  # tells of paths that are no fields, or the service's own
    immutable = _immutable(resource)
    if "*" in paths:
        asked = {name for name in _names(resource) if mapped.known(name)} - _own(resource) - immutable
    else:
        asked = set(paths) or {field.name for field, _ in resource.ListFields()} - _own(resource) - immutable
    found = [(name, "never changes; leave it out of `update_mask`") for name in sorted(asked & immutable)]
    required = set(contracts.missing_fields(resource)) & asked
    found += [(name, "is required") for name in sorted(required)]
    found += _problems(prepared, mapped, resource, only=asked)
    refuse_if_any(tuple((f"{word}.{field}", text) for field, text in found))
    return tuple(name for name in _names(resource) if name in asked)


def refuse_filters(prepared: Prepared, request: Message) -> None:
    """See that every filter that is set is one that the vendor's list takes into account, and that none is missing.

    Raises:
        CallEnded: ARGUMENT_INVALID with every one that is not. To leave it out would list what nobody asked for.
    """
    found = [
        (name, "cannot be asked for there; leave it out and look at the answers")
        for name in prepared.operation.filters
        if getattr(request, name) and name not in prepared.mentions
    ]
    found += [
        (name, "is required by the system behind") for name in prepared.method.required if not getattr(request, name)
    ]
    refuse_if_any(tuple(found))


def refuse_if_any(violations: Sequence[tuple[str, str]]) -> None:
    """End the call if anything is wrong with its request.

    Raises:
        CallEnded: ARGUMENT_INVALID.
    """
    if violations:
        field, text = violations[0]
        raise CallEnded(Reason.ARGUMENT_INVALID, f"{field} {text}.", violations=tuple(violations))


def _problems(
    prepared: Prepared, mapped: Mapped, resource: Message, *, only: Iterable[str] | None = None
) -> list[checks.Problem]:
    found: list[checks.Problem] = []
    names = {field.name for field, _ in resource.ListFields()} if only is None else set(only)
    found += [
        (name, "is nothing that the system behind keeps; leave it out")
        for name in sorted(names)
        if not mapped.known(name)
    ]
    for name, allowed in prepared.method.only.items():
        value = getattr(resource, name)
        if value and value not in allowed:
            found.append((name, f"must be {' or '.join(allowed)} there"))
    found += [
        (name, f"must be {text} there")
        for name, text in mapped.fixed.items()
        if name in names and getattr(resource, name) not in ("", text)
    ]
    found += checks.texts(resource, prepared.operation.kind.limits)
    found += [*checks.enums(resource), *checks.times(resource)]
    return found


def _names(resource: Message) -> list[str]:
    return [field.name for field in resource.DESCRIPTOR.fields]


def _own(resource: Message) -> set[str]:
    return _with(resource, field_behavior_pb2.IDENTIFIER, field_behavior_pb2.OUTPUT_ONLY) | {"etag"}


def _immutable(resource: Message) -> set[str]:
    return _with(resource, field_behavior_pb2.IMMUTABLE)


def _with(resource: Message, *behaviours: int) -> set[str]:
    return {
        field.name
        for field in resource.DESCRIPTOR.fields
        if set(field.GetOptions().Extensions[field_behavior_pb2.field_behavior]) & set(behaviours)
    }
