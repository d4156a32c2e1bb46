"""Reads the URL of a database, and says what is wrong with it without repeating it: it may hold a password. Pure."""

from typing import Any, Final

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

SCHEMES: Final = ("postgresql://", "postgres://")
_WRONG: Final = """The URL of the decision store is none that PostgreSQL takes. Write \
postgresql://ROLE@HOST:PORT/DATABASE, with %-codes for what is special in a password."""
_LOCAL: Final = ("127.0.0.1", "::1", "localhost", "")
_DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    # A server that is gone without a word is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    # Of several servers that are named, the one that others copy: they are behind, and take nothing.
    "target_session_attrs": "primary",
    "application_name": "pilote-audit",
}
_ENCRYPTED: Final = {"sslmode": "verify-full", "sslrootcert": "system"}


def parameters(url: str) -> dict[str, Any]:
    """What libpq is told: what the URL says, and else our own defaults.

    Where nothing is said of encryption, a server on another machine must have a certificate that this system trusts.

    Raises:
        ValueError: it is no such URL; the text does not repeat it.
    """
    if not url.startswith(SCHEMES):
        raise ValueError(_WRONG)
    try:
        said = conninfo_to_dict(url)
    except ProgrammingError:
        raise ValueError(_WRONG) from None
    hosts = str(said.get("host", "")).split(",")
    if not all(port.isdecimal() for port in str(said.get("port", "0")).split(",") if port):
        raise ValueError(_WRONG)
    local = all(host in _LOCAL or host.startswith(("/", "@")) for host in hosts)
    encrypted = {} if local or "sslmode" in said else _ENCRYPTED
    return {**_DEFAULTS, **encrypted, **said}
