"""Where the control plane keeps what it knows of people: keys with one hash tag, so that one script touches several."""

from typing import Final

CONTROL: Final = "pilote:{control}"
ACCOUNTS: Final = f"{CONTROL}:accounts"
"""Hash: name -> account, as JSON."""
SECRETS: Final = f"{CONTROL}:secrets"
"""Hash: name of an account -> what is kept of its password, and its sealed key, as JSON."""
ADMINS: Final = f"{CONTROL}:admins"
"""Set: names of active accounts that are admin everywhere. One always stays."""
LINKS: Final = f"{CONTROL}:links"
"""Hash: whom an OIDC provider says somebody is -> name of the account."""
COLUMNS_CHOSEN: Final = f"{CONTROL}:columns"
"""Hash: name of an account -> columns of the list of decisions that its owner has chosen."""
TOKENS: Final = f"{CONTROL}:tokens"
"""Hash: id -> API token, as JSON."""
TOKENS_USED: Final = f"{CONTROL}:tokens:used"
"""Hash: id of an API token -> when it was last used, milliseconds."""


def session(digest: str) -> str:
    """Hash of a session; `digest` is the SHA-256 of its cookie."""
    return f"{CONTROL}:session:{digest}"


def sessions_of(account: str) -> str:
    """Sorted set: digests of an account's sessions by when they end, milliseconds."""
    return f"{CONTROL}:sessions:{account}"


def attempts(kind: str, who: str) -> str:
    """Hash of attempts to log in: how many were counted, and when the next may come."""
    return f"{CONTROL}:attempts:{kind}:{who}"


def tokens_of(account: str) -> str:
    """Set: ids of an account's API tokens."""
    return f"{CONTROL}:tokens:of:{account}"
