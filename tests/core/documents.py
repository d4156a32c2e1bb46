"""Policy documents drawn at random, valid field by field; nothing is said of how their parts fit each other."""

import functools
import itertools
import re
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from gateway.core.policy.document import Document
from gateway.core.policy.learning import Rollout, RolloutStep
from gateway.core.policy.vocabulary import Part

_KNOWN = (
    "1h",
    "2d",
    "24:00",
    "13:30",
    "a" * 64,
    "b" * 64,
    "c" * 32,
    "http://a.b",
    "@a",
    "a@1",
    "x:1",
    "1",
    "2.0",
    "a",
    "b",
)
_json = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)


@functools.cache
def documents() -> st.SearchStrategy[Document]:
    """Whole documents; the names within a section differ, and are few, so that two documents share some."""
    # Later: every process of a run collects all tests, and finding texts for the patterns takes seconds.
    return st.deferred(_documents)


def _documents() -> st.SearchStrategy[Document]:
    fields = {}
    for field in inspect.type_info(Document).fields:  # type: ignore[attr-defined] # a StructType
        drawn = of_type(field.type)
        if isinstance(field.type, inspect.VarTupleType):
            drawn = st.lists(_named(of_type(field.type.item_type)), max_size=4, unique_by=lambda part: part.name).map(
                tuple
            )
        fields[field.name] = drawn
    return st.builds(Document, **fields)


def structs(kind: type[Part]) -> st.SearchStrategy[Any]:
    """Parts of one kind."""
    return of_type(inspect.type_info(kind))


def all_kinds() -> dict[str, type[Part]]:
    """Every struct that a document can hold, itself included, by name."""
    found: dict[str, type[Part]] = {}
    _find(inspect.type_info(Document), found)
    return found


def of_type(info: Any) -> st.SearchStrategy[Any]:
    """Values of a type, as msgspec describes it."""
    match info:
        case inspect.StructType():
            fields = {field.name: _field(field) for field in info.fields}
            if info.cls is Rollout:  # a step that is not there is a mistake that `check` tells
                fields["step"] = st.just(0)
                fields["steps"] = fields["steps"].map(lambda steps: steps or (RolloutStep(share=1),))
            return st.builds(info.cls, **fields)
        case inspect.UnionType():
            return st.one_of(*(of_type(each) for each in info.types))
        case inspect.VarTupleType():
            return st.lists(of_type(info.item_type), max_size=2).map(tuple)
        case inspect.DictType():
            return st.dictionaries(of_type(info.key_type), of_type(info.value_type), max_size=2)
        case inspect.LiteralType():
            return st.sampled_from(info.values)
        case inspect.EnumType():
            return st.sampled_from(list(info.cls))
        case inspect.AnyType():
            return _json
        case _:
            return _scalar(info)


def _field(field: Any) -> st.SearchStrategy[Any]:
    unset = field.default is msgspec.UNSET  # which msgspec does not count among the types
    return st.just(msgspec.UNSET) | of_type(field.type) if unset else of_type(field.type)


def _scalar(info: Any) -> st.SearchStrategy[Any]:
    match info:
        case inspect.StrType():
            return _texts(info.pattern or "")
        case inspect.IntType():
            return st.integers(info.ge or 0, min(info.le or 10**9, 10**9))
        case inspect.FloatType():
            return st.floats(0, 0.25)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case _:
            return st.just(msgspec.UNSET)


@functools.cache
def _texts(pattern: str) -> st.SearchStrategy[str]:
    """A few texts of a pattern: drawing new ones for each field takes longer than all that is done with them."""
    if not pattern:
        return st.sampled_from(["", "a", "é\n", "true"])
    found = list(itertools.islice(filter(re.compile(pattern).match, _tries()), 5))
    return st.sampled_from(found) if found else st.from_regex(re.compile(pattern, re.ASCII))


@functools.cache
def _tries() -> tuple[str, ...]:
    random = Random(1)  # noqa: S311
    return (*_KNOWN, *("".join(random.choices("a1.:/@-bh", k=random.randint(1, 9))) for _ in range(100_000)))


def _named(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(lambda part, name: msgspec.structs.replace(part, name=name), parts, st.sampled_from("abcdef"))


def _find(info: Any, found: dict[str, type[Part]]) -> None:
    if isinstance(info, inspect.StructType) and issubclass(info.cls, Part) and info.cls.__name__ not in found:
        found[info.cls.__name__] = info.cls
        for field in info.fields:
            _find(field.type, found)
    for inner in (getattr(info, "item_type", None), getattr(info, "value_type", None), *getattr(info, "types", ())):
        if inner is not None:
            _find(inner, found)
