"""What may stand at a place in a policy's text: keys, values, names that the policy knows, and words of expressions."""

import functools
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal

import msgspec
import yaml

from gateway.adapters.policy_files import FAST, see_depth
from gateway.core.contract import MethodContract, method_matches
from gateway.core.policy.document import Document
from gateway.core.policy.vocabulary import Expression
from gateway.core.revision.decode import Mistakes, PolicyInvalid, decode
from gateway.messages.contracts import ContractBook
from gateway.packs.shipped import shipped
from services.control.drafts.cursor import Cursor, cursor
from services.control.drafts.expression_words import Vocabulary, Word, words

MOST: Final = 200
_DESCRIBING: Final = ("contracts", "rest", "ratelimit")
"""Sections that describe methods."""
_SECTION: Final = re.compile(r"([a-z_]+)\s*:")
_NAME: Final = re.compile(r"(?:^\s*-\s+|\{\s*|^\s+|,\s*)name:\s*['\"]?([a-z][a-z0-9_.-]*)")
_USED: Final = re.compile(r"\b(channel|categor|topic|brand|tenant)(?:s|ies|y)?:\s*\[?([^\]{}#\n]*)")
_LISTED: Final = re.compile(r"\b(methods|operations):\s*\[([^\]]*)\]")
_TOLD_BY: Final[Mapping[str, str]] = {
    "upstream": "upstreams", "route": "routes", "models": "models", "model": "models", "tenant": "tenant",
    "issuer": "issuers", "agents": "agents", "prompt": "prompts", "budget": "limits", "channels": "channel",
    "downgrade_to": "channel", "categories": "categor", "exempt": "categor", "priority": "categor",
    "topics": "topic", "brands": "brand",
}  # fmt: skip
"""By the field that refers to something: which names it takes, of a section or of what is used elsewhere."""
_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "channel": ("email", "sms", "phone", "push", "postal"),
    "categor": ("marketing", "transactional", "legal", "service"),
}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that may stand there."""

    label: str
    kind: Literal["key", "value", "name", "variable", "field", "function"]
    detail: str = ""
    insert: str = ""
    """What to write; empty: the label."""


class Completed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What may stand at a place, in place of what is typed there already."""

    column: int
    """From 1: where what is typed begins."""
    items: tuple[Item, ...]


def completed(text: str, *, line: int, column: int) -> Completed:
    """What may stand at a line and column, which count from 1. The text need not be a policy, or YAML, yet."""
    lines = text.split("\n")
    at = cursor(lines, line=line, column=column)
    kind = _kind_at(at.path)
    if at.key and not _is_text(kind):
        items: Iterable[Item] = _keys(kind, at)
        typed = re.split(r"[\s{,]", at.typed)[-1]
    elif _is_text(kind) and _is_expression(at.path, kind):
        typed, items = _of_expression(lines, at, book=_book(text, line), names=_names(lines))
    else:
        typed = at.typed.lstrip("'\"[").rpartition(",")[2].lstrip() if not at.key else at.typed.strip()
        items = _values(kind, at.path, lines, text=text, line=line)
    near = [item for item in items if _fits(item.label, typed)]
    near.sort(key=lambda item: (not item.label.startswith(typed), item.label.lower()) if typed else (False, ""))
    return Completed(column=column - len(typed), items=tuple(near[:MOST]))


def _fits(label: str, typed: str) -> bool:
    return typed.lower() in label.lower()


