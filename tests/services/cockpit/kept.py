"""Days as the workbench keeps them: enough of most to be told, and too little of some."""

from gateway.redis_clients import Client
from services.cockpit.cells import Cell, Group
from services.cockpit.days import Change, Day
from services.cockpit.dimensions import ALL, DIMENSIONS
from services.cockpit.store import Cells, KpiStore

STRATUM = "spring\x1femail\x1f"
REVISED_MS = 5_000


def group(people: int, *, spenders: int, cents: int) -> Group:
    """Customers who come once, of whom some spend as much each."""
    return Group({0: people}, {0: spenders}, spenders * cents, {0: str(spenders * cents * cents)})


def cell(contacts: int = 100) -> Cell:
    """A day on which so many customers had one contact each; a tenth of as many were held out."""
    return Cell(
        contacts=contacts,
        contacted=group(contacts, spenders=contacts // 5, cents=2_000),
        treated=group(contacts, spenders=contacts // 5, cents=2_000),
        held=group(contacts // 5, spenders=contacts // 20, cents=1_500),
        deeds={"active": {0: contacts // 2}, "converted": {0: contacts // 5}, "gone": {0: contacts // 50}},
        scores=(5, 3, 2),
        felt={"much_too_much": 1, "a_bit_too_much": 2, "not_solicited": 5},
        refused={STRATUM: 4, "autumn\x1fsms\x1f": 1},
        made={STRATUM: (contacts, contacts // 5, contacts * 400, str(contacts * 800_000), contacts // 50)},
        tally=((0, 1, 2, 5), (200, 300, 80, 20)),
    )


async def keep(redis: Client, tenant: str = "acme", *, last_day: int, days: int = 28) -> KpiStore:
    """Keep so many days up to the last one, which was revised later, and is told as it was worked out then."""
    store = KpiStore(redis)
    for day in range(last_day - days + 1, last_day + 1):
        cells: dict[str, Cells] = {each: {f"{each}-one": cell(80), f"{each}-few": cell(0)} for each in DIMENSIONS}
        cells[ALL] = {"": cell()}
        changes = (Change(at_ms=(last_day + 1) * 86_400_000, was={"revenue": 20_000}, now={"revenue": 40_000}),)
        told = Day(
            worked_out_ms=(last_day + 1) * 86_400_000,
            over=True,
            rates={"USD": "0.92"},
            apart={"XTS": (1, 500)},
            heads={"revenue": 40_000},
            changes=changes if day == last_day else (),
        )
        await store.keep(tenant, day, told, cells)
    return store
