"""Files that hold a secret: for nobody else to read, and made once however many processes start together."""

import contextlib
import os
from pathlib import Path


def make(path: Path, content: bytes) -> None:
    """Make the file, mode 0600, unless somebody else has made it meanwhile.

    Written aside and linked, so that of two processes that start at once one makes it and no one reads half.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(made)
    finally:
        made.unlink()
