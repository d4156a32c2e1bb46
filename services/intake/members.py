"""Reads the members of an audience, line by line, as they come: JSON Lines or CSV."""

import csv
from collections.abc import AsyncIterator, Iterator
from typing import Final

import msgspec

from services.intake.events import MOST_ID_CHARACTERS, Problem, is_id

MOST_LINE_BYTES: Final = 4_096
AT_ONCE: Final = 1_000
NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"
_BOM: Final = b"\xef\xbb\xbf"
_TRUTHS: Final = {"true": True, "1": True, "false": False, "0": False}


class Member(msgspec.Struct, frozen=True, rename="camel"):
    """One line: a customer by the name that the sender has for them, and whether they belong to the audience."""

    user_id: str | int
    member: bool = True


class MembersWrong(Exception):
    """What was sent cannot be used; nothing of it is applied. `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem: Final = problem


class LineWrong(MembersWrong):
    """A line, or a row of a table, is none. `problem` names its number, from 1."""

    def __init__(self, code: str, line: int) -> None:
        super().__init__(Problem(code, f"line {line}"))


_DECODER: Final = msgspec.json.Decoder(Member)


async def members_in(parts: AsyncIterator[bytes], kind: str) -> AsyncIterator[list[Member]]:
    """The members that a body of that kind names, some at a time.

    Raises:
        LineWrong: a line is none.
    """
    lines, waiting = Lines(kind), list[Member]()
    async for part in parts:
        waiting += lines.feed(part)
        if len(waiting) >= AT_ONCE:
            yield waiting
            waiting = []
    yield [*waiting, *lines.end()]


class Lines:
    """Cuts what comes into lines, and these into members."""

    def __init__(self, kind: str) -> None:
        """`kind` is `NDJSON` or `CSV`, whose first line names the columns: `userId`, and `member` where it is said."""
        self._csv = kind == CSV
        self._columns: list[str] | None = None
        self._rest = b""
        self._number = 0

    def feed(self, part: bytes) -> Iterator[Member]:
        """The members on lines that are whole by now.

        Raises:
            LineWrong: one is none.
        """
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            yield from self._read(line)
        if len(self._rest) > MOST_LINE_BYTES:
            raise LineWrong("line", self._number + 1)

    def end(self) -> Iterator[Member]:
        """The member on the last line, where no newline follows it.

        Raises:
            LineWrong: it is none.
        """
        yield from self._read(self._rest)

    def _read(self, line: bytes) -> Iterator[Member]:
        self._number += 1
        if self._number == 1:
            line = line.removeprefix(_BOM)
        line = line.strip()
        if not line:
            return
        try:
            if len(line) > MOST_LINE_BYTES:
                raise ValueError("too long")
            found = self._row(line) if self._csv else _DECODER.decode(line)
        except (ValueError, KeyError, csv.Error, RecursionError, msgspec.DecodeError) as error:
            raise LineWrong("line", self._number) from error
        if found is None:
            return
        if not str(found.user_id) or len(str(found.user_id)) > MOST_ID_CHARACTERS or not is_id(str(found.user_id)):
            raise LineWrong("line", self._number)
        yield found

    def _row(self, line: bytes) -> Member | None:
        (fields,) = csv.reader([line.decode()], strict=True)
        if self._columns is None:
            if "userId" not in fields:
                raise ValueError("no column userId")
            self._columns = fields
            return None
        row = dict(zip(self._columns, fields, strict=True))
        return Member(row["userId"], _TRUTHS[row.get("member", "true").strip().lower()])
