"""What `services.cli` lends to commands that live in modules of their own."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, NoReturn

from rich.console import Console

from gateway.settings import Settings


class Shell(NamedTuple):
    """Settings, store and ways to speak."""

    settings: Callable[[], Settings]
    store: Callable[[Settings], AbstractAsyncContextManager[Any]]
    pseudonym_key: Callable[[Settings], bytes]
    hold_keys: Callable[[Settings], tuple[bytes, ...]]
    fail: Callable[..., NoReturn]
    """Says a text and ends with an exit code."""
    out: Console
