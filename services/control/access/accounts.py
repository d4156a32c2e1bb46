"""Local accounts: who they are, what is granted to them, and what is kept of their passwords.

What is kept of a password stands apart from the account, so that nothing that shows accounts can show it.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from gateway.core.policy.vocabulary import Name
from services.control.access.passwords import Costs
from services.control.access.rights import EVERYWHERE, Role
from services.control.access.texts import say
from services.not_done import NotDone

Tenant = Annotated[str, msgspec.Meta(pattern=r"^(\*|[a-z][a-z0-9_.-]{0,62})\Z")]
"""Name of a tenant, or "*": all of them."""
Grants = Annotated[
    dict[Tenant, Annotated[tuple[Role, ...], msgspec.Meta(max_length=16)]], msgspec.Meta(max_length=1000)
]
DisplayName = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f<>]*\Z")]
Email = Annotated[str, msgspec.Meta(max_length=254, pattern=r"^([^\s@<>\x00-\x1f\x7f]+@[^\s@<>\x00-\x1f\x7f]+)?\Z")]
Language = Literal["", "en", "fr"]
State = Literal["active", "disabled"]


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may log in."""

    name: Name
    """As a policy would name them among its people."""
    display_name: str = ""
    email: str = ""
    """Empty: unknown. Nobody is ever recognised by it."""
    grants: Mapping[str, tuple[Role, ...]] = {}
    """Roles by tenant; "*" holds in all."""
    state: State = "active"
    language: Language = ""
    """Empty: the browser's."""
    created_ms: int
    must_change: bool = False
    """The password was made for them: they can do nothing but choose one."""
    one_time_until_ms: int = 0
    """How long such a password lets them in."""
    issuer: str = ""
    subject: str = ""
    """Who an OIDC provider says they are; empty: they log in with a password only."""
    public_key: str = ""
    """Of the key that they sign with; empty until they have chosen a password, or logged in by OIDC."""
    logins: int = 1
    """Counts what ends all their sessions: another password, being disabled."""
    rights: int = 1
    """Counts changes of their grants; a session that has seen another one gets a new cookie."""
    version: int = 1
    """Counts all changes; the ETag."""

    @property
    def is_admin(self) -> bool:
        """Whether they can say who may do what, everywhere."""
        return self.state == "active" and Role.ADMIN in self.grants.get(EVERYWHERE, ())

    @property
    def etag(self) -> str:
        """Its version as HTTP says it."""
        return f'"{self.version}"'

    @property
    def link(self) -> str:
        """What an OIDC provider knows them by; empty: nothing."""
        return link_of(self.issuer, self.subject) if self.issuer else ""


class SealedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A private key that only its owner's password opens, or, where they have none, the server and its own key."""

    by: Literal["password", "server"]
    salt: bytes = b""
    costs: Costs | None = None
    """Of Argon2id, when it was sealed."""
    sealed: bytes


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of a password, and the sealed key. It never leaves the process."""

    password: str = ""
    """Argon2id, with its salt and parameters; empty: no password lets them in."""
    key: SealedKey | None = None


class AccountProblem(NotDone):
    """It cannot be done; the code is that of a text in `services.control.access.texts`."""

    say = staticmethod(say)


def link_of(issuer: str, subject: str) -> str:
    """What the account is found by that a provider calls `subject`; two providers may use the same names."""
    digest = hashlib.sha256(msgspec.json.encode((issuer, subject))).digest()
    return base64.urlsafe_b64encode(digest).decode()
