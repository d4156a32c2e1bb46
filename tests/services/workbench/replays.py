"""Quiet logs as columns, many calls at once: drawn from seeds, and put where reading the log would have put them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.workbench.columns.database import Columns
from tests.services.workbench.calls import HOUR_MS, START_HOUR

DAY = 24
_ADMITTED = """INSERT INTO admitted BY NAME SELECT '' AS model,
  row_number() OVER () + $size AS leaf, uuid() AS id, at_ms, at_ms + 34560000000 AS until_ms,
  concat('t', tenant) AS tenant, concat('bot-', agent) AS agent, 'score@1' AS version,
  concat('/crm.v1.Service/', if(method, 'Send', 'Call')) AS method, 'CONTACT' AS operation,
  ['email', 'sms', 'letter'][channel + 1] AS channel, concat('topic-', category) AS category,
  ['ALLOW', 'DENY', 'HOLD'][verdict + 1] AS verdict, ['', 'CAP_EXCEEDED', 'RULE_HOLDS'][verdict + 1] AS reason,
  '' AS rule, request_bytes, false AS standby, false AS repeats, false AS held_out, upstream_us AS refused_us
 FROM drawn"""
_SETTLED = """INSERT INTO settled BY NAME SELECT leaf, id, at_ms + 9 AS at_ms, refused_us AS upstream_us,
  refused_us AS total_us, if(hash(leaf + at_ms) % 50 = 0, 'UNAVAILABLE', 'OK') AS status, '' AS reason,
  false AS in_doubt, false AS gave_back, '' AS version, request_bytes * 3 + hash(leaf + at_ms) % 100 AS response_bytes
 FROM admitted WHERE verdict = 'ALLOW' AND leaf > $size"""


def fill(
    columns: Columns,
    draw: np.random.Generator,
    *,
    hours: Sequence[int],
    tenants: Sequence[int] = (0,),
    agents: int = 5,
    hourly: float,
    slower: float = 0.0,
) -> None:
    """Add calls of these hours, so many of each agent in an hour on average: at night there are fewer, and slower ones.

    With `slower` all take longer, by so many standard deviations of the logarithm of how long they take.
    """
    (size,) = columns._engine.execute("SELECT coalesce(max(leaf), 0) FROM admitted").fetchall()[0]
    each = np.array([(tenant, agent, hour) for tenant in tenants for agent in range(agents) for hour in hours])
    usual = 1 + 0.8 * np.sin(2 * np.pi * each[:, 2] / DAY)
    rows = np.repeat(each, draw.poisson(hourly * usual), axis=0)
    night = rows[:, 2] % DAY > DAY / 2
    columns._engine.register("drawn", _drawn(draw, rows, night, slower=slower))
    try:
        columns._engine.execute(_ADMITTED, {"size": size})
    finally:
        columns._engine.unregister("drawn")
    columns._engine.execute(_SETTLED, {"size": size})


def _drawn(
    draw: np.random.Generator, rows: NDArray[np.int64], night: NDArray[np.bool_], *, slower: float
) -> dict[str, NDArray[np.generic]]:
    size = len(rows)
    return {
        "tenant": rows[:, 0].copy(),
        "agent": rows[:, 1].copy(),
        "at_ms": (START_HOUR + rows[:, 2]) * HOUR_MS + draw.integers(0, HOUR_MS, size),
        "method": draw.random(size) < 0.7,
        "channel": draw.choice(3, size, p=(0.6, 0.3, 0.1)),
        "category": np.minimum(draw.geometric(0.4, size), 12),
        "verdict": (draw.random(size) < np.where(night, 0.3, 0.2)) * (1 + (draw.random(size) < 0.2)),
        "request_bytes": draw.normal(600, 100, size).clip(1).astype(np.int64),
        "upstream_us": draw.lognormal(10 + 0.4 * night + 0.5 * slower, 0.5).astype(np.int64),
    }


def clear(columns: Columns) -> None:
    """Forget all calls."""
    for table in ("admitted", "settled"):
        columns._engine.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
