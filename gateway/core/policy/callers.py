"""Who calls: tenants, agents, what proves that it is them, and how far they may go by themselves."""

from typing import Annotated, Any, Literal

import msgspec

from gateway.core.call import Operation
from gateway.core.policy.vocabulary import Duration, Level, Name, Part, Sha256, Text, Versioned


class Tenant(Part, frozen=True, kw_only=True):
    """What is special about a tenant; one that is not listed has one cell."""

    name: Name
    cells: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    """Over how many slots of a Redis Cluster its keys are spread. Fixed when the tenant's first policy is published;
    `pilote cells` changes it."""


class ApiKey(Part, frozen=True, kw_only=True):
    """A key of an agent: only its SHA-256 is kept. `pilote keys new` makes one."""

    id: Name
    sha256: Sha256


class JwtIdentity(Part, frozen=True, kw_only=True):
    """The token that proves to be this agent: its issuer, and the value of the issuer's agent claim."""

    issuer: Name
    subject: Text


class Autonomy(Part, frozen=True, kw_only=True):
    """How far an agent may go by itself with each kind of operation, once the rules let a call through.

    "observe": the call is decided and recorded, never carried out. "suggest": a person sees it and acts themselves.
    "approve": a person sees it, and on their approval the gateway carries it out once. "autonomous": it goes through.
    """

    read: Level | None = msgspec.field(name="READ", default=None)
    write: Level | None = msgspec.field(name="WRITE", default=None)
    contact: Level | None = msgspec.field(name="CONTACT", default=None)
    delete: Level | None = msgspec.field(name="DELETE", default=None)
    infer: Level | None = msgspec.field(name="INFER", default=None)

    def of(self, operation: Operation) -> Level | None:
        """The level of that operation; `None` where nothing is said of it."""
        level: Level | None = getattr(self, operation.value.lower())
        return level


class Agent(Part, frozen=True, kw_only=True):
    """An agent that may call."""

    name: Name
    tenant: Name
    version: Annotated[str, msgspec.Meta(max_length=63)] = ""
    prompt: Versioned | None = None
    """The prompt that it works by, where its model runs inside it."""
    description: str = ""
    priority: Annotated[int, msgspec.Meta(ge=0, le=99)] = 0
    """Among agents that share an upstream's quota: the higher goes first."""
    keys: tuple[ApiKey, ...] = ()
    tokens: tuple[JwtIdentity, ...] = ()
    labels: dict[Name, str] = {}
    autonomy: Autonomy = Autonomy()
    """What is said here goes before the document's own `autonomy`."""


class Issuer(Part, frozen=True, kw_only=True):
    """Who signs tokens. An audience is required: a token meant for someone else proves nothing to us."""

    name: Name
    issuer: Text
    audience: Text | Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=8)]
    """Whom its tokens are meant for; one of several where agents come in by other doors too: clients of MCP ask for a
    token for the address of that door."""
    jwks: dict[str, Any] = {}
    """Public keys as a JSON Web Key Set. In a file, `jwks_file` names a file to take them from."""
    algorithms: tuple[Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"], ...] = ("RS256", "ES256")
    agent_claim: Name = "sub"
    """The claim that names the agent, or a path into one such as "act.sub" (RFC 8693). Where it is not "sub", that one
    names the person on whose behalf the agent calls."""
    leeway: Duration = "30s"
