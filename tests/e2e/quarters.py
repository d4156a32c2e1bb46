"""Simulated weeks in the store of decisions, so that what is asked of 30 days has 30 days to look at."""

from pathlib import Path
from typing import Any

from gateway.activation.loading import canonical, load, load_stored
from gateway.adapters import policy_files
from gateway.adapters.sealing import Sealer
from gateway.clock import clock_ms
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore
from services.simulation.campaigns import DAY_MS
from services.simulation.default_policy import POLICY
from services.simulation.filling import fill
from services.simulation.people import people
from services.simulation.plan import Plan
from services.simulation.quarter import Quarter
from tests.e2e.policy import Data
from tests.e2e.world import KEY, REPLAY_KEY

AS_IT_IS = Keeping(grace_ms=400 * DAY_MS)
"""Nothing is sealed while a test looks at it."""


def quarter_policy(**sections: Any) -> Data:
    """The policy of simulated quarters, with nearly half of the customers held out, but for what `sections` say."""
    data, _ = policy_files.read(POLICY)
    assert isinstance(data, dict)
    return data | {"holdouts": [{"name": "left-alone", "share": 4_500, "categories": ["marketing"]}]} | sections


async def quarter_filled(
    home: Path, data: Data, *, customers: int, decisions: int, days: int = 28, seed: int = 7
) -> None:
    """Fill the store in `home` with so many days up to today, all decided under the policy as revision 1."""
    revision = load_stored(canonical(load(data).document), number=1)
    end_ms = clock_ms() // DAY_MS * DAY_MS
    plan = Plan(seed=seed, start_ms=end_ms - days * DAY_MS, days=days, decisions=decisions)
    quarter = Quarter(plan, revision, people(customers, seed=seed), pseudonym_key=KEY)
    store = SqliteStore(home)
    try:
        await fill(store, quarter.events(), revision=revision, sealer=Sealer([REPLAY_KEY]), progress=lambda _: None)
    finally:
        await store.close()
