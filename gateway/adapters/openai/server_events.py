"""Server-sent events (WHATWG HTML, section 9.2), taken apart as their bytes come in."""

import re
from typing import Final

_END: Final = re.compile(rb"\r\n|\n|\r")
_BOM: Final = b"\xef\xbb\xbf"


class EventTooLong(Exception):
    """An event has more bytes than are taken."""


class ServerEvents:
    """Gives the data of one stream's events. `longest` is the most bytes of one event."""

    def __init__(self, *, longest: int) -> None:
        self._longest = longest
        self._rest = bytearray()
        """What has come of a line that has not ended yet."""
        self._looked = 0
        """How much of it has been looked through for an end."""
        self._data: list[bytes] = []
        self._held = 0
        """Bytes in `_data`."""
        self._begun = False

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of those events that are whole by now; events without data are left out.

        Raises:
            EventTooLong: the event that comes is too long to be kept.
        """
        self._rest += piece
        if not self._begun and len(self._rest) >= len(_BOM):
            self._begun = True
            if self._rest.startswith(_BOM):
                del self._rest[: len(_BOM)]
                self._looked = 0
        events: list[bytes] = []
        start = 0
        for end in _END.finditer(self._rest, self._looked):
            if end[0] == b"\r" and end.end() == len(self._rest):
                break  # perhaps the first half of the line's end
            self._line(bytes(self._rest[start : end.start()]), events)
            start = end.end()
        del self._rest[:start]
        self._looked = len(self._rest) - self._rest.endswith(b"\r")
        if len(self._rest) + self._held > self._longest:
            raise EventTooLong
        return events

    def _line(self, line: bytes, events: list[bytes]) -> None:
        if not line:
            if self._data:
                events.append(b"\n".join(self._data))
            self._data, self._held = [], 0
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._held += len(value)
            if self._held > self._longest:
                raise EventTooLong
