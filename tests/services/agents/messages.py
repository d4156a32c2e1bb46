"""Messages for property tests: any value in any field."""

from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from services.agents.bindings import ALL, Binding
from services.agents.filling import is_map

_SEGMENT = st.text(alphabet="abcz09_-", min_size=1, max_size=8)
_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_OWN: dict[str, st.SearchStrategy[Any]] = {
    "google.protobuf.Timestamp": st.datetimes().map(lambda time: time.isoformat() + "Z"),
    "google.protobuf.Duration": st.integers(-(10**9), 10**9).map(lambda seconds: f"{seconds}s"),
    "google.protobuf.FieldMask": st.lists(st.sampled_from(["email", "lifecycleStage"]), unique=True).map(",".join),
    "google.protobuf.Struct": st.dictionaries(_TEXT, _TEXT, max_size=2),
}
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


@st.composite
def filled(draw: st.DrawFn, binding: Binding) -> Message:
    """A request of the method whose path fits the binding, and which the rest of the binding can say."""
    kind = binding.method.descriptor.input_type
    value = draw(_values(kind, depth=2, queried=not binding.body))
    if binding.body and binding.body != ALL:
        value.setdefault(binding.body, {})
    for variable in binding.template.variables:
        *parents, last = variable.field.split(".")
        inside = value
        for name in parents:
            inside = inside.setdefault(name, {})
        inside[last] = "/".join(draw(_SEGMENT) if each == "*" else each for each in variable.segments)
    return json_format.ParseDict(value, binding.method.input())


def _values(kind: Any, *, depth: int, queried: bool) -> st.SearchStrategy[dict[str, Any]]:
    fields = {}
    oneofs: set[str] = set()
    for field in kind.fields:
        oneof = field.containing_oneof
        if oneof is not None and oneof.full_name in oneofs:
            continue
        oneofs |= {oneof.full_name} if oneof is not None else set()
        strategy = _value(field, depth=depth, queried=queried)
        if strategy is not None:
            fields[field.name] = strategy
    return st.fixed_dictionaries({}, optional=fields)


def _value(field: Any, *, depth: int, queried: bool) -> st.SearchStrategy[Any] | None:
    if is_map(field):
        one = _one(field.message_type.fields_by_name["value"], depth=depth, queried=queried)
        simple = field.message_type.fields_by_name["key"].type == FieldDescriptor.TYPE_STRING
        return None if one is None or queried or not simple else st.dictionaries(_TEXT, one, max_size=2)
    one = _one(field, depth=depth, queried=queried)
    if one is None or not field.is_repeated:
        return one
    return None if queried and field.message_type is not None else st.lists(one, max_size=2)


def _one(field: Any, *, depth: int, queried: bool) -> st.SearchStrategy[Any] | None:
    inner = field.message_type
    if inner is not None:
        if inner.full_name in _OWN:
            return None if queried and inner.full_name.endswith("Struct") else _OWN[inner.full_name]
        if depth == 0 or inner.full_name.startswith("google.protobuf."):
            return None
        values = _values(inner, depth=depth - 1, queried=queried)
        return values.filter(bool) if queried else values  # a query cannot say that a message is there, and empty
    if field.enum_type is not None:
        return st.sampled_from([value.name for value in field.enum_type.values])
    if field.cpp_type in _RANGES:
        return st.integers(*_RANGES[field.cpp_type])
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return st.just("aGVsbG8=") if field.type == FieldDescriptor.TYPE_BYTES else _TEXT
    return st.floats(width=32, allow_nan=False)
