"""The key of an upstream, from a file on this machine: read anew when the file has changed, and told to nobody else."""

import re
from pathlib import Path
from typing import Final

LARGEST_BYTES: Final = 8_192
_KEY: Final = re.compile(r"[!-~]+")


class KeyUnusable(Exception):
    """There is no key in the file, or it cannot be read. The text says which, without anything of the key."""


class KeyFile:
    """One file. Its time, size and place say whether it has changed."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._seen: tuple[int, int, int] | None = None
        self.last = ""
        """The key that was read last; empty before."""

    def read(self) -> str:
        """The key.

        Raises:
            KeyUnusable: there is none.
        """
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen != self._seen:
                self.last = _key_in(self._path, stat.st_size)
                self._seen = seen
        except OSError as error:
            raise KeyUnusable(f"it cannot be read ({type(error).__name__})") from error
        return self.last


def _key_in(path: Path, size: int) -> str:
    if size > LARGEST_BYTES:
        raise KeyUnusable(f"it has {size} bytes; a key has at most {LARGEST_BYTES}")
    text = path.read_bytes().decode("ascii", errors="replace").strip()
    if not _KEY.fullmatch(text):
        raise KeyUnusable("it must hold one line of visible ASCII characters and nothing else")
    return text
