"""The one command `pilote`: processes, policy, keys, facts, decisions. Each subcommand imports its part inside."""

import asyncio
import contextlib
import importlib.metadata
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from gateway import own_memory
from gateway.core.authority import Authority
from gateway.settings import Settings, SettingsInvalid, from_environment, language
from services.commands import (
    agents_command,
    backtest_command,
    backup_commands,
    capacity_command,
    decide_command,
    doctor_command,
    explain_command,
    export_commands,
    kpi_command,
    operating,
    person_command,
    personal_commands,
    plan_command,
    probe_command,
    processes,
    replay_commands,
    revision_commands,
    simulate_command,
)
from services.commands.audit_commands import commands as audit_commands
from services.commands.connector_commands import commands as connector_commands
from services.commands.consenting import commands as consents_commands
from services.commands.decision_commands import commands as decisions_commands
from services.commands.experiment_commands import commands as experiments_commands
from services.commands.finding_commands import commands as findings_commands
from services.commands.holds_commands import commands as holds_commands
from services.commands.insight_commands import commands as insights_commands
from services.commands.objective_commands import commands as objectives_commands
from services.commands.packing import commands as packs_commands
from services.commands.probe_suites import commands as probes_commands
from services.commands.report_commands import commands as report_commands
from services.commands.review_commands import commands as reviews_commands
from services.commands.rollout_commands import commands as rollouts_commands
from services.commands.shadow_commands import commands as shadows_commands
from services.commands.shell import Shell
from services.commands.user_commands import commands as users_commands
from services.commands.vault_commands import commands as vault_commands
from services.commands.view_commands import commands as views_commands
from services.commands.webhook_commands import commands as webhooks_commands
from services.presenting import present_own
from services.texts import say

app = typer.Typer(no_args_is_help=True, add_completion=False)
keys_app = typer.Typer(no_args_is_help=True, help="API keys of agents.")
facts_app = typer.Typer(no_args_is_help=True, help="What is known of customers.")
app.add_typer(keys_app, name="keys")
app.add_typer(facts_app, name="facts")

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)

PolicyFile = Annotated[Path, typer.Argument(help="A policy as YAML.", exists=True, dir_okay=False)]


def main() -> None:
    """Entry point."""
    own_memory.keep()
    # Commands print what they have to say; processes that log configure it themselves, instead of this.
    logging.getLogger().addHandler(logging.NullHandler())
    app()


def _version(wanted: object) -> None:
    if wanted:
        _out.print(importlib.metadata.version("pilote"))
        raise typer.Exit


@app.callback()
def _pilote(
    *,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Which version this is.")
    ] = False,
) -> None:
    """Pilote: who steers the AI?"""


def _settings_read() -> Settings:
    try:
        return from_environment()
    except SettingsInvalid as invalid:
        for mistake in invalid.mistakes:
            _err.print(mistake, markup=False)
        raise typer.Exit(2) from None


def _settings() -> Settings:
    settings = _settings_read()
    try:
        present_own(settings)
    except (OSError, ValueError) as error:
        _fail(str(error), 2)
    return settings


def _fail(text: str, code: int = 1) -> NoReturn:
    _err.print(text, markup=False)
    raise typer.Exit(code)


@contextlib.asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Any]:
    from redis.exceptions import RedisError

    from gateway.redis_clients import connected
    from services.up import redis_url

    try:
        async with await connected(redis_url(settings), socket_connect_timeout=2, socket_timeout=5) as redis:
            yield redis
    except (RedisError, OSError):
        logging.getLogger(__name__).debug("the store fails", exc_info=True)
        _fail(say("store-down", language=language(settings)))


def _pseudonym_key(settings: Settings) -> bytes:
    from gateway.key_files import pseudonym_key_of

    try:
        return pseudonym_key_of(settings)
    except (OSError, ValueError) as error:
        _fail(str(error), 2)


