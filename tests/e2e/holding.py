"""Who decides on held calls in these tests, and what their agents see of them."""

from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2

from gateway.adapters.cells import CellBook
from gateway.adapters.holds import HoldStore, over_redis
from gateway.adapters.sealing import Sealer
from gateway.core import holds
from gateway.core.holds import Hold
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from pilote.decision.v1 import decision_service_pb2
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from tests.e2e.requests import send
from tests.e2e.waiting import eventually
from tests.e2e.world import HOLD_KEY, Told, World, credential, told

if TYPE_CHECKING:
    from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceAsyncStub

SALES: Final = credential("sales-bot")
HOUR_MS: Final = 3_600_000
HOLD_CONTACTS: Final = {"name": "two-eyes", "effect": "hold", "operations": ["CONTACT"]}


class Desk:
    """The person who decides, and the agent that waits."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.agent = world.agent()
        self.stub: DecisionServiceAsyncStub = DecisionServiceStub(self.agent.channel)
        self.store = HoldStore(over_redis(world.redis), Sealer((HOLD_KEY,)))

    async def held(self, metadata: Any = SALES, request: SendMessageRequest | None = None) -> str:
        """The id of the hold that a message is kept in."""
        return hold_of(await told(self.agent.messages.SendMessage(request or send(), metadata=metadata)))

    async def read(self, hold_id: str) -> Hold:
        found = await self.store.find(await CellBook(self.world.redis).all_of("acme"), hold_id)
        assert found is not None
        return found

    async def decide(self, hold_id: str, *, approve: bool = True, comment: str = "fine by me") -> bool:
        before = await self.read(hold_id)
        after = holds.decide(before, approve=approve, by="zoe", comment=comment, now_ms=self.world.clock())
        if after is None:
            return False
        over = after.state in holds.OVER
        record = holds.ended_record(after, decision="f" * 32, now_ms=self.world.clock()) if over else None
        return await self.store.move(before, after, record=record)

    async def get(self, hold_id: str, metadata: Any = SALES) -> Told:
        request = decision_service_pb2.GetHoldRequest(name=f"holds/{hold_id}")
        return await told(self.stub.GetHold(request, metadata=metadata))

    def wait(self, hold_id: str, *, seconds: int = 10, metadata: Any = SALES, **more: Any) -> Any:
        request = decision_service_pb2.WaitHoldRequest(name=f"holds/{hold_id}", timeout=Duration(seconds=seconds))
        return self.stub.WaitHold(request, metadata=metadata, **more)

    async def ended(self, hold_id: str) -> "decision_service_pb2.Hold":
        """The hold once it is over or was put off."""
        hold: decision_service_pb2.Hold = (await self.wait(hold_id)).hold
        return hold

    async def until(self, hold_id: str, state: str) -> Hold:
        """The hold once it is in that state."""

        async def look() -> Hold | None:
            hold = await self.read(hold_id)
            return hold if hold.state == state else None

        return await eventually(look, what=f"hold is {state}")


def hold_of(refused: Told) -> str:
    """Id of the hold that a refusal names."""
    info = refused.detail(error_details_pb2.ErrorInfo)
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    name: str = info.metadata["hold"]
    assert name in refused.text
    assert name in str(refused.detail(error_details_pb2.PreconditionFailure))
    return name.removeprefix("holds/")


def state_of(hold: "decision_service_pb2.Hold") -> str:
    return decision_service_pb2.HoldState.Name(hold.state).removeprefix("HOLD_STATE_")
