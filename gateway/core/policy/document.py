"""The policy document, exactly as people write it and as it is stored; one model for YAML, HTTP and Redis."""

from typing import Annotated

import msgspec

from gateway.core.call import Operation
from gateway.core.policy.callers import Agent, Autonomy, Issuer, Tenant
from gateway.core.policy.contacts import ConsentRequirement, QuietHours
from gateway.core.policy.counting import Cap, Limit, Pressure
from gateway.core.policy.learning import Experiment, Holdout, Rollout
from gateway.core.policy.objectives import Objective
from gateway.core.policy.people import Approvals, Person
from gateway.core.policy.ratelimit import RateLimitDomain
from gateway.core.policy.reporting import Reporting
from gateway.core.policy.rest import RestApi
from gateway.core.policy.ruling import Rule, Sequence
from gateway.core.policy.serving import Contract, Lineage, Model, Prompt, Route
from gateway.core.policy.sources import Source
from gateway.core.policy.upstreams import Upstream
from gateway.core.policy.vocabulary import BasisPoints, Duration, Message, Name, Part, Sha256, Text


class PackHeader(Part, frozen=True, kw_only=True):
    """What a pack's file says of itself, under `pack`."""

    name: Name
    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){0,3}\Z")]
    title: Message


class PackUse(Part, frozen=True, kw_only=True):
    """A pack that the policy was made of; its parts stand in the policy, under names that begin with the pack's.

    In a file `packs` names packs that come with Pilote by name and version, and a company's own by `file`.
    """

    name: Name
    version: Text
    sha256: Sha256
    """Of the pack's file, so that a copy that was edited can be told from what came with Pilote."""


class Holds(Part, frozen=True, kw_only=True):
    """How calls are kept that wait for a person."""

    expires: Duration = "24h"
    """Time in which somebody must decide, and an approved call be carried out."""
    max_open: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 10_000
    """Most calls of a tenant that wait at a time, for a person or until a time; any further one is refused."""


class Replay(Part, frozen=True, kw_only=True):
    """Of how many calls it is kept what they were decided by, so that they can be decided once more by another policy.

    That is the request and what is known of the customer: sealed, so that only who has the key reads it, and only for a
    while.
    """

    share: BasisPoints = 0
    keep: Duration = "30d"
    """How long; the audit service then deletes it."""


class Records(Part, frozen=True, kw_only=True):
    """What records say of the request fields and facts that calls are decided by."""

    values: bool = True
    """Whether they are recorded at all: sealed, each customer's under keys of their own."""
    withhold: tuple[Text, ...] = ()
    """Names that are never recorded, as conditions write them: `request.message.body`, `facts.traits["income"]`. What a
    contract annotates as a credential never is."""


class Retention(Part, frozen=True, kw_only=True):
    """A class of records, and how long they are kept.

    Of several that fit the first counts. What fits none is kept for 183 days.
    """

    name: Name
    methods: tuple[Text, ...] = ()
    operations: tuple[Operation, ...] = ()
    """Both empty: every method. Both given: methods that match both."""
    categories: tuple[Name, ...] = ()
    """Categories of contacts; empty: all, and calls that have none."""
    keep: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,4}d\Z")]
    """In days, such as "400d"."""


class Document(Part, frozen=True, kw_only=True):
    """A whole policy."""

    description: str = ""
    tenants: tuple[Tenant, ...] = ()
    agents: tuple[Agent, ...]
    issuers: tuple[Issuer, ...] = ()
    sources: tuple[Source, ...] = ()
    upstreams: tuple[Upstream, ...]
    prompts: tuple[Prompt, ...] = ()
    models: tuple[Model, ...] = ()
    contracts: tuple[Contract, ...] = ()
    rest: tuple[RestApi, ...] = ()
    ratelimit: tuple[RateLimitDomain, ...] = ()
    routes: tuple[Route, ...]
    lineage: Lineage = Lineage()
    experiments: tuple[Experiment, ...] = ()
    holdouts: tuple[Holdout, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    objectives: tuple[Objective, ...] = ()
    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...] = ()
    caps: tuple[Cap, ...] = ()
    pressure: Pressure | None = None
    sequences: tuple[Sequence, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()
    consents: tuple[ConsentRequirement, ...] = ()
    packs: tuple[PackUse, ...] = ()
    autonomy: Autonomy = Autonomy()
    """Of every agent that says nothing itself; an operation that nobody speaks of is autonomous."""
    holds: Holds = Holds()
    replay: Replay = Replay()
    records: Records = Records()
    retention: tuple[Retention, ...] = ()
    reporting: Reporting = Reporting()
    people: tuple[Person, ...] = ()
    approvals: Approvals = Approvals()
