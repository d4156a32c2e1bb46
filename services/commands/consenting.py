"""The commands `pilote consents`: what a customer has said about being contacted, put on record and shown."""

import asyncio
import datetime as dt
import time
from typing import Annotated, Any, get_args

import msgspec
import typer

from gateway.core.call import Facts
from gateway.core.consents import Basis, Consent
from gateway.core.proofs import is_personal
from gateway.core.record import contact_ref, subject_ref
from gateway.messages.contact_points import ContactPointUnclear, normalised
from gateway.settings import Settings, language
from services.commands.shell import Shell
from services.texts import say

Subject = Annotated[str, typer.Argument(help="The customer, such as contacts/cnt_000042.")]
Channels = Annotated[list[str], typer.Option("--channel", help="email, phone, sms, …; may be given several times.")]
Purpose = Annotated[str, typer.Option(help="What for, such as marketing; by default for everything.")]
Point = Annotated[str, typer.Option(help="One address or number; by default all. Only its pseudonym is kept.")]
Proof = Annotated[str, typer.Option(help="Where the proof is found: a form, a recording. No personal datum.")]
At = Annotated[str, typer.Option(help="When it was said, as 2026-01-31T10:15; by default now.")]
Tenant = Annotated[str, typer.Option(help="Tenant; by default the only one of the active policy.")]
LegalBasis = Annotated[str, typer.Option("--basis", help=", ".join(get_args(Basis)))]


def commands(shell: Shell) -> typer.Typer:
    """The commands, to be registered under one name."""
    app = typer.Typer(no_args_is_help=True, help="What customers say about being contacted.")

    @app.command()
    def record(
        subject: Subject,
        channel: Channels,
        purpose: Purpose = "",
        contact_point: Point = "",
        basis: LegalBasis = "consent",
        proof: Proof = "",
        at: At = "",
        tenant: Tenant = "",
    ) -> None:
        """Put on record that a customer may be contacted, on what basis and by what proof."""
        told = {"status": "granted", "purpose": purpose, "legal_basis": basis, "proof": proof}
        _say(shell, subject, told, channels=channel, contact_point=contact_point, at=at, tenant=tenant)

    @app.command()
    def refuse(
        subject: Subject,
        channel: Channels,
        purpose: Purpose = "",
        contact_point: Point = "",
        proof: Proof = "",
        at: At = "",
        tenant: Tenant = "",
    ) -> None:
        """Put on record that a customer has said no."""
        told = {"status": "refused", "purpose": purpose, "proof": proof}
        _say(shell, subject, told, channels=channel, contact_point=contact_point, at=at, tenant=tenant)

    @app.command()
    def withdraw(
        subject: Subject,
        channel: Channels,
        purpose: Purpose = "",
        contact_point: Point = "",
        proof: Proof = "",
        at: At = "",
        tenant: Tenant = "",
    ) -> None:
        """Put on record that a customer takes a consent back; every gateway refuses from then on."""
        told = {"status": "withdrawn", "purpose": purpose, "proof": proof}
        _say(shell, subject, told, channels=channel, contact_point=contact_point, at=at, tenant=tenant)

    @app.command()
    def show(subject: Subject, tenant: Tenant = "") -> None:
        """Show all that is on record of a customer, in the order in which it was recorded."""
        settings = shell.settings()
        key, lang = shell.pseudonym_key(settings), language(settings)
        facts = asyncio.run(_read(shell, settings, subject=subject, tenant=tenant, key=key))
        for line in lines_of(facts, subject=subject, language=lang):
            shell.out.print(line, markup=False, soft_wrap=True)

    return app


def lines_of(facts: Facts | None, *, subject: str, language: str) -> tuple[str, ...]:
    """What is on record of a customer, one statement a line."""
    lines = [_line(each, language) for each in (facts.consent_records if facts else ())]
    plain = facts.consents if facts else {}
    lines += [
        say("consent-plain", language=language, what=what, status=_status(plain[what], language)) for what in plain
    ]
    return tuple(lines) or (say("consent-none", language=language, subject=subject),)


def statement(told: dict[str, str], *, channel: str, contact_point: str, tenant: str, key: bytes) -> Consent:
    """The statement as it is stored; its time is filled in later.

    Raises:
        ContactPointUnclear: the contact point cannot be used.
        msgspec.ValidationError: any other part cannot be.
    """
    channel = channel.strip().lower()
    point = ""
    if contact_point:
        point = contact_ref(key, tenant=tenant, contact_point=normalised(contact_point, channel=channel))
    return msgspec.convert(told | {"channel": channel, "captured_ms": 0, "contact_point": point}, Consent)


def _say(
    shell: Shell, subject: str, told: dict[str, str], *, channels: list[str], contact_point: str, at: str, tenant: str
) -> None:
    settings = shell.settings()
    lang, key = language(settings), shell.pseudonym_key(settings)
    if is_personal(told["proof"]):
        shell.fail(say("consent-proof", language=lang), 2)
    try:
        now_ms = int((dt.datetime.fromisoformat(at).astimezone().timestamp() if at else time.time()) * 1000)
    except ValueError:
        shell.fail(say("consent-time", language=lang, at=at), 2)

    async def work() -> None:
        from gateway.adapters.consents import ConsentStore

        async with shell.store(settings) as redis:
            name = tenant or await _only_tenant(redis, shell, lang)
            ref = subject_ref(key, tenant=name, subject=subject)
            statements = tuple(
                statement(told, channel=channel, contact_point=contact_point, tenant=name, key=key)
                for channel in channels
            )
            await ConsentStore(redis).say(name, ref, statements=statements, now_ms=now_ms, exactly=bool(at))

    try:
        asyncio.run(work())
    except ContactPointUnclear:
        shell.fail(say("consent-point", language=lang), 2)
    except msgspec.DecodeError as error:
        shell.fail(say("consent-unclear", language=lang, problem=error), 2)
    values = {"purpose": told["purpose"] or say("consent-all", language=lang), "channels": ", ".join(channels)}
    shell.out.print(
        say(f"consent-{told['status']}", language=lang, subject=subject, **values), markup=False, soft_wrap=True
    )


async def _read(shell: Shell, settings: Settings, *, subject: str, tenant: str, key: bytes) -> Facts | None:
    from gateway.adapters.consents import ConsentStore

    async with shell.store(settings) as redis:
        name = tenant or await _only_tenant(redis, shell, language(settings))
        return await ConsentStore(redis).read(name, subject_ref(key, tenant=name, subject=subject))


async def _only_tenant(redis: Any, shell: Shell, lang: str) -> str:
    from gateway.adapters.revisions import RevisionStore
    from services.commands.halting import tenants_of

    tenants = await tenants_of(RevisionStore(redis))
    if len(tenants) != 1:
        shell.fail(say("consent-tenant", language=lang, tenants=", ".join(tenants) or "-"), 2)
    return tenants[0]


def _line(said: Consent, language: str) -> str:
    status = say(f"consent-status-{said.status}", language=language)
    times = [f"{dt.datetime.fromtimestamp(said.said_ms // 1000, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"]
    parts = [*times, said.channel, said.purpose or "*", status, said.legal_basis, said.contact_point or "*", said.proof]
    return "  ".join(parts).rstrip()


def _status(granted: object, language: str) -> str:
    return say("consent-status-granted" if granted else "consent-status-refused", language=language)
