"""From a policy's data to a compiled revision: `load` is the one path that `pilote check` and every worker take.

Of a large one a worker has another process go that path, and then needs only `Checked`.
"""

import datetime as dt
import hashlib
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from gateway.activation import holidays
from gateway.adapters.identity import usable_keys
from gateway.core.policy.document import Document
from gateway.core.revision.check import check
from gateway.core.revision.compiled import Revision, check_compiling, compile_revision
from gateway.core.revision.decode import Mistakes, Path, decode
from gateway.core.rules import Program, RuleEngine
from gateway.messages.contracts import ContractBook

# Made once, before there are threads: two that decode a type of msgspec for the first time at once end the process.
_document: Final = msgspec.json.Decoder(Document)


def load(data: object, *, lines: Mapping[Path, int] | None = None, number: int = 0) -> Revision:
    """Decode, check and compile a policy. `lines` are the line numbers of a file, `number` the revision's.

    Raises:
        PolicyInvalid: with every mistake that can be seen.
    """
    mistakes = Mistakes(lines)
    return _revision(decode(data, mistakes), mistakes, number=number)


def load_stored(document: bytes, *, number: int = 0) -> Revision:
    """The revision of a stored document.

    Raises:
        PolicyInvalid: it has mistakes; this version may know more of them than the one that stored it.
        msgspec.DecodeError: it is not JSON.
    """
    mistakes = Mistakes()
    return _revision(_stored(document, mistakes), mistakes, number=number)


def check_stored(document: bytes, *, made: Callable[[Program], None]) -> None:
    """Look for mistakes in a stored document; `made` is told of each program that is compiled. Raises the same."""
    mistakes = Mistakes()
    decoded = _stored(document, mistakes)
    book = book_of(decoded, mistakes)
    _check(decoded, book, engine=RuleEngine(book.environments, book.message_class, made=made), mistakes=mistakes)


class Checked:
    """A stored document in which another process looks for mistakes; meanwhile it is made ready here in small steps.

    `rest` is called between them.

    Raises:
        msgspec.DecodeError: it is no policy.
    """

    def __init__(self, document: bytes, *, rest: Callable[[], None]) -> None:
        self._rest = rest
        self._sha256 = hashlib.sha256(document).hexdigest()
        self._document = _in_steps(document, rest)
        self._book = book_of(self._document, Mistakes())

    def compiled(self, programs: Iterator[Program], *, number: int) -> Revision:
        """The revision, from what the other process compiles of it, as it comes.

        It must not be used before `programs` have ended well: nothing here looks for mistakes.
        """
        engine = RuleEngine(self._book.environments, self._book.message_class, programs=programs, rest=self._rest)
        return compile_revision(
            self._document,
            tuple(self._book),
            engine=engine,
            holidays=_closed(self._document),
            number=number,
            sha256=self._sha256,
            rest=self._rest,
        )


def book_of(document: Document, mistakes: Mistakes) -> ContractBook:
    """The methods that a policy describes."""
    return ContractBook(document.contracts, mistakes, rest=document.rest, ratelimit=document.ratelimit)


def _stored(document: bytes, mistakes: Mistakes) -> Document:
    try:
        return _document.decode(document)
    except msgspec.ValidationError:  # `decode` says all that is wrong with it
        return decode(msgspec.json.decode(document), mistakes)


def _revision(document: Document, mistakes: Mistakes, *, number: int) -> Revision:
    book = book_of(document, mistakes)
    engine = RuleEngine(book.environments, book.message_class)
    _check(document, book, engine=engine, mistakes=mistakes)
    sha256 = hashlib.sha256(canonical(document)).hexdigest()
    closed = _closed(document)
    return compile_revision(document, tuple(book), engine=engine, holidays=closed, number=number, sha256=sha256)


def _check(document: Document, book: ContractBook, *, engine: RuleEngine, mistakes: Mistakes) -> None:
    contracts = tuple(book)
    check(document, mistakes, contracts=contracts)
    for index, issuer in enumerate(document.issuers):
        if issuer.jwks.get("keys") and not usable_keys(issuer):
            mistakes.add(("issuers", index, "jwks"), "issuer-keys-unusable")
    closed = _closed(document)
    for index, hours in enumerate(document.quiet_hours):
        if hours.holidays and hours.holidays not in closed:
            mistakes.add(("quiet_hours", index, "holidays"), "holidays-unknown", country=hours.holidays)
    check_compiling(document, contracts, engine=engine, mistakes=mistakes)


def _in_steps(document: bytes, rest: Callable[[], None]) -> Document:
    """A stored document, decoded part by part: in one go 10,000 rules would take 10 ms."""
    sections = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(Document):
        section = sections.get(field.encode_name)
        if section is None:
            continue
        if typing.get_origin(field.type) is not tuple:
            values[field.name] = msgspec.json.decode(section, type=field.type)
            continue
        decoder = msgspec.json.Decoder(typing.get_args(field.type)[0])
        parts = []
        for part in msgspec.json.decode(section, type=list[msgspec.Raw]):
            rest()
            parts.append(decoder.decode(part))
        values[field.name] = tuple(parts)
    return Document(**values)


def _closed(document: Document) -> Mapping[str, frozenset[dt.date]]:
    """The public holidays of each country that quiet hours name, where they are known."""
    found = {hours.holidays: holidays.dates(hours.holidays) for hours in document.quiet_hours if hours.holidays}
    return {country: dates for country, dates in found.items() if dates is not None}


def canonical(document: Document) -> bytes:
    """The document's canonical JSON: sorted keys, no spaces, defaults left out. What is hashed and stored."""
    return msgspec.json.encode(document, order="sorted")
