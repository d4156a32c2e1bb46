"""From descriptors to contracts: what a method's annotations, or its binding in the revision, say of it.

The book holds one descriptor pool with our own contracts (from the stubs) and those that the revision brings along, so
that rules, readers and messages all mean the same types. A method that is neither annotated nor bound is not in it.
"""

import base64
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FileDescriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from gateway.copies.comparing import ReplyComparer
from gateway.core.call import Operation
from gateway.core.contract import DEFAULT_MAX_BYTES, MethodContract, Said
from gateway.core.environments import Environments
from gateway.core.mistakes import told
from gateway.core.policy.ratelimit import RateLimitDomain
from gateway.core.policy.rest import RestApi
from gateway.core.policy.serving import Contract, MethodBinding
from gateway.core.revision.decode import Mistakes, Path
from gateway.messages.field_paths import (
    NoField,
    channel_putter,
    closed_values,
    is_text,
    presence,
    readers,
    texts_reader,
    token_usage,
    writer,
)
from gateway.messages.ratelimit_contracts import ratelimit_contracts
from gateway.messages.redaction import MessageRedactor
from gateway.messages.request_values import value_reader
from gateway.messages.rest_contracts import rest_contracts
from pilote.cdp.v1 import profile_service_pb2
from pilote.crm.v1 import activity_service_pb2, contact_service_pb2, deal_service_pb2, message_service_pb2
from pilote.decision.v1 import decision_service_pb2
from pilote.dmp.v1 import audience_service_pb2
from pilote.governance.v1 import annotations_pb2, rule_context_pb2
from pilote.inference.v1 import inference_service_pb2
from pilote.objective.v1 import objective_service_pb2
from pilote.orchestration.v1 import journey_service_pb2
from pilote.tracking.v1 import event_service_pb2

OWN: Final[tuple[Any, ...]] = (
    health_pb2,
    reflection_pb2,
    decision_service_pb2,
    objective_service_pb2,
    rule_context_pb2,
    contact_service_pb2,
    deal_service_pb2,
    activity_service_pb2,
    message_service_pb2,
    profile_service_pb2,
    audience_service_pb2,
    journey_service_pb2,
    event_service_pb2,
    inference_service_pb2,
)
"""The stubs whose contracts every gateway knows: its own services, what rules see, and the systems it stands before."""

_OPERATIONS: Final = {
    annotations_pb2.OPERATION_READ: Operation.READ,
    annotations_pb2.OPERATION_WRITE: Operation.WRITE,
    annotations_pb2.OPERATION_CONTACT: Operation.CONTACT,
    annotations_pb2.OPERATION_DELETE: Operation.DELETE,
    annotations_pb2.OPERATION_INFER: Operation.INFER,
}
_NEEDED: Final = {Operation.CONTACT: ("subject", "channel"), Operation.INFER: ("model",)}
"""Without these a call of that kind could only be refused."""


