"""The file that says which OpenID provider people log in through, and what its groups may do here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
import yaml

from services.control.access.accounts import Grants
from services.control.access.rights import Role

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
Group = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class OidcFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file says."""

    issuer: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s?#@]+\Z")]
    """As the provider calls itself; `/.well-known/openid-configuration` is read below it."""
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    client_secret_file: str = ""
    """File with the secret; a path that is not absolute begins at this file's folder. Empty: a public client."""
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=60)] = "SSO"
    """What the button on the login page calls the provider."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: str = "groups"
    """The claim, of the ID token or else of the user's information, that lists somebody's groups."""
    grants: Mapping[Group, Grants] = {}
    """For each group the roles of its members, by tenant; "*" holds in all. Who has none by any group is not let in."""


class Oidc(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, with the secret that we show it."""

    file: OidcFile
    secret: str = ""

    def granted(self, groups: tuple[str, ...]) -> dict[str, tuple[Role, ...]]:
        """The roles of somebody in these groups, by tenant, in order."""
        found: dict[str, set[Role]] = {}
        for group in groups:
            for tenant, roles in self.file.grants.get(group, {}).items():
                found.setdefault(tenant, set()).update(roles)
        return {tenant: tuple(sorted(found[tenant])) for tenant in sorted(found) if found[tenant]}


def read(path: Path) -> Oidc:
    """What the file says; it is YAML.

    Raises:
        ValueError: it is not as it must be; says what is wrong.
        OSError: it, or the secret's, cannot be read.
    """
    try:
        file = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), OidcFile)
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    parts = urlsplit(file.issuer)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ValueError(f"{path}: issuer: a provider is asked over https")
    if "openid" not in file.scopes:
        raise ValueError(f"{path}: scopes: openid must be one of them")
    secret = ""
    if file.client_secret_file:
        secret = (path.parent / file.client_secret_file).read_text(encoding="utf-8").strip()
    return Oidc(file=file, secret=secret)