def _hold_keys(settings: Settings) -> tuple[bytes, ...]:
    from gateway.key_files import hold_keys_of

    try:
        return hold_keys_of(settings)
    except (OSError, ValueError) as error:
        _fail(str(error), 2)


def _replay_keys(settings: Settings) -> tuple[bytes, ...]:
    from gateway.key_files import replay_keys_of

    try:
        return replay_keys_of(settings)
    except (OSError, ValueError) as error:
        _fail(str(error), 2)


def _record_keys(settings: Settings) -> tuple[bytes, ...]:
    from gateway.key_files import record_keys_of

    try:
        return record_keys_of(settings)
    except (OSError, ValueError) as error:
        _fail(str(error), 2)


def _control_keys(settings: Settings) -> tuple[bytes, ...]:
    from gateway.adapters.sealing import sealing_keys

    try:
        return sealing_keys(settings.control_key_file or settings.home / "secrets" / "control.key")
    except (OSError, ValueError) as error:
        _fail(str(error), 2)


def _vault_keys(settings: Settings) -> tuple[bytes, ...]:
    from gateway.adapters.sealing import sealing_keys

    try:
        return sealing_keys(settings.vault_key_file or settings.home / "secrets" / "vault.key")
    except (OSError, ValueError) as error:
        _fail(str(error), 2)


def _trusted_people(settings: Settings) -> Authority | None:
    if settings.trusted_people_file is None:
        return None
    from gateway.adapters.trust import trusted_people

    try:
        return trusted_people(settings.trusted_people_file)
    except (OSError, ValueError) as error:
        _fail(str(error), 2)


_shell = Shell(
    _settings,
    _store,
    _pseudonym_key,
    _hold_keys,
    _replay_keys,
    _fail,
    _out,
    _err,
    _trusted_people,
    _record_keys,
    _control_keys,
    _settings_read,
    _vault_keys,
)
processes.add_to(app, _shell)
decide_command.add_to(app, _shell)
agents_command.add_to(app, _shell)


@app.command()
def call(
    method: Annotated[str, typer.Argument(help="Full method name: /package.Service/Method.")],
    data: Annotated[
        str, typer.Argument(help="The request as JSON; for a client stream, one JSON object a line.")
    ] = "{}",
    key: Annotated[str, typer.Option(help="API key; or use --header.", envvar="PILOTE_CALL_KEY")] = "",
    header: Annotated[list[str] | None, typer.Option("--header", "-H", help="name: value")] = None,
    address: Annotated[str | None, typer.Option(help="Where to call; by default the gateway.")] = None,
    evaluate: Annotated[bool, typer.Option("--evaluate", help="Only say what the gateway would decide.")] = False,  # noqa: FBT002
) -> None:
    """Call a method through the gateway, like grpcurl; the contract comes from the server's reflection."""
    from services.commands.calling import run

    settings = _settings()
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (h.partition(":") for h in header or ())]
    headers += [("x-api-key", key)] if key else []
    where = address or settings.gateway_listen
    work = run(
        _out, _err, where, method=method, data=data, headers=headers, evaluate=evaluate, language=language(settings)
    )
    raise typer.Exit(asyncio.run(work))


# -- policy ------------------------------------------------------------------------------------------------------------


@app.command()
def check(
    file: PolicyFile,
    strict: Annotated[bool, typer.Option("--strict", help="Fail where a rule can do nothing, too.")] = False,  # noqa: FBT002
) -> None:
    """Say everything that is wrong with a policy, and which rules can do nothing, without publishing it."""
    settings = _settings()
    revision, findings = _load(file, settings)
    document = revision.document
    counts = {part: len(getattr(document, part)) for part in ("agents", "routes", "rules", "limits", "caps")}
    _out.print(
        say("policy-good", language=language(settings), file=file, methods=len(revision.methods), **counts),
        markup=False,
        soft_wrap=True,
    )
    if strict and findings:
        raise typer.Exit(1)


