"""Simulates a quarter into a home: decisions in the embedded store; policy and facts of customers in Redis."""

import asyncio
import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from redis.exceptions import RedisError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway import secret_files
from gateway.adapters.consents import ConsentStore
from gateway.adapters.sealing import Sealer, sealing_keys
from gateway.core.change_words import percent
from gateway.core.errors import CallEnded
from gateway.core.record import subject_ref
from gateway.core.revision.compiled import Revision
from gateway.core.texts import number, span
from gateway.redis_clients import Client
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore
from services.commands.embedded import embedded_store
from services.commands.running import publish
from services.commands.shell import Shell, print_text
from services.commands.simulate_texts import say
from services.simulation.campaigns import DAY_MS
from services.simulation.chance import bytes_of
from services.simulation.deciding import Unsimulated
from services.simulation.filling import fill
from services.simulation.ledger import as_data
from services.simulation.people import Person, people
from services.simulation.plan import TENANT, Plan
from services.simulation.quarter import Quarter
from services.supervisor import home as homes
from services.supervisor.home import HomeTaken

TRUTH: Final = "truth.json"
_AT_ONCE: Final = 64
"""Customers whose facts are written at the same time."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asked for."""

    home: Path
    seed: int
    customers: int
    days: int
    decisions: int
    retries: int
    end_ms: int


def simulated(shell: Shell, wanted: Wanted, revision: Revision, *, language: str) -> None:
    """Do it, and say what came of it; ends the process, with a text, where it cannot be done."""
    try:
        with homes.taken(wanted.home):
            asyncio.run(_simulated(shell, wanted, revision, language))
    except HomeTaken as taken:
        shell.fail(str(taken), 2)
    except Unsimulated as unsimulated:
        why, _, name = unsimulated.what.partition(" ")
        shell.fail(say(why, language=language, name=name), 2)
    except ModuleNotFoundError as missing:
        if missing.name is None or not missing.name.startswith("leadforge"):
            raise
        shell.fail(say("no-demo", language=language), 2)
    except (RedisError, OSError, CallEnded):  # a TimeoutError is an OSError
        shell.fail(say("no-store", language=language, home=wanted.home))


async def _simulated(shell: Shell, wanted: Wanted, revision: Revision, language: str) -> None:
    begun = time.perf_counter()
    plan = Plan(
        seed=wanted.seed,
        start_ms=wanted.end_ms - wanted.days * DAY_MS,
        days=wanted.days,
        decisions=wanted.decisions,
        retries=wanted.retries,
    )
    persons = people(wanted.customers, seed=wanted.seed)
    key = _pseudonym_key(wanted)
    quarter = Quarter(plan, revision, persons, pseudonym_key=key)
    agents = len({each.agent for each in plan.campaigns})
    people_told = {"customers": len(persons), "attempts": quarter.attempts, "agents": agents}
    shell.err.print(say("people", language=language, **people_told), markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=shell.err, transient=True, disable=not shell.err.is_terminal) as bar:

        def part(name: str, total: int) -> Callable[[int], None]:
            task = bar.add_task(say(name, language=language), total=total)
            return lambda done: bar.update(task, completed=done)

        async with embedded_store(wanted.home) as redis:
            await publish(redis, revision, reason="simulated quarter")
            decisions = await _filled(wanted, quarter, revision, progress=part)
            await _known(redis, persons, quarter, key=key, progress=part("knowing", len(persons)))
    _write_truth(wanted, quarter, plan, revision)
    _say(shell, wanted, quarter, decisions, took_ms=int(1_000 * (time.perf_counter() - begun)), language=language)


async def _filled(
    wanted: Wanted, quarter: Quarter, revision: Revision, *, progress: Callable[[str, int], Callable[[int], None]]
) -> int:
    sealer = Sealer(sealing_keys(wanted.home / "secrets" / "replays.key"))
    store = SqliteStore(wanted.home, keeping=Keeping(grace_ms=0, hot_ms=2 * DAY_MS))
    try:
        living = progress("living", wanted.decisions)
        decisions = await fill(store, quarter.events(), revision=revision, sealer=sealer, progress=living)
        sealing = progress("sealing", 24 * wanted.days)
        for _ in range(2):  # what is sealed goes the next time
            await store.seal(now_ms=wanted.end_ms, progress=lambda done, _: sealing(done))
    finally:
        await store.close()
    return decisions


async def _known(
    redis: Client, persons: tuple[Person, ...], quarter: Quarter, *, key: bytes, progress: Callable[[int], None]
) -> None:
    """Store what is known of everybody at the end, so that the gateway decides on from there."""
    store = ConsentStore(redis)
    for first in range(0, len(persons), _AT_ONCE):
        async with asyncio.TaskGroup() as group:
            for person, facts in zip(
                persons[first : first + _AT_ONCE], quarter.facts[first : first + _AT_ONCE], strict=True
            ):
                ref = subject_ref(key, tenant=TENANT, subject=person.name)
                group.create_task(store.know(TENANT, ref, facts=facts))
        progress(min(first + _AT_ONCE, len(persons)))


def _pseudonym_key(wanted: Wanted) -> bytes:
    """The key of pseudonyms, by the seed: the same seed comes to the same records, and so to the same holdout."""
    file = wanted.home / "secrets" / "pseudonym.key"
    secret_files.make(file, bytes_of(wanted.seed, "pseudonyms", size=32))
    return file.read_bytes()


def _write_truth(wanted: Wanted, quarter: Quarter, plan: Plan, revision: Revision) -> None:
    truth: dict[str, Any] = {
        "seed": plan.seed,
        "startMs": plan.start_ms,
        "days": plan.days,
        "customers": wanted.customers,
        "retries": plan.retries,
        "revision": revision.sha256,
        "truths": msgspec.to_builtins(plan.truths),
        **as_data(quarter.ledger),
    }
    (wanted.home / TRUTH).write_text(json.dumps(truth, indent=2) + "\n")


def _say(shell: Shell, wanted: Wanted, quarter: Quarter, decisions: int, *, took_ms: int, language: str) -> None:
    start, end = (
        dt.datetime.fromtimestamp(at_ms / 1_000, dt.UTC).date().isoformat()
        for at_ms in (wanted.end_ms - wanted.days * DAY_MS, wanted.end_ms)
    )
    took, truth = span(took_ms, language=language), wanted.home / TRUTH
    values = {"decisions": decisions, "start": start, "end": end, "home": wanted.home, "took": took, "truth": truth}
    print_text(shell.out, say("done", language=language, **values))
    ledger = quarter.ledger
    its, asked = ledger.contacts["category", "marketing"], max(1, ledger.surveyed.people)
    true = {
        "incremental": number(ledger.incremental_cents / 100, digits=2, language=language),
        "opt_outs": _percent(its.opt_outs / max(1, its.contacts), language),
        "nps": number(100 * ledger.surveyed.nps, digits=1, language=language),
        "much": _percent(ledger.surveyed.much_too_much / asked, language),
    }
    print_text(shell.out, say("truth", language=language, **true))
    print_text(shell.out, say("look", language=language, home=wanted.home))


def _percent(share: float, language: str) -> str:
    return percent(round(10_000 * share), language)
