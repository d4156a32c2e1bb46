"""The command `pilote webhooks track`: a tracker is told of contacts."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.clock import clock_ms
from gateway.core.trackers import CONTACT, MANNERS, Tracker
from gateway.settings import language
from services.commands.shell import Shell, print_text

if TYPE_CHECKING:
    from services.webhooks.store import WebhookStore

_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}\Z")
_TOKEN: Final = re.compile(rb"[\x21-\x7e]{1,1000}\Z")


def add_track(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def track(
        url: Annotated[str, typer.Argument(help="Where it takes events: Matomo's …/matomo.php, or …/v1/track.")],
        tenant: Annotated[str, typer.Option(help="Whose contacts it gets.")],
        manner: Annotated[str, typer.Option("--as", help="How it is told: matomo or segment.")],
        site: Annotated[int, typer.Option(help="Of Matomo: the number of the site.")] = 0,
        token_file: Annotated[
            Path | None, typer.Option(help="A file with its token (Matomo) or write key (Segment).", dir_okay=False)
        ] = None,
        purpose: Annotated[
            str, typer.Option(help="Only customers who have agreed to this on the channel.")
        ] = "tracking",
        without_consent: Annotated[bool, typer.Option(help="Tell of all: there is another legal basis.")] = False,  # noqa: FBT002
    ) -> None:
        """Tell a tracker of every contact from now on."""
        from services.commands.webhook_commands import networks
        from services.webhooks.targets import TargetRefused, check
        from services.webhooks.texts import say

        spoken = language(shell.settings())
        known = next((each for each in MANNERS if each == manner), None)
        if known is None:
            shell.fail(say("manner", language=spoken, manner=manner, known=", ".join(MANNERS)), 2)
        if (known == "matomo") != (site > 0):
            shell.fail(say("site", language=spoken), 2)
        if not _PURPOSE.match(purpose):
            shell.fail(say("purpose", language=spoken), 2)
        token = _token(shell, token_file, spoken)
        if known == "segment" and not token:
            shell.fail(say("write-key", language=spoken), 2)
        try:
            check(url, networks(shell))
        except TargetRefused as refused:
            shell.fail(say(str(refused), language=spoken, url=url), 2)
        tracker = Tracker(manner=known, site=site, purpose="" if without_consent else purpose)
        _keep(shell, url, tenant=tenant, tracker=tracker, token=token)


def _keep(shell: Shell, url: str, *, tenant: str, tracker: Tracker, token: bytes) -> None:
    import msgspec

    from gateway.adapters.webhooks import Endpoint
    from services.commands.noting import noting
    from services.commands.webhook_commands import with_store
    from services.webhooks.texts import say

    endpoint = Endpoint(
        id=os.urandom(6).hex(), url=url, tenant=tenant, events=(CONTACT,), secret=b"", created_ms=clock_ms(),
        tracker=tracker,
    )  # fmt: skip
    told = {"url": url, "events": [CONTACT], "tracker": msgspec.to_builtins(tracker)}

    async def kept(store: "WebhookStore") -> None:
        about = {"resource": f"webhooks/{endpoint.id}", "tenant": tenant}
        async with noting(shell, operation="create", after=told, **about):
            await store.add(endpoint, secret=token)

    with_store(shell, kept)
    which = "tracked" if tracker.purpose else "tracked-all"
    print_text(shell.out, say(which, language=language(shell.settings()), id=endpoint.id, purpose=tracker.purpose))


def _token(shell: Shell, file: Path | None, spoken: str) -> bytes:
    from services.webhooks.texts import say

    if file is None:
        return b""
    try:
        token = file.read_bytes()[:10_000].strip()
    except OSError:
        token = b""
    if not _TOKEN.match(token):
        shell.fail(say("token-file", language=spoken, file=str(file)), 2)
    return token