def _kind_at(path: Sequence[str]) -> Any:
    """The type of what stands at a path; `None` where nothing may."""
    kind: Any = Document
    for step in path:
        kind = _plain(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            kind = next((f.type for f in msgspec.structs.fields(kind) if f.encode_name == step), None)
        elif step == "[]" and typing.get_origin(kind) is tuple:
            kind = typing.get_args(kind)[0]
        elif typing.get_origin(kind) is dict:
            kind = typing.get_args(kind)[1]
        else:
            return None
    return _plain(kind)


def _plain(kind: Any) -> Any:
    """`X | None` as X."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        others = [each for each in typing.get_args(kind) if each not in (type(None), msgspec.UnsetType)]
        return others[0] if others else None
    return kind


def _bare(kind: Any) -> Any:
    return typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind


def _is_text(kind: Any) -> bool:
    return _bare(kind) is str


def _is_expression(path: Sequence[str], kind: Any) -> bool:
    return kind == Expression and path[-1] in ("when", "key", "estimate", "actual")


def _keys(kind: Any, at: Cursor) -> Iterator[Item]:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in at.siblings:
            inner = _plain(field.type)
            holds = isinstance(inner, type) and issubclass(inner, msgspec.Struct)
            yield Item(
                label=field.encode_name,
                kind="key",
                detail=_told(inner) + (" *" if field.required else ""),
                insert=f"{field.encode_name}:" + ("" if holds or typing.get_origin(inner) is tuple else " "),
            )


def _told(kind: Any) -> str:
    kind = _bare(kind)
    if typing.get_origin(kind) is Literal:
        return " | ".join(map(str, typing.get_args(kind)))
    if typing.get_origin(kind) is tuple:
        return f"[{_told(_plain(typing.get_args(kind)[0]))}]"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " | ".join(str(each.value) for each in kind)
    return {str: "text", int: "number", float: "number", bool: "true | false"}.get(kind, "…")


def _values(kind: Any, path: Sequence[str], lines: list[str], *, text: str, line: int) -> Iterator[Item]:
    if typing.get_origin(kind) is tuple:
        kind = _plain(typing.get_args(kind)[0])
    kind = _bare(kind)
    if typing.get_origin(kind) is Literal:
        yield from (Item(label=str(each), kind="value") for each in typing.get_args(kind))
    elif isinstance(kind, type) and issubclass(kind, Enum):
        yield from (Item(label=str(each.value), kind="value") for each in kind)
    elif kind is bool:
        yield from (Item(label=each, kind="value") for each in ("true", "false"))
    else:
        field = next((step for step in reversed(path) if step != "[]"), "")
        if field == "methods":
            yield from _methods(tuple(_book(text, line)))
        elif field == "name" and path[:1] == ("packs",):
            yield from _packs()
        elif field in _TOLD_BY:
            yield from (Item(label=each, kind="name") for each in sorted(_names(lines).get(_TOLD_BY[field], ())))


def _methods(book: Sequence[MethodContract]) -> Iterator[Item]:
    for contract in book:
        yield Item(label=contract.method, kind="name", detail=contract.operation.value)
    for covering in sorted({_covering(contract) for contract in book}):
        yield Item(label=covering, kind="name")


def _covering(contract: MethodContract) -> str:
    """The pattern that covers a method and its neighbours: those of its package, or of its API."""
    beginning = contract.method.rpartition("/" if contract.http else ".")[0]
    return f"{beginning}/*" if contract.http else f"{beginning}.*"


def _packs() -> Iterator[Item]:
    return (Item(label=pack.name, kind="name", detail=pack.version) for pack in shipped())


def _names(lines: list[str]) -> Mapping[str, set[str]]:
    """Names of parts by section, and words that are used, as far as lines tell them."""
    found: dict[str, set[str]] = {kind: set(each) for kind, each in _USUAL.items()}
    section = ""
    for text in lines:
        begins = _SECTION.match(text)
        if begins:
            section = begins[1]
        name = _NAME.search(text)
        if name:
            found.setdefault(section, set()).add(name[1])
        for used in _USED.finditer(text):
            values = re.findall(r"[a-z][a-z0-9_.-]*", used[2].partition(",")[0] if "[" not in used[0] else used[2])
            found.setdefault(used[1], set()).update(values)
    return found


def _of_expression(
    lines: list[str], at: Cursor, *, book: ContractBook, names: Mapping[str, set[str]]
) -> tuple[str, list[Item]]:
    part = _part(lines, at.first)
    listed = {kind: re.findall(r"[^\s,'\"]+", values) for kind, values in _LISTED.findall(part)}
    covered = [
        contract
        for contract in book
        if (not listed.get("methods") or any(method_matches(each, contract.method) for each in listed["methods"]))
        and (not listed.get("operations") or contract.operation.value in listed["operations"])
    ]
    known = Vocabulary(
        pool=book.pool,
        requests=tuple(dict.fromkeys(contract.request_type for contract in covered)),
        replies=tuple(dict.fromkeys(contract.reply_type for contract in covered)) if at.path[-1] == "actual" else (),
        routed=at.path[0] not in ("routes", "experiments"),
        texts={
            "agent.name": names.get("agents", set()),
            "agent.tenant": names.get("tenant", set()),
            "call.channel": names.get("channel", set()),
            "call.category": names.get("categor", set()),
            "call.model": names.get("models", set()),
            "call.operation": {"READ", "WRITE", "CONTACT", "DELETE", "INFER"},
            "call.method": {contract.method for contract in covered},
            "route.name": names.get("routes", set()),
            "route.upstream": names.get("upstreams", set()),
        },
    )
    typed, found = words(at.typed, known)
    return typed, [_item(word) for word in found]


def _item(word: Word) -> Item:
    return Item(label=word.text, kind=word.kind, detail=word.detail, insert=word.insert)


def _part(lines: list[str], first: int) -> str:
    """The lines of the part of a section that begins there."""
    indent = len(lines[first]) - len(lines[first].lstrip(" "))
    last = first + 1
    while last < len(lines) and (not lines[last].strip() or len(lines[last]) - len(lines[last].lstrip(" ")) > indent):
        last += 1
    return "\n".join(lines[first:last])


def _book(text: str, line: int) -> ContractBook:
    """The methods that the text describes, and those that every gateway knows; without the line that is typed in."""
    lines = text.split("\n")
    return _described(tuple(_section(lines, name, line) for name in _DESCRIBING))


def _section(lines: list[str], name: str, line: int) -> str:
    """The text of a section; empty where there is none, or it is typed in."""
    start = next((at for at, each in enumerate(lines) if each.startswith(f"{name}:")), -1)
    end = next((at for at in range(start + 1, len(lines)) if lines[at][:1].isalpha()), len(lines))
    return "" if start < 0 or start < line <= end else "\n".join(lines[start:end])


@functools.lru_cache(maxsize=8)
def _described(sections: tuple[str, ...]) -> ContractBook:
    contracts, rest, ratelimit = (_decoded(text) for text in sections)
    mistakes = Mistakes()
    return ContractBook(contracts.contracts, mistakes, rest=rest.rest, ratelimit=ratelimit.ratelimit)


def _decoded(section: str) -> Document:
    try:
        see_depth(section)
        return decode(yaml.load(section, Loader=FAST) if section else {}, Mistakes())  # noqa: S506 - the safe one
    except (yaml.YAMLError, PolicyInvalid, ValueError):  # it is being typed
        return decode({}, Mistakes())
