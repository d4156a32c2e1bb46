"""From a policy's data to a compiled revision: `load` is the one path that `pilote check` and every worker take.

Of a large one a worker has another process go that path, and then needs only `Checked`.
"""

import datetime as dt
import hashlib
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from gateway import holidays
from gateway.adapters.identity import usable_keys
from gateway.contracts import ContractBook
from gateway.core.policy.document import Document
from gateway.core.revision.check import check
from gateway.core.revision.compiled import Revision, compile_revision
from gateway.core.revision.decode import Mistakes, Path, decode
from gateway.core.rules import Program, RuleEngine

Made = Callable[[Program], None] | None


def load(data: object, *, lines: Mapping[Path, int] | None = None, number: int = 0, made: Made = None) -> Revision:
    """Decode, check and compile a policy. `lines` are the line numbers of a file, `number` the revision's.

    `made` is told of each program that is compiled.

    Raises:
        PolicyInvalid: with every mistake that can be seen.
    """
    mistakes = Mistakes(lines)
    return _checked(decode(data, mistakes), mistakes, number=number, made=made)


def load_stored(document: bytes, *, number: int = 0, made: Made = None) -> Revision:
    """The revision of a stored document. `made` is told of each program that is compiled.

    Raises:
        PolicyInvalid: it has mistakes; this version may know more of them than the one that stored it.
        msgspec.DecodeError: it is not JSON.
    """
    try:
        decoded = msgspec.json.decode(document, type=Document)
    except msgspec.ValidationError:  # `load` says all that is wrong with it
        return load(msgspec.json.decode(document), number=number, made=made)
    return _checked(decoded, Mistakes(), number=number, made=made)


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
        self._book = ContractBook(self._document.contracts, Mistakes())

    def compiled(self, programs: Iterator[Program], *, number: int) -> Revision:
        """The revision, from what the other process compiles of it, as it comes.

        It must not be used before `programs` have ended well: nothing here looks for mistakes.
        """
        engine = RuleEngine(self._book.pool, self._book.message_class, programs=programs, rest=self._rest)
        return compile_revision(
            self._document,
            tuple(self._book),
            engine=engine,
            mistakes=None,
            holidays={country: dates for country, dates in _closed(self._document).items() if dates is not None},
            number=number,
            sha256=self._sha256,
            rest=self._rest,
        )


def _checked(document: Document, mistakes: Mistakes, *, number: int, made: Made) -> Revision:
    book = ContractBook(document.contracts, mistakes)
    contracts = tuple(book)
    check(document, mistakes, contracts=contracts)
    for index, issuer in enumerate(document.issuers):
        if issuer.jwks.get("keys") and not usable_keys(issuer):
            fix = "give the issuer's public keys as a JSON Web Key Set"
            mistakes.add(("issuers", index, "jwks"), "the key set has no usable key", fix=fix)
    closed = _closed(document)
    for index, hours in enumerate(document.quiet_hours):
        if closed.get(hours.holidays, ()) is None:
            fix = 'write an ISO 3166 code, such as "FR"'
            mistakes.add(("quiet_hours", index, "holidays"), f"no holidays are known for {hours.holidays!r}", fix=fix)
    return compile_revision(
        document,
        contracts,
        engine=RuleEngine(book.pool, book.message_class, made=made),
        mistakes=mistakes,
        holidays={country: dates for country, dates in closed.items() if dates is not None},
        number=number,
        sha256="" if mistakes else hashlib.sha256(canonical(document)).hexdigest(),
    )


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


def _closed(document: Document) -> Mapping[str, frozenset[dt.date] | None]:
    """The public holidays of each country that quiet hours name; `None` where none are known."""
    return {hours.holidays: holidays.dates(hours.holidays) for hours in document.quiet_hours if hours.holidays}


def canonical(document: Document) -> bytes:
    """The document's canonical JSON: sorted keys, no spaces, defaults left out. What is hashed and stored."""
    return msgspec.json.encode(document, order="sorted")