class ContractBook:
    """Every method the gateway may let through, and the message types that rules are checked against."""

    def __init__(
        self,
        contracts: Iterable[Contract],
        mistakes: Mistakes,
        *,
        rest: Iterable[RestApi] = (),
        ratelimit: Iterable[RateLimitDomain] = (),
    ) -> None:
        contracts = tuple(contracts)
        # Few policies bring contracts. The others share one pool, which nothing is added to any more.
        own = _own() if any(contract.descriptor_set for contract in contracts) else _shared()
        self.pool = own.pool
        self.environments: Final = own.environments
        """In which rules over these messages are compiled."""
        self._methods = dict(own.methods)
        self._files = list(own.files)
        for index, contract in enumerate(contracts):
            self._add_foreign(contract.descriptor_set, ("contracts", index, "descriptor_set"), mistakes)
        brought = self._files[len(own.files) :]
        self._methods.update(_annotated_methods(self.pool, brought, mistakes))
        for index, contract in enumerate(contracts):
            for position, binding in enumerate(contract.methods):
                self._add_bound(binding, ("contracts", index, "methods", position), mistakes)
        self._methods.update({contract.method: contract for contract in rest_contracts(rest, self.pool)})
        self._methods.update({contract.method: contract for contract in ratelimit_contracts(ratelimit, self.pool)})

    def __iter__(self) -> Iterator[MethodContract]:
        return iter(self._methods.values())

    def get(self, method: str) -> MethodContract | None:
        """The contract of the full method name "/package.Service/Method"; `None` for one nobody has described."""
        return self._methods.get(method)

    def message_class(self, name: str) -> Callable[..., object]:
        """The class of the message type with that full name."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    def _add_foreign(self, encoded: str, path: Path, mistakes: Mistakes) -> None:
        if not encoded:
            return
        try:
            files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(encoded, validate=True)).file
        except (ValueError, DecodeError):
            mistakes.add(path, "contract-unreadable")
            return
        for file in files:
            if file.name in self._files:
                continue
            try:
                self.pool.Add(file)
                self.pool.FindFileByName(file.name)
            except (TypeError, KeyError):
                mistakes.add(path, "contract-clashes", file=file.name)
                return
            self._files.append(file.name)

    def _add_bound(self, binding: MethodBinding, path: Path, mistakes: Mistakes) -> None:
        service, _, name = binding.method.removeprefix("/").partition("/")
        try:
            method = self.pool.FindServiceByName(service).methods_by_name[name]
        except KeyError:
            mistakes.add((*path, "method"), "binding-unknown", method=binding.method)
            return
        contract = _described(method, binding, path, mistakes)
        if contract is not None:
            self._methods[contract.method] = contract


def annotated(method: MethodDescriptor) -> MethodBinding | None:
    """What the annotations of a method say of it, as a binding would; `None`: it has none."""
    # The pool of the book does not know our extension's Python class; the bytes do not care.
    options = descriptor_pb2.MethodOptions.FromString(method.GetOptions().SerializeToString())
    if not options.HasExtension(annotations_pb2.call):
        return None
    call = options.Extensions[annotations_pb2.call]
    operation = _OPERATIONS.get(call.operation)
    if operation is None:
        return None
    return MethodBinding(
        method=_full(method),
        operation=operation,
        idempotent=options.idempotency_level != descriptor_pb2.MethodOptions.IDEMPOTENCY_UNKNOWN,
        max_message_bytes=call.max_message_bytes,
        topics=call.topics,
        created=call.created,
        instructions=call.instructions,
        served_version=call.served_version,
        usage=call.usage,
        **{name: getattr(call, name) for name in Said._fields},
    )


class _Own(NamedTuple):
    """Our own contracts, in a pool that holds nothing else yet."""

    pool: descriptor_pool.DescriptorPool
    environments: Environments
    files: tuple[str, ...]
    methods: Mapping[str, MethodContract]


def _own() -> _Own:
    """In a new pool."""
    pool = descriptor_pool.DescriptorPool()
    files: list[str] = []
    for module in OWN:
        _add_linked(module.DESCRIPTOR, pool, files)
    methods = _annotated_methods(pool, files, Mistakes())
    return _Own(pool, Environments(pool), tuple(files), methods)


_shared: Final = functools.cache(_own)


def _add_linked(file: FileDescriptor, pool: descriptor_pool.DescriptorPool, files: list[str]) -> None:
    if file.name in files:
        return
    for dependency in file.dependencies:
        _add_linked(dependency, pool, files)
    files.append(file.name)
    pool.AddSerializedFile(file.serialized_pb)


def _annotated_methods(
    pool: descriptor_pool.DescriptorPool, files: Sequence[str], mistakes: Mistakes
) -> dict[str, MethodContract]:
    """The methods of these files that annotations describe, by their names."""
    found = {}
    for name in files:
        for service in pool.FindFileByName(name).services_by_name.values():
            for method in service.methods:
                binding = annotated(method)
                contract = None if binding is None else _described(method, binding, ("contracts",), mistakes)
                if contract is not None:
                    found[contract.method] = contract
    return found


def _described(
    method: MethodDescriptor, binding: MethodBinding, path: Path, mistakes: Mistakes
) -> MethodContract | None:
    """The contract that a binding makes of a method; `None` when something in it is wrong, which it tells."""
    pool = method.containing_service.file.pool
    message_class = message_factory.GetMessageClass(method.input_type)
    paths = {name: getattr(binding, name) for name in Said._fields}
    pin = _text_writer(method, binding.model_version, path=(*path, "model_version"), mistakes=mistakes)
    instruct = _text_writer(method, binding.instructions, path=(*path, "instructions"), mistakes=mistakes)
    sound = (pin is None) == (not binding.model_version)
    for name, field_path in paths.items():
        if name == "model_version":
            continue
        try:
            readers(method.input_type, {name: field_path})
        except NoField as error:
            sound = False
            _no_field(method.input_type, error, method=method, path=(*path, name), mistakes=mistakes)
    decode = _decoder(message_class)
    try:
        topics = texts_reader(method.input_type, binding.topics)
    except NoField as error:
        mistakes.add((*path, "topics"), "binding-topics", method=_full(method), problem=error.what)
        return None
    for name in _NEEDED.get(binding.operation, ()):
        if not getattr(binding, name):
            what = told(
                "binding-needs",
                method=_full(method),
                operation=binding.operation.value,
                name=name,
                fields=_fields(method.input_type),
            )
            mistakes.tell((*path, name), what)
    created = _created(method, binding, path, mistakes)
    served = _reply_text(method, binding.served_version, path=(*path, "served_version"), mistakes=mistakes)
    metered = _reply_message(method, binding.usage, path=(*path, "usage"), mistakes=mistakes)
    if not sound:
        return None
    kept = [field_path for name, field_path in paths.items() if name != "identity"]  # which decides nothing
    return MethodContract(
        method=_full(method),
        operation=binding.operation,
        request_type=method.input_type.full_name,
        decode=decode,
        reply_type=method.output_type.full_name,
        decode_reply=_decoder(message_factory.GetMessageClass(method.output_type)),
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
        idempotent=binding.idempotent or binding.operation is Operation.READ,
        pin=pin,
        instruct=None if instruct is None else lambda request, text: instruct(decode(request), text),
        served=served,
        metered=metered,
        usage=None if metered is None else token_usage(method.output_type, binding.usage),
        redactors={
            "request": MessageRedactor(method.input_type, pool, kept=kept),
            "reply": MessageRedactor(method.output_type, pool),
        },
        comparer=ReplyComparer(method.output_type),
        value_of=functools.partial(value_reader, method.input_type),
        subject_path=binding.subject,
        channel_path=binding.channel,
        contact_point_path=binding.contact_point,
        session_path=binding.session,
        max_message_bytes=binding.max_message_bytes or DEFAULT_MAX_BYTES,
        read=readers(method.input_type, paths),
        created=created,
        says=frozenset(name for name, field_path in paths.items() if field_path),
        topics=topics,
        put_channel=channel_putter(method.input_type, channel=binding.channel, contact_point=binding.contact_point)
        if binding.channel
        else None,
        closed={
            name: frozenset(values)
            for name, field_path in paths.items()
            if (values := closed_values(method.input_type, field_path))
        },
    )


def _created(
    method: MethodDescriptor, binding: MethodBinding, path: Path, mistakes: Mistakes
) -> Callable[[object], str] | None:
    """Reads the name that a reply says was created; `None` where the binding names none."""
    if bool(binding.created) != bool(binding.identity):
        mistakes.add(path, "binding-created", method=_full(method))
    return _reply_text(method, binding.created, path=(*path, "created"), mistakes=mistakes)


def _text_writer(
    method: MethodDescriptor, field_path: str, *, path: Path, mistakes: Mistakes
) -> Callable[[object, str], bytes] | None:
    """Writes a text into a request; `None` where the binding names no field for it, or one that is no text."""
    if not field_path:
        return None
    try:
        write = writer(method.input_type, field_path)
        if not is_text(method.input_type, field_path):
            raise NoField("path-unwritable", field=field_path)
    except NoField as error:
        _no_field(method.input_type, error, method=method, path=path, mistakes=mistakes)
        return None
    return write


def _reply_text(
    method: MethodDescriptor, field_path: str, *, path: Path, mistakes: Mistakes
) -> Callable[[object], str] | None:
    """Reads a text of a reply; `None` where the binding names none."""
    if not field_path:
        return None
    try:
        read = readers(method.output_type, {"subject": field_path})
    except NoField as error:
        _no_field(method.output_type, error, method=method, path=path, mistakes=mistakes)
        return None
    return lambda reply: read(reply).subject


def _reply_message(
    method: MethodDescriptor, field_path: str, *, path: Path, mistakes: Mistakes
) -> Callable[[object], bool] | None:
    """Says whether a message is in a reply; `None` where the binding names none."""
    if not field_path:
        return None
    try:
        return presence(method.output_type, field_path)
    except NoField as error:
        _no_field(method.output_type, error, method=method, path=path, mistakes=mistakes)
        return None


def _no_field(kind: Descriptor, error: NoField, *, method: MethodDescriptor, path: Path, mistakes: Mistakes) -> None:
    fields = _fields(kind)
    mistakes.add(path, "binding-path", method=_full(method), problem=error.what, message=kind.full_name, fields=fields)


def _fields(kind: Descriptor) -> tuple[str, ...]:
    return tuple(field.name for field in kind.fields)


def _decoder(message_class: type[Message]) -> Callable[[bytes], object]:
    parse = message_class.FromString

    def decode(request: bytes) -> object:
        try:
            return parse(request)
        except DecodeError as error:
            raise ValueError("malformed message") from error

    return decode


def _full(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"
