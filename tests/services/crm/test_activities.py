"""What is special about activities."""

from collections.abc import Iterator

from pilote.crm.v1.activity_pb2 import ACTIVITY_TYPE_CALL, ACTIVITY_TYPE_NOTE, Activity
from pilote.crm.v1.activity_service_pb2 import (
    CreateActivityRequest,
    ImportActivitiesRequest,
    ListActivitiesRequest,
    UpdateActivityRequest,
)
from tests.services.crm.conftest import Crm
from tests.services.refusals import refused


def _call(title: str = "Asked for the price") -> Activity:
    return Activity(contact="contacts/ada", type=ACTIVITY_TYPE_CALL, title=title)


async def test_an_activity_without_a_time_happens_now(crm: Crm) -> None:
    await crm.contact("ada")
    activity = (await crm.activities.CreateActivity(CreateActivityRequest(activity=_call()))).activity
    assert activity.start_time.ToMilliseconds() == crm.clock.now_ms


async def test_an_activity_without_a_type_is_an_invalid_argument(crm: Crm) -> None:
    await crm.contact("ada")
    with refused() as refusal:
        wanted = Activity(contact="contacts/ada", title="Something")
        await crm.activities.CreateActivity(CreateActivityRequest(activity=wanted))
    assert refusal.fields == ("activity.type",)


async def test_activities_are_listed_by_type_and_change(crm: Crm) -> None:
    await crm.contact("ada")
    activity = (await crm.activities.CreateActivity(CreateActivityRequest(activity=_call()))).activity
    changed = Activity(name=activity.name, type=ACTIVITY_TYPE_NOTE)
    await crm.activities.UpdateActivity(UpdateActivityRequest(activity=changed))
    assert not (await crm.activities.ListActivities(ListActivitiesRequest(type=ACTIVITY_TYPE_CALL))).activities
    assert len((await crm.activities.ListActivities(ListActivitiesRequest(type=ACTIVITY_TYPE_NOTE))).activities) == 1


async def test_an_import_reports_wrong_activities_and_keeps_the_others(crm: Crm) -> None:
    await crm.contact("ada")

    def requests() -> Iterator[ImportActivitiesRequest]:
        for n in range(450):
            activity = _call(title="" if n in (3, 250) else f"Call {n}")
            yield ImportActivitiesRequest(activity=activity, request_id=f"r{n}")

    for _ in range(2):  # the second time repeats the first
        response = await crm.activities.ImportActivities(requests())
        assert (response.imported_count, response.failed_count) == (448, 2)
        assert [(failure.position, failure.request_id) for failure in response.failures] == [(3, "r3"), (250, "r250")]
    page = await crm.activities.ListActivities(ListActivitiesRequest(page_size=1000))
    assert len(page.activities) == 448


async def test_an_empty_import_imports_nothing(crm: Crm) -> None:
    empty: tuple[ImportActivitiesRequest, ...] = ()
    assert (await crm.activities.ImportActivities(iter(empty))).imported_count == 0
