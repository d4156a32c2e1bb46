"""The commands `pilote insights`: what the statistics see in the log."""

import asyncio
import contextlib
import gc
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.clock import clock_ms
from gateway.core.texts import number
from gateway.settings import Settings, language
from services import children
from services.commands.insight_texts import say
from services.commands.pressure_command import add_pressure
from services.commands.shell import Shell, print_rows, print_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from services.findings.finding import Seen
    from services.insights.pressure.segments import Target
    from services.workbench.columns.ahead import Ahead
    from services.workbench.elsewhere import Elsewhere
    from services.workbench.looks.drift import DriftLook

_IN_CHILDREN = (
    *("services.cli", "services.commands.summing", "services.workbench.columns.ahead"),
    *("services.workbench.elsewhere", "services.workbench.looks.drift"),
)
"""Modules that the processes of a look need: more than a second each, if each imports them."""
Folder = Annotated[
    Path | None, typer.Option(help="Where what was read is kept, so that the next time only what is new is read.")
]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Insights: drift and other things that moderators look for.")

    @app.command()
    def look(
        folder: Folder = None,
        keep: Annotated[bool, typer.Option("--keep", help="Keep what is seen as findings.")] = False,  # noqa: FBT002
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
    ) -> None:
        """Read the log, and show what stands out in it."""
        spoken, begun = language(shell.settings()), time.monotonic()
        with _once():
            from services.workbench.columns.database import Unusable
            from services.workbench.columns.taking import LogDiffers

            try:
                with tempfile.TemporaryDirectory() as own:
                    read, seen, failed = asyncio.run(_looked(shell, folder or Path(own), keep=keep, spoken=spoken))
            except (Unusable, LogDiffers) as error:
                shell.fail(str(error))
        if as_json:
            import msgspec

            typer.echo(msgspec.json.encode(seen))
            return
        for kind in failed:
            print_text(shell.err, say("failed", language=spoken, kind=kind))
        seconds = number(time.monotonic() - begun, digits=1, language=spoken)
        print_text(shell.out, say("seen" if seen else "nothing", language=spoken, read=read, seconds=seconds))
        if seen:
            print_rows(shell.out, _rows(seen, spoken))
        if failed:
            raise typer.Exit(1)

    add_pressure(app, shell)

    @app.command()
    def run() -> None:
        """Run the process that looks for what is wrong, every few minutes."""
        from gateway.rpc.serving import run as run_process
        from gateway.watching.exposing import Metering
        from gateway.watching.logs import configure
        from services.commands.policies import aimed
        from services.up import redis_url
        from services.vault.store import VaultUnusable
        from services.workbench.columns.database import Unusable
        from services.workbench.columns.taking import LogDiffers
        from services.workbench.server import serve

        settings = shell.settings()
        configure(settings.log_level)
        ahead, target = _ahead(shell, settings, log_level=settings.log_level), _target(shell, settings)
        vault_keys = shell.vault_keys(settings)
        try:
            run_process(
                lambda: serve(
                    listen=settings.insights_listen,
                    home=settings.home,
                    redis_url=redis_url(settings),
                    audit=settings.audit_listen,
                    vault_keys=vault_keys,
                    aiming=aimed,
                    pause_seconds=60 * settings.insights_pause_minutes,
                    drain_seconds=settings.drain_seconds,
                    target=target,
                    to=Metering(settings.otlp_endpoint, settings.metrics_listen, settings.home),
                    ahead=ahead,
                ),
                probes=settings.health_listen,
            )
        except (Unusable, VaultUnusable, LogDiffers) as error:
            shell.fail(str(error))

    return app


def _target(shell: Shell, settings: Settings) -> "Target":
    """How full customers' caps should be."""
    from services.insights.pressure.segments import Target

    low, high = settings.insights_target_low_percent, settings.insights_target_high_percent
    if low > high:
        shell.fail(say("target", language=language(settings)))
    return Target(low=low, high=high)


