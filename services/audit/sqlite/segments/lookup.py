"""The file beside a Parquet file that says which decisions have a value: a hash table, checked as it is read.

A header, a directory of buckets, the buckets. Each part carries a checksum that also binds it to its place and to the
Parquet file, so that whatever is damaged, missing or another file's is seen before it is believed.
"""

import os
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ID_BYTES: Final = 16
KEY_BYTES: Final = 8
_MAGIC: Final = b"pilote lookup 2\n"
_HEADER: Final = struct.Struct("<16sQII")
"""Magic, size of the Parquet file in bytes, number of buckets, checksum of the three."""
_PLACE: Final = struct.Struct("<QII")
"""Of a bucket: offset, length, checksum."""
_BUCKET_BYTES: Final = 4_096
"""That a bucket has on average: what is read for one value."""
_MANY: Final = 0xFFFFFFFF

Entry = tuple[bytes, bytes | None]
"""A key of 8 bytes, and the ids of the decisions that have it, 16 bytes each; `None` for too many to list."""


class Unusable(Exception):
    """The file does not say what the Parquet file has."""


def begins_right(path: Path) -> bool:
    """Whether there is a file that this version may have written."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def packed(entries: Iterable[Entry], *, parquet_bytes: int) -> bytes:
    """The whole file, for the Parquet file of that size. No key comes twice."""
    found = list(entries)
    size = sum(KEY_BYTES + 4 + len(ids or b"") for _, ids in found)
    count = max(1, size // _BUCKET_BYTES)
    buckets: dict[int, list[Entry]] = defaultdict(list)
    for entry in found:
        buckets[_bucket_of(entry[0], count)].append(entry)
    head = _HEADER.pack(_MAGIC, parquet_bytes, count, _checked_head(parquet_bytes, count))
    offset, places, bodies = len(head) + count * _PLACE.size, [], []
    for number in range(count):
        body = _body(buckets[number])
        places.append(_PLACE.pack(offset, len(body), _checked(body, number=number, parquet_bytes=parquet_bytes)))
        bodies.append(body)
        offset += len(body)
    return b"".join((head, *places, *bodies))


class Lookup:
    """The file at `path`, for the Parquet file of that size; to be used in a `with`.

    Raises:
        Unusable: it is not there, damaged, or of another Parquet file.
    """

    def __init__(self, path: Path, *, parquet_bytes: int) -> None:
        self._parquet_bytes = parquet_bytes
        try:
            self._file = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise Unusable(str(error)) from error
        try:
            self._buckets = self._opened()
        except BaseException:
            os.close(self._file)
            raise

    def ids(self, key: bytes) -> list[str] | None:
        """The decisions that have a value, in no order; `None` for too many to list.

        Raises:
            Unusable: what says so is damaged.
        """
        number = _bucket_of(key, self._buckets)
        place = self._read(_HEADER.size + number * _PLACE.size, _PLACE.size)
        offset, length, check = _PLACE.unpack(place)
        body = self._read(offset, length)
        if check != _checked(body, number=number, parquet_bytes=self._parquet_bytes):
            raise Unusable("a part does not have its checksum")
        return _found(body, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def _opened(self) -> int:
        self._size = os.fstat(self._file).st_size
        magic, parquet_bytes, count, check = _HEADER.unpack(self._read(0, _HEADER.size))
        if magic != _MAGIC or check != _checked_head(parquet_bytes, count) or not count:
            raise Unusable("it does not begin as it must")
        if parquet_bytes != self._parquet_bytes:
            raise Unusable("it is of another Parquet file")
        return int(count)

    def _read(self, offset: int, length: int) -> bytes:
        if offset + length > self._size:
            raise Unusable("it is cut off")
        try:
            found = os.pread(self._file, length, offset)
        except OSError as error:
            raise Unusable(str(error)) from error
        if len(found) != length:
            raise Unusable("it is cut off")
        return found


def _body(entries: list[Entry]) -> bytes:
    """How many keys, the keys, how many ids of each, the ids."""
    counts = [_MANY if ids is None else len(ids) // ID_BYTES for _, ids in entries]
    return b"".join(
        (
            struct.pack("<I", len(entries)),
            *(key for key, _ in entries),
            struct.pack(f"<{len(counts)}I", *counts),
            *(ids or b"" for _, ids in entries),
        )
    )


def _found(body: bytes, key: bytes) -> list[str] | None:
    (size,) = struct.unpack_from("<I", body)
    keys = body[4 : 4 + size * KEY_BYTES]
    at = keys.find(key)
    while at % KEY_BYTES and at >= 0:  # across two keys
        at = keys.find(key, at + 1)
    if at < 0:
        return []
    counts = struct.unpack_from(f"<{size}I", body, 4 + len(keys))
    count = counts[at // KEY_BYTES]
    if count == _MANY:
        return None
    before = sum(each for each in counts[: at // KEY_BYTES] if each != _MANY)
    start = 4 + size * (KEY_BYTES + 4) + before * ID_BYTES
    ids = body[start : start + count * ID_BYTES].hex()
    return [ids[each : each + 2 * ID_BYTES] for each in range(0, len(ids), 2 * ID_BYTES)]


def _bucket_of(key: bytes, count: int) -> int:
    return int.from_bytes(key[:4], "little") % count


def _checked_head(parquet_bytes: int, count: int) -> int:
    return zlib.crc32(struct.pack("<QI", parquet_bytes, count), zlib.crc32(_MAGIC))


def _checked(body: bytes, *, number: int, parquet_bytes: int) -> int:
    return zlib.crc32(body, zlib.crc32(struct.pack("<QI", parquet_bytes, number)))
