"""What people may do here: rights, the roles that give them, and who has them in which tenant."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

EVERYWHERE: Final = "*"
"""The tenant of a grant that holds in all tenants, also in those to come."""


class Right(StrEnum):
    """What an operation of the control plane needs; each names exactly one."""

    ANYONE = "anyone"
    """Nothing: whoever reaches the control plane. Logging in, health, the interface's description."""
    AGENT = "agent"
    """The caller is an agent of the active policy, which the operation itself looks at."""
    OWN = "own"
    """To be known, whatever else one may do: one's own session, password and tokens."""
    SEE = "see"
    """To see what happens: decisions, explanations, holds, agents, stops, the policy, integrity. Nothing personal."""
    VIEWS = "views.save"
    EXPORT = "decisions.export"
    """To take decisions along, with what proves them."""
    VALUES = "values.read"
    """To read what single calls were decided by: personal data, and who reads it is recorded."""
    REPORT = "persons.report"
    """To ask for everything that agents did concerning one person, and to agree to it."""
    ERASE = "subjects.erase"
    """To ask for a person's erasure, and to agree to it."""
    HOLDS = "holds.decide"
    FINDINGS = "findings.manage"
    """To look after findings: take them on, close them, say something about them."""
    PROBES = "probes.manage"
    """To write suites of probes, and to run them."""
    VAULT = "vault.manage"
    """To load and delete sensitive attributes of customers. Nobody has a right to read them."""
    REVIEWS = "reviews.judge"
    """To judge decisions that others have drawn or flagged."""
    REVIEW_RULES = "reviews.rule"
    """To say how many decisions are reviewed and which answers are known, and to see how single reviewers do."""
    STOPS = "stops.make"
    AGENTS = "agents.manage"
    """To make keys for agents."""
    POLICY_WRITE = "policy.write"
    """To draft, test and propose policies, and to take back to one that was approved before."""
    POLICY_APPROVE = "policy.approve"
    ROLLOUTS = "rollouts.move"
    VERIFY = "integrity.verify"
    WEBHOOKS = "webhooks.replay"
    """To send other systems again what they did not get."""
    PEOPLE = "people.manage"
    """To make accounts, and say who may do what."""


class Role(StrEnum):
    """What somebody is here; see DESIGN, section 1."""

    COPILOT = "copilot"
    """Owns rules, contact pressure and objectives."""
    MODERATOR = "moderator"
    """Finds and explains decisions, decides on holds, stops what drifts."""
    OFFICER = "officer"
    """Owns models, routes, test & learn, and agents."""
    SRE = "sre"
    AUDITOR = "auditor"
    """Sees to accountability: proofs, reports, erasure."""
    ADMIN = "admin"
    """Says who may do what."""


_ALL: Final = frozenset({Right.OWN, Right.SEE, Right.VIEWS})
RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.COPILOT: _ALL
    | {Right.EXPORT, Right.HOLDS, Right.FINDINGS, Right.POLICY_WRITE, Right.POLICY_APPROVE}
    | {Right.REVIEWS, Right.PROBES},
    Role.MODERATOR: _ALL
    | {Right.EXPORT, Right.VALUES, Right.REPORT, Right.HOLDS, Right.FINDINGS, Right.STOPS}
    | {Right.REVIEWS, Right.PROBES},
    Role.OFFICER: _ALL
    | {Right.EXPORT, Right.STOPS, Right.AGENTS, Right.POLICY_WRITE, Right.POLICY_APPROVE, Right.ROLLOUTS}
    | {Right.FINDINGS, Right.WEBHOOKS, Right.REVIEW_RULES, Right.VAULT, Right.PROBES},
    Role.SRE: _ALL | {Right.STOPS, Right.VERIFY, Right.WEBHOOKS},
    Role.AUDITOR: _ALL | {Right.EXPORT, Right.VALUES, Right.REPORT, Right.ERASE, Right.VERIFY, Right.VAULT},
    Role.ADMIN: _ALL
    | {Right.STOPS, Right.AGENTS, Right.POLICY_APPROVE, Right.ERASE, Right.REPORT, Right.PEOPLE, Right.WEBHOOKS}
    | {Right.FINDINGS, Right.REVIEW_RULES},
}
"""What each role gives."""
INSTALLATION: Final = frozenset(
    {Right.POLICY_WRITE, Right.POLICY_APPROVE, Right.ROLLOUTS, Right.VERIFY, Right.PEOPLE, Right.VIEWS}
)
"""Rights over what all tenants share: a role gives them only where it is granted everywhere. (Views are shared too.)"""
OPEN: Final = frozenset({Right.ANYONE, Right.AGENT})
"""What is not asked of people."""


class Rights(msgspec.Struct, frozen=True):
    """What somebody may do, tenant by tenant."""

    by_tenant: Mapping[str, frozenset[Right]]

    def may(self, right: Right, tenant: str = "") -> bool:
        """Whether they have the right in that tenant; with none given, in any (of what all share: everywhere)."""
        if right in OPEN or right is Right.OWN or right in self.by_tenant.get(EVERYWHERE, ()):
            return True
        if tenant:
            return right in self.by_tenant.get(tenant, ())
        return any(right in rights for rights in self.by_tenant.values())

    def tenants(self, right: Right) -> frozenset[str] | None:
        """The tenants in which they have the right; `None`: in all."""
        if right in self.by_tenant.get(EVERYWHERE, ()):
            return None
        return frozenset(tenant for tenant, rights in self.by_tenant.items() if right in rights)


def rights_of(grants: Mapping[str, Iterable[Role]]) -> Rights:
    """What somebody may do to whom these roles are granted: by tenant, or `EVERYWHERE`."""
    by_tenant = {}
    for tenant, roles in grants.items():
        rights = frozenset[Right]().union(*(RIGHTS[role] for role in roles))
        by_tenant[tenant] = rights if tenant == EVERYWHERE else rights - INSTALLATION
    return Rights(by_tenant)