def _load(file: Path, settings: Settings) -> tuple[Any, int]:
    from services.commands.checking import checked

    found = checked(_err, file, language=language(settings))
    if found is None:
        raise typer.Exit(1)
    return found


# -- keys and facts ----------------------------------------------------------------------------------------------------


@keys_app.command("new")
def new_key(agent: Annotated[str, typer.Argument(help="Name of the agent.")]) -> None:
    """Make an API key for an agent. Only its hash goes into the policy."""
    import hashlib
    import secrets

    lang = language(_settings())
    key = f"pilote_{agent}_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    _err.print(say("key-made", language=lang), markup=False)
    _out.print(key, markup=False, soft_wrap=True)
    _err.print(say("key-hash", language=lang), markup=False)
    stamp = time.strftime("k%Y%m%d", time.gmtime())
    _out.print(f'- {{id: {stamp}, sha256: "{digest}"}}', markup=False, soft_wrap=True)


@facts_app.command("import")
def import_facts(
    file: Annotated[Path, typer.Argument(help="JSON Lines: tenant, subject and facts.", exists=True, dir_okay=False)],
    replace_damaged: Annotated[  # noqa: FBT002
        bool, typer.Option("--replace-damaged", help="Replace what is stored of them and cannot be read.")
    ] = False,
) -> None:
    """Store what is known of customers, one JSON object a line: {"tenant", "subject", "facts"}."""
    from services.commands.running import FactsDamaged
    from services.commands.running import import_facts as run

    settings = _settings()
    key = _pseudonym_key(settings)

    async def work() -> int:
        async with _store(settings) as redis:
            return await run(redis, file, pseudonym_key=key, replace_damaged=replace_damaged)

    try:
        count = asyncio.run(work())
    except FactsDamaged as damaged:
        _fail(say("facts-damaged", language=language(settings), line=damaged.line))
    except ValueError as error:
        _fail(str(error))
    _out.print(say("facts-imported", language=language(settings), count=count), markup=False)


explain_command.add_to(app, _shell)
kpi_command.add_to(app, _shell)
operating.add_to(app, _shell)
doctor_command.add_to(app, _shell)
backup_commands.add_to(app, _shell)
capacity_command.add_to(app, _shell)
plan_command.add_to(app, _shell)
probe_command.add_to(app, _shell)
backtest_command.add_to(app, _shell)
simulate_command.add_to(app, _shell)
replay_commands.add_to(app, _shell)
person_command.add_to(app, _shell)
personal_commands.add_to(app, _shell)
export_commands.add_verify_to(app, _shell)
revision_commands.add_to(app, _shell, loaded=lambda file: _load(file, _settings())[0])
app.add_typer(audit_commands(_shell), name="audit")
app.add_typer(decisions_commands(_shell), name="decisions")
app.add_typer(views_commands(_shell), name="views")
app.add_typer(findings_commands(_shell), name="findings")
app.add_typer(reviews_commands(_shell), name="reviews")
app.add_typer(holds_commands(_shell), name="holds")
app.add_typer(consents_commands(_shell), name="consents")
app.add_typer(users_commands(_shell), name="users")
app.add_typer(webhooks_commands(_shell), name="webhooks")
app.add_typer(packs_commands(_shell), name="packs")
app.add_typer(probes_commands(_shell), name="probes")
app.add_typer(experiments_commands(_shell), name="experiments")
app.add_typer(objectives_commands(_shell), name="objectives")
app.add_typer(shadows_commands(_shell), name="shadows")
app.add_typer(rollouts_commands(_shell), name="rollouts")
app.add_typer(insights_commands(_shell), name="insights")
app.add_typer(vault_commands(_shell), name="vault")
app.add_typer(report_commands(_shell), name="report")
app.add_typer(connector_commands(_shell), name="connector")


if __name__ == "__main__":
    main()
