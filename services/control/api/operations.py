"""The operations by which people steer what runs: stops, holds, agents and rollouts, put together."""

from collections.abc import Callable, Sequence

from litestar.handlers import HTTPRouteHandler

from gateway.redis_clients import Client
from gateway.signing import Signer
from services.control.agents import AgentBook
from services.control.api.agents import Agents
from services.control.api.findings import FindingsApi
from services.control.api.flagging import Flagging
from services.control.api.holds import Holds
from services.control.api.integrity import Soundness
from services.control.api.kpis import KpisApi
from services.control.api.learning import Learning
from services.control.api.objectives import ObjectivesApi
from services.control.api.parameters import Asking
from services.control.api.pressure import PressureApi
from services.control.api.probes import ProbesApi
from services.control.api.probing import Probing
from services.control.api.reviews import ReviewsApi
from services.control.api.rollouts import Rollouts, Signers
from services.control.api.stops import Stops
from services.control.api.targeting import TargetingApi
from services.control.api.vault import VaultApi
from services.control.api.versions import Versions
from services.control.api.webhooks import WebhooksApi
from services.control.audit_client import AuditClient, Stub
from services.control.changes import Changes
from services.control.drafts.drafting import Drafting
from services.control.experimenting import ExperimentBook
from services.control.findings.desk import FindingDesk
from services.control.findings.kpis import KpiBook
from services.control.findings.pressure import PressureBook
from services.control.findings.targeting import TargetingBook
from services.control.holds.queue import HoldQueue
from services.control.integrations import Integrations
from services.control.integrity import Integrity
from services.control.objectives import ObjectiveBook
from services.control.policy import ActivePolicy
from services.control.probes.desk import ProbeDesk
from services.control.reviews.desk import ReviewDesk
from services.control.rolling import Rolling
from services.control.stopping import Stopping
from services.control.vault.desk import VaultDesk
from services.control.webhooks import WebhookBook
from services.control.whatif.desk import WhatIf


class Operations:
    """What the handlers of these operations and the pages about them share. `hold_keys` open stored calls."""

    def __init__(
        self,
        redis: Client,
        audit: Stub,
        policy: ActivePolicy,
        changes: Changes,
        *,
        drafts: Drafting,
        vault: VaultDesk,
        hold_keys: Sequence[bytes],
        signers: Signers,
        clock_ms: Callable[[], int],
    ) -> None:
        self._policy = policy
        self._drafts = drafts
        self._signers = signers
        self.stopping = Stopping(redis, audit, changes, clock_ms=clock_ms)
        self.holds = HoldQueue(redis, policy, changes, keys=hold_keys, clock_ms=clock_ms)
        self.agents = AgentBook(redis, audit, policy, changes, clock_ms=clock_ms)
        self.experiments = ExperimentBook(redis, audit, policy, clock_ms=clock_ms)
        self.integrity = Integrity(redis, audit, policy, changes, clock_ms=clock_ms)
        self.integrations = Integrations(redis, audit, policy, clock_ms=clock_ms)
        self.probes = ProbeDesk(redis, policy, changes, drafts=drafts, clock_ms=clock_ms)
        self.findings = FindingDesk(redis, policy, changes, drafts=drafts, probes=self.probes, clock_ms=clock_ms)
        self.vault = vault
        self.pressure = PressureBook(redis)
        self.targeting = TargetingBook(redis, policy)
        self.what_if = WhatIf(drafts, clock_ms=clock_ms)
        self.kpis = KpiBook(redis, clock_ms=clock_ms)
        self.objectives = ObjectiveBook(redis, policy)
        self.reviews = ReviewDesk(redis, changes, clock_ms=clock_ms)
        self.flagging = Flagging(self.reviews, AuditClient(audit))
        self.findings_api = FindingsApi(self.findings, self.flagging, policy)
        self.probing = Probing(self.findings, self.reviews, self.probes, decisions=self.flagging, policy=policy)
        self.webhooks = WebhookBook(redis, changes, clock_ms=clock_ms)
        self.rolling = Rolling(redis, audit, changes, clock_ms=clock_ms)

    def signer(self, request: Asking) -> Signer | None:
        """What signs a move of whoever asks; `None` where the active policy names nobody, so that none is needed.

        Raises:
            ConfirmationNeeded: they must show once more who they are.
            AccountProblem: they have no key, or their token may not sign.
        """
        return self._signers(request) if self._policy.names_people else None

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        policy = self._policy
        parts = (
            Stops(self.stopping, policy),
            Holds(self.holds, policy),
            Agents(self.agents, self._drafts, policy),
            self.findings_api,
            PressureApi(self.pressure, policy),
            TargetingApi(self.targeting, policy),
            KpisApi(self.kpis, policy),
            ObjectivesApi(self.objectives, policy),
            ProbesApi(self.probes, policy),
            self.probing,
            ReviewsApi(self.reviews, policy),
            self.flagging,
            Versions(self.reviews, policy),
            Soundness(self.integrity, self.integrations, policy),
            VaultApi(self.vault, policy),
            WebhooksApi(self.webhooks),
            Learning(self.experiments, policy),
            Rollouts(self.rolling, policy, self._signers),
        )
        return [handler for part in parts for handler in part.handlers()]
