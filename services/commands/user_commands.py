"""The commands `pilote users`: who may log in to the control plane, and what they may do. Directly on the store.

Whoever may run them reaches the store anyway; they are how the first administrator comes in, and a way back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.clock import clock_ms
from gateway.settings import language
from services.commands.shell import Shell, print_rows
from services.commands.user_texts import say

if TYPE_CHECKING:
    from services.control.access.accesses import Access

_Name = Annotated[str, typer.Argument(help="Name of the account.")]
_Role = Annotated[str, typer.Argument(help="copilot, moderator, officer, sre, auditor or admin.")]
_Tenant = Annotated[str, typer.Option(help='Tenant that it holds in; "*": in all of them.')]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Who may log in to the control plane.")
    _add_looks(app, shell)
    _add_making(app, shell)
    _add_steering(app, shell)
    return app


def _add_looks(app: typer.Typer, shell: Shell) -> None:
    @app.command("list")
    def list_users() -> None:
        """Show the accounts."""
        from services.control.api.people_messages import time_of

        lang = language(shell.settings())
        found = _run(shell, lambda access: access.accounts.all())
        if not found and shell.out.is_terminal:
            shell.out.print(say("none", language=lang), markup=False)
            return
        rows = [
            (
                *(each.name, each.display_name, _granted(each.grants)),
                say("must-change" if each.must_change and each.state == "active" else each.state, language=lang),
                *(each.email, time_of(each.created_ms)),
            )
            for each in found
        ]
        print_rows(shell.out, (tuple(say("columns", language=lang).split("|")), *rows), whole="")

    @app.command()
    def sessions(
        name: _Name,
        end: Annotated[bool, typer.Option("--end", help="End them.")] = False,  # noqa: FBT002
    ) -> None:
        """Show in which browsers somebody is logged in, or log them out everywhere."""
        from services.control.api.people_messages import time_of

        lang = language(shell.settings())

        async def work(access: "Access") -> Any:
            account = await access.accounts.known(name)
            if end:
                return await access.sessions.end(name)
            return await access.sessions.of(account, now_ms=clock_ms())

        found = _change(shell, "end-sessions", name, work) if end else _run(shell, work)
        if end:
            shell.out.print(say("sessions-ended", language=lang, name=name, count=found), markup=False)
            return
        rows = [
            (each.id, each.body.browser, *map(time_of, (each.body.began_ms, each.seen_ms, each.ends_ms)))
            for each in found
        ]
        print_rows(shell.out, (tuple(say("session-columns", language=lang).split("|")), *rows))


def _add_making(app: typer.Typer, shell: Shell) -> None:
    @app.command()
    def add(
        name: _Name,
        role: Annotated[list[str] | None, typer.Option("--role", help="A role; may be given several times.")] = None,
        tenant: _Tenant = "*",
        display_name: Annotated[str, typer.Option("--display-name", help="How people call them.")] = "",
        email: Annotated[str, typer.Option(help="Their address.")] = "",
    ) -> None:
        """Add somebody, and print the password that lets them in once."""
        from services.control.api.people_messages import CreateAccount

        lang = language(shell.settings())
        grants = {tenant: [_role(shell, each) for each in role or ()]} if role else {}
        given = {"name": name, "displayName": display_name, "email": email, "grants": grants}
        wanted = _read(shell, given, CreateAccount)

        async def work(access: "Access") -> Any:
            now_ms = clock_ms()
            return await access.administration.add(wanted.account(now_ms=now_ms), now_ms=now_ms)

        account, password = _change(shell, "create", name, work)
        _tell_password("added", account.name, password=password, lang=lang)

    @app.command()
    def reset(name: _Name) -> None:
        """Print another password that lets somebody in once; logs them out, and takes their signing key."""
        account, password = _change(
            shell, "reset", name, lambda access: access.administration.reset(name, now_ms=clock_ms())
        )
        _tell_password("reset", account.name, password=password, lang=language(shell.settings()))


def _add_steering(app: typer.Typer, shell: Shell) -> None:
    @app.command()
    def grant(name: _Name, role: _Role, tenant: _Tenant = "*") -> None:
        """Give a role."""
        _grant(shell, name, role, tenant=_tenant(shell, tenant), granted=True)

    @app.command()
    def revoke(name: _Name, role: _Role, tenant: _Tenant = "*") -> None:
        """Take a role."""
        _grant(shell, name, role, tenant=_tenant(shell, tenant), granted=False)

    @app.command()
    def disable(name: _Name) -> None:
        """Let nobody in by this account any more, and log them out."""
        _change(shell, "disable", name, lambda access: access.administration.enable(name, "disabled"))
        shell.out.print(say("disabled-done", language=language(shell.settings()), name=name), markup=False)

    @app.command()
    def enable(name: _Name) -> None:
        """Let somebody in again."""
        _change(shell, "enable", name, lambda access: access.administration.enable(name, "active"))
        shell.out.print(say("enabled-done", language=language(shell.settings()), name=name), markup=False)


def _grant(shell: Shell, name: str, role: str, *, tenant: str, granted: bool) -> None:
    wanted = _role(shell, role)
    account = _change(
        shell,
        "grant" if granted else "revoke",
        name,
        lambda access: access.administration.grant(name, wanted, tenant=tenant, granted=granted),
    )
    text = say("granted", language=language(shell.settings()), name=name, grants=_granted(account.grants) or "-")
    shell.out.print(text, markup=False, soft_wrap=True)


def _granted(grants: Any) -> str:
    return "; ".join(f"{tenant}: {', '.join(roles)}" for tenant, roles in grants.items())


def _role(shell: Shell, text: str) -> Any:
    from services.control.access.rights import Role

    try:
        return Role(text)
    except ValueError:
        roles = ", ".join(Role)
        shell.fail(say("role", language=language(shell.settings()), role=text, roles=roles), 2)


def _tenant(shell: Shell, text: str) -> str:
    from services.control.access.accounts import Tenant

    found: str = _read(shell, text, Tenant)
    return found


def _read(shell: Shell, given: Any, kind: Any) -> Any:
    import msgspec

    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        shell.fail(say("unreadable", language=language(shell.settings()), problem=error), 2)


def _tell_password(key: str, name: str, *, password: str, lang: str) -> None:
    """The password alone on standard output, so that it can be piped; what it is for, beside it."""
    typer.echo(say(key, language=lang, name=name), err=True)
    typer.echo(password)


def _change(shell: Shell, operation: str, name: str, work: Callable[["Access"], Awaitable[Any]]) -> Any:
    """Do something to an account, noted in the log where that is possible."""

    async def changed(access: "Access") -> Any:
        from services.commands.noting import noting
        from services.control.changes import LATER
        from services.control.people import Noted

        before = await access.accounts.read(name)
        told = None if before is None else Noted.of(before)
        async with noting(
            shell, operation=operation, resource=f"accounts/{name[:64]}", before=told, after=LATER
        ) as changing:
            found = await work(access)
            after = await access.accounts.read(name)
            changing.after = None if after is None else Noted.of(after)
        return found

    return _run(shell, changed)


def _run(shell: Shell, work: Callable[["Access"], Awaitable[Any]]) -> Any:
    settings = shell.settings()
    lang = language(settings)

    async def worked() -> Any:
        from services.control.access.accesses import Access
        from services.control.access.accounts import AccountProblem

        async with shell.store(settings) as redis:
            access = Access(redis, keys=(), clock_ms=clock_ms)
            try:
                return await work(access)
            except AccountProblem as problem:
                shell.fail(problem.said(lang))
            finally:
                access.close()

    return asyncio.run(worked())
