"""ActivityService: what happened with contacts, and what is to be done."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar, Final

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.status import status_of
from pilote.crm.v1 import activity_service_pb2 as pb
from pilote.crm.v1.activity_pb2 import Activity
from pilote.crm.v1.activity_service_pb2_grpc import ActivityServiceServicer
from services.crm import checks
from services.crm.collection import Collection
from services.crm.resources import Resources, Wanted

_MAX_SECONDS: Final = 31 * 24 * 60 * 60
_MAX_IMPORTED: Final = 100_000
_MAX_FAILURES: Final = 100
_BATCH: Final = 200


class Activities(Collection[Activity]):
    """How activities are kept."""

    kind = Activity
    table = "activities"
    word = "activity"
    id_prefix = "act"
    limits: ClassVar = {"contact": 80, "deal": 80, "title": 200, "note": 10_000, "channel": 60}
    filters = ("contact", "deal", "type")

    def problems(self, resource: Activity) -> Iterator[checks.Problem]:
        """A duration out of range."""
        seconds, nanos = resource.duration.seconds, resource.duration.nanos
        if not (0 <= seconds <= _MAX_SECONDS and 0 <= nanos < 1_000_000_000):
            yield "duration", "must be 0 to 31 days"

    def complete(self, resource: Activity, *, before: Activity | None, now: Timestamp) -> Iterator[checks.Problem]:
        """An activity without a time happens now."""
        if not resource.HasField("start_time"):
            resource.start_time.CopyFrom(now)
        yield from ()

    def references(self, resource: Activity) -> tuple[str, ...]:
        """The contact. A deal is named, but may have been deleted since."""
        return (resource.contact,)

    def subject(self, resource: Activity) -> str:
        """The contact concerned."""
        return resource.contact


class ActivityServicer(ActivityServiceServicer):
    """Serves activities."""

    def __init__(self, activities: Resources[Activity]) -> None:
        self._activities = activities

    async def CreateActivity(self, request: pb.CreateActivityRequest, context: Any) -> pb.CreateActivityResponse:
        """Create an activity."""
        wanted = Wanted(request.activity, request.request_id, request.activity_id)
        return pb.CreateActivityResponse(activity=await self._activities.create(wanted))

    async def ImportActivities(
        self, requests: AsyncIterator[pb.ImportActivitiesRequest], context: Any
    ) -> pb.ImportActivitiesResponse:
        """Create many activities; a wrong one is reported and does not stop the others."""
        response = pb.ImportActivitiesResponse()
        batch: list[Wanted[Activity]] = []
        async for request in requests:
            batch.append(Wanted(request.activity, request.request_id))
            if len(batch) == _BATCH:
                await self._import(batch, response)
                batch = []
        await self._import(batch, response)
        return response

    async def _import(self, batch: list[Wanted[Activity]], response: pb.ImportActivitiesResponse) -> None:
        position = response.imported_count + response.failed_count
        if position + len(batch) > _MAX_IMPORTED:
            text = f"at most {_MAX_IMPORTED} activities in a stream; those before are imported"
            raise CallEnded(Reason.ARGUMENT_INVALID, f"There are {text}.", violations=(("activity", text),))
        for wanted, outcome in zip(batch, await self._activities.create_many(batch), strict=True):
            if not isinstance(outcome, CallEnded):
                response.imported_count += 1
            else:
                response.failed_count += 1
                if len(response.failures) < _MAX_FAILURES:
                    response.failures.add(position=position, request_id=wanted.request_id, error=status_of(outcome))
            position += 1

    async def GetActivity(self, request: pb.GetActivityRequest, context: Any) -> pb.GetActivityResponse:
        """Read one activity."""
        return pb.GetActivityResponse(activity=await self._activities.get(request.name))

    async def ListActivities(self, request: pb.ListActivitiesRequest, context: Any) -> pb.ListActivitiesResponse:
        """List activities, oldest first."""
        activities, token = await self._activities.page(
            {"contact": request.contact, "deal": request.deal, "type": request.type},
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListActivitiesResponse(activities=activities, next_page_token=token)

    async def UpdateActivity(self, request: pb.UpdateActivityRequest, context: Any) -> pb.UpdateActivityResponse:
        """Change fields of an activity."""
        activity = await self._activities.update(
            request.activity, mask=request.update_mask, request_id=request.request_id
        )
        return pb.UpdateActivityResponse(activity=activity)

    async def DeleteActivity(self, request: pb.DeleteActivityRequest, context: Any) -> pb.DeleteActivityResponse:
        """Delete an activity."""
        await self._activities.delete(request.name, etag=request.etag, request_id=request.request_id)
        return pb.DeleteActivityResponse()
