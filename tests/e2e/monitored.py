"""A gateway, an audit service and all else that shows metrics in one home, after calls that make every one of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.adapters.revisions import RevisionStore
from gateway.adapters.webhooks import Standing as WebhookStanding
from gateway.core.movement import rollouts_in
from gateway.instance import instance
from gateway.watching.exposing import Metering, metering
from pilote.inference.v1.inference_service_pb2_grpc import InferenceServiceStub
from services.agents.metrics import RestMetrics
from services.control.owed_metrics import OwedMetrics
from services.intake.metrics import IntakeMetrics
from services.rollouts.looking import Standing
from services.rollouts.metrics import RolloutMetrics
from services.webhooks.metrics import Seen, WebhookMetrics
from services.workbench import metrics as workbench
from services.workbench.metrics import WorkbenchMetrics
from tests.e2e.language_models import WRITER, asked, writing
from tests.e2e.policy import Data, agent
from tests.e2e.requests import get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import World, auditing, credential, told
from tests.fakes.openai_server import fake_openai
from tests.fakes.upstream import FakeUpstream
from tests.scraping import Page, scraped
from tests.services.ports import free

if TYPE_CHECKING:
    from pilote.inference.v1.inference_service_pb2_grpc import InferenceServiceAsyncStub

SALES: Final = credential("sales-bot")
CALLS: Final = 11


def _policy(llm: str, upstream: FakeUpstream, home: Path) -> Data:
    """One agent at nine tenths of its limit, an objective, a rule that fails, a shadow, a rollout and a guarded CRM."""
    data = writing(llm, home)
    data["agents"].append(agent("sales-bot"))
    twice = [upstream.address, upstream.address.replace("127.0.0.1", "localhost")]
    data["upstreams"].append({"name": "crm", "addresses": twice, "outliers": {}, "breaker": {}})
    data["routes"].append(
        {
            "name": "crm",
            "methods": ["/pilote.crm.v1.*"],
            "arms": [{"name": "old", "upstream": "crm"}, {"name": "new", "upstream": "crm", "weight": 0}],
            "shadow": {"arm": "new"},
            "objectives": {"availability": 99.9},
        }
    )
    data["rollouts"] = [
        {
            "name": "up",
            "route": "crm",
            "arm": "new",
            "against": "old",
            "guardrails": [{"measure": "error_rate"}],
            "success": [{"measure": "error_rate", "margin": 0.01}],
        }
    ]
    data["limits"] = [{"name": "reads", "by": ["agent"], "max": 10, "window": "1h", "operations": ["READ"]}]
    asks = {"name": "asks-consent", "effect": "deny", "mode": "monitor", "when": '!facts.consents["email"]'}
    data["rules"] += [asks, {"name": "no", "effect": "deny", "operations": ["CONTACT"]}]
    return data


@contextlib.asynccontextmanager
async def scene(world: World, upstream: FakeUpstream, home: Path) -> AsyncIterator[Page]:
    """The page that shows all of them."""
    (port,) = free(1)
    listen = f"127.0.0.1:{port}"
    to: Any = Metering(listen=listen, home=home)
    async with (
        fake_openai() as llm,
        world.started(metrics_listen=listen, home=home),
        metering(instance("rollouts"), to) as meters,
    ):
        await world.publish(_policy(llm.url, upstream, home.parent))
        async with auditing(world.redis_url, home) as auditor:  # stores before the next one counts
            agent = world.agent()
            for number in range(CALLS - 2):
                await told(agent.contacts.GetContact(get(f"contacts/c{number}"), metadata=SALES))
            last = await told(agent.messages.SendMessage(send(), metadata=SALES))
            llm.served = "another"
            stub: InferenceServiceAsyncStub = InferenceServiceStub(world.channel())
            await told(stub.CreateChatCompletion(asked("a"), metadata=WRITER))
            await world.copied(CALLS - 2)
            await auditor.decision(last.decision)
        published = await RevisionStore(world.redis).read(1)
        assert published is not None
        (rollout,) = rollouts_in(bytes(published.document))
        OwedMetrics(meters).tell(1, 1)
        RolloutMetrics(meters).tell((Standing(rollout=rollout, problem="silent"),))
        RestMetrics(meters).count("/pilote.crm.v1.ContactService/GetContact", 200)
        IntakeMetrics(meters).count("shop", "identify", "accepted", 1)
        WorkbenchMetrics(meters).tell((workbench.Seen(1, 0.0, ()),))
        hooks = WebhookMetrics(meters)
        hooks.count("e1", "delivered")
        hooks.tell([Seen("e1", WebhookStanding(waiting=1), 0)], follows=True)
        async with auditing(world.redis_url, home, to=to):
            yield await eventually(lambda: _whole(port), what="all is counted")


async def _whole(port: int) -> Page | None:
    page = await scraped(port)
    calls = sum(each.value for each in page.of("rpc_server_call_duration_seconds_count"))
    copies = sum(each.value for each in page.of("pilote_copies_total"))
    whole = calls == CALLS and copies == CALLS - 2 and page.of("pilote_objective_burn_rate_ratio")
    if not whole:
        await asyncio.sleep(0.05)
    return page if whole else None
