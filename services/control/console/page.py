"""What a page of the console is, and what it is made from."""

from collections.abc import Callable, Sequence

import msgspec
from litestar.handlers import HTTPRouteHandler

from gateway.redis_clients import Client
from services.control.access.accesses import Access
from services.control.access.rights import Right
from services.control.api.exporting import Exports
from services.control.api.managed import HandOf
from services.control.api.operations import Operations
from services.control.api.tailing import Tailing
from services.control.api.values import Values
from services.control.approvals.deciding import Approvals
from services.control.audit_client import AuditClient
from services.control.console.wording import Texts
from services.control.decisions.replaying import Replaying
from services.control.digests.desk import DigestDesk
from services.control.drafts.drafting import Drafting
from services.control.live.following import Following
from services.control.people import People
from services.control.policy import ActivePolicy
from services.control.reports.desk import ReportDesk
from services.control.reports.persons import PersonFiles
from services.control.viewing import SavedViews


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What the control plane is made of, as far as pages show it."""

    redis: Client
    policy: ActivePolicy
    audit: AuditClient
    tailing: Tailing
    values: Values | None
    """Shows what calls were decided by; `None` where this process has no keys for that. Likewise the next one."""
    replaying: Replaying | None
    views: SavedViews
    exports: Exports
    trace_url: str
    """Where traces are shown, with `{trace_id}`; empty: nowhere."""
    gateway: str
    """Where agents reach the gateway."""
    operations: Operations
    """Stops, holds, agents, rollouts: what REST handlers of them use too."""
    drafts: Drafting
    hand: HandOf
    """Who asks, and the key that they sign revisions with."""
    access: Access
    """Accounts, sessions, and how one gets in."""
    following: Following
    """What happens now, and whoever follows it."""
    approvals: Approvals
    reports: ReportDesk
    digests: DigestDesk
    person_files: PersonFiles
    """Sets reports about people, to which somebody else has agreed."""
    people: People
    """What is done about accounts and tokens, each noted in the log."""
    clock_ms: Callable[[], int]
    """Milliseconds since the epoch."""
    https: bool = False
    """Whether browsers come by HTTPS."""


class Page(msgspec.Struct, frozen=True):
    """One page, or a few that belong together."""

    name: str
    """Of its path and its folder of templates; also the key of what the navigation calls it."""
    texts: Texts
    handlers: Callable[[Parts], Sequence[HTTPRouteHandler]]
    icon: str = ""
    """In the navigation; without one it is not there."""
    right: Right = Right.SEE
    """Who has it sees the page in the navigation."""
    after_gap: bool = False
    """Whether another group of pages begins with it."""