@contextlib.contextmanager
def _once() -> Iterator[None]:
    """A look that is over soon, and that somebody waits for."""
    with children.import_once(*_IN_CHILDREN):
        from gateway import freed_memory

        freed_memory.stay()
        gc.disable()  # else a tenth of the time goes into looking for garbage among rows that wait to be kept
        try:
            yield
        finally:
            gc.enable()


def _ahead(shell: Shell, settings: Settings, *, log_level: str = "") -> "Ahead":
    """How the log is read where much is new; what it makes opens what calls were decided by."""
    from services.commands.summing import sums_with
    from services.up import redis_url
    from services.workbench.columns.ahead import Ahead

    sums = partial(sums_with, shell.record_keys(settings), redis_url(settings))
    return Ahead(settings.audit_listen, sums, log_level)


async def _looked(
    shell: Shell, folder: Path, *, keep: bool, spoken: str
) -> "tuple[int, Sequence[Seen], tuple[str, ...]]":
    """How many entries were read, what was seen, and which looks failed; with a bar where somebody watches."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from gateway.rpc.channels import channel_to
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
    from services.findings.store import FindingStore
    from services.workbench.columns.database import Columns
    from services.workbench.columns.reading import read_on

    settings = shell.settings()
    ahead, target = _ahead(shell, settings), _target(shell, settings)
    columns = await asyncio.to_thread(lambda: Columns(folder, summing=ahead.summing()))
    parts = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    bar = Progress(*parts, console=shell.err, transient=True, disable=not shell.err.is_terminal)
    try:
        async with channel_to(settings.audit_listen) as channel:
            with (
                bar,
                ThreadPoolExecutor(1) as beside,
                contextlib.closing(await asyncio.to_thread(_apart, ahead)) as drift,
            ):
                ready = beside.submit(_looks, target, drift)
                task = bar.add_task(say("reading", language=spoken), total=None)
                read = await read_on(
                    columns,
                    AuditServiceStub(channel),
                    now_ms=clock_ms(),
                    told=lambda done, whole: bar.update(task, completed=done, total=whole),
                    ahead=ahead,
                )
                await asyncio.to_thread(columns.forget, now_ms=clock_ms())
                seen, failed = await (await asyncio.wrap_future(ready))(
                    columns,
                    now_ms=clock_ms(),
                    told=lambda kind: bar.update(task, description=say("looking", language=spoken, kind=kind)),
                )
        if keep:
            async with shell.store(settings) as redis:
                await FindingStore(redis).see(seen, now_ms=clock_ms())
    finally:
        columns.close()
    return read, seen, failed


def _apart(ahead: "Ahead") -> "Elsewhere":
    """What looks for drift, for about as long as all other looks together: in a process of its own."""
    from services.workbench.elsewhere import Elsewhere

    return Elsewhere(_drift, kind="drift", summing=ahead.summing)


def _drift() -> "DriftLook":
    """Ready to look: seconds of imports, in which the log is read already."""
    import river.drift  # noqa: F401 - else it would be imported while looking, with pandas

    from services.workbench.looks.drift import DriftLook

    return DriftLook()


def _looks(
    target: "Target", drift: "Elsewhere"
) -> "Callable[..., Awaitable[tuple[tuple[Seen, ...], tuple[str, ...]]]]":
    """All looks, ready to look likewise."""
    from services.workbench.looking import looked
    from services.workbench.server import looks

    return partial(looked, looks=looks(target, drift=drift))


def _rows(seen: "Sequence[Seen]", spoken: str) -> tuple[tuple[str, ...], ...]:
    head = tuple(say(name, language=spoken) for name in ("what", "about", "value", "interval", "of", "filter"))
    from services.findings.finding import score_of

    return (
        head,
        *(
            (
                each.kind,
                ", ".join(f"{name}={value}" for name, value in each.about),
                number(each.value, digits=3, language=spoken),
                " \N{EN DASH} ".join(number(end, digits=3, language=spoken) for end in (each.low, each.high)),
                f"{each.n} / {each.m}" if each.m else str(each.n),
                each.filter,
            )
            for each in sorted(seen, key=lambda each: (-score_of(each), each.about))
        ),
    )
