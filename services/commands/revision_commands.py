"""The commands about revisions: apply, approve, rollback, history, rebase, proposals, revisions and people."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NoReturn, TypeVar

import typer

from gateway.settings import language
from services.commands.shell import Shell, print_rows
from services.revisions.texts import say

if TYPE_CHECKING:
    from gateway.adapters.proposals import Proposal
    from gateway.core.revision.compiled import Revision
    from services.revisions.revising import Conflict, Hand, Made, Revising

T = TypeVar("T")
CONFLICT: Final = 3
"""Exit code where two people have edited at once."""
PolicyFile = Annotated[Path, typer.Argument(help="A policy as YAML.", exists=True, dir_okay=False)]
Number = Annotated[int, typer.Argument(min=1, help="Number of a proposal.")]
Key = Annotated[Path | None, typer.Option("--key", help="File with the private key, as `pilote people new` makes it.")]
Author = Annotated[str, typer.Option(help="Who you are, as the policy's `people` name you.")]
By = Annotated[str, typer.Option("--by", help="Who you are, as the policy's `people` name you.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for those who read the history.")]
_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}")


def add_to(app: typer.Typer, shell: Shell, *, loaded: Callable[[Path], Any]) -> None:
    """Add the commands. `loaded` gives a checked policy file as a revision, or ends the process."""
    _add_edits(app, shell, loaded=loaded)
    _add_looks(app, shell, loaded=loaded)
    app.add_typer(_proposals(shell), name="proposals")
    app.add_typer(_revisions(shell), name="revisions")
    app.add_typer(_people(shell), name="people")


def show_workers(shell: Shell) -> None:
    """Show which revision every gateway runs."""
    from gateway.adapters.revisions import RevisionStore
    from gateway.adapters.workers import Workers
    from services.revisions.tables import workers as table

    settings = shell.settings()
    lang = language(settings)

    async def work() -> Any:
        async with shell.store(settings) as redis:
            reports = await Workers(redis).all()
            return reports, await RevisionStore(redis).active()

    reports, active = asyncio.run(work())
    if reports:
        print_rows(shell.out, table(reports, active=active, language=lang))
    else:
        shell.out.print(say("workers-none", language=lang), markup=False)


def proposed(shell: Shell, number: int) -> "Revision":
    """The policy of a proposal, compiled; ends the process where there is none, or it has mistakes."""
    from gateway.activation.loading import load_stored
    from gateway.core.revision.decode import PolicyInvalid
    from gateway.mistakes.saying import Problem
    from services.revisions.revising import RevisionProblem

    async def work(revising: "Revising") -> "Revision":
        document = bytes((await revising.proposal(number)).published.document)
        try:
            return load_stored(document)
        except PolicyInvalid as invalid:
            first = invalid.mistakes[0]
            raise RevisionProblem(
                "unusable", count=len(invalid.mistakes), path=first.path, problem=Problem(first)
            ) from invalid

    return _run(shell, work)


def _add_edits(app: typer.Typer, shell: Shell, *, loaded: Callable[[Path], Any]) -> None:
    @app.command()
    def apply(
        file: PolicyFile,
        author: Author = "",
        key: Key = None,
        reason: Why = "",
        expect: Annotated[int | None, typer.Option(help="The revision that the file was made from.")] = None,
    ) -> None:
        """Check a policy and make it the active revision of all gateways; where people must agree, propose it."""
        document, hand = loaded(file).document, hand_of(shell, author, key)
        _make(
            shell,
            lambda work: work.apply(document, hand=hand, reason=reason, expected=expect),
            operation="apply",
            by=author,
            reason=reason,
        )

    @app.command()
    def approve(
        number: Number, by: By, key: Key, comment: Annotated[str, typer.Option(help="What you have looked at.")] = ""
    ) -> None:
        """Agree to a proposal; once enough people have, it is active."""
        _vote(shell, number, by, key, act="approve", comment=comment)

    @app.command()
    def rollback(
        number: Annotated[int | None, typer.Argument(min=1, help="Revision; by default the last that differs.")] = None,
        author: Author = "",
        key: Key = None,
        reason: Why = "",
    ) -> None:
        """Make an earlier revision active again, in one step, as a new revision."""
        hand = hand_of(shell, author, key)
        _make(
            shell,
            lambda work: work.rollback(number, hand=hand, reason=reason),
            operation="roll-back",
            by=author,
            reason=reason,
        )


def _add_looks(app: typer.Typer, shell: Shell, *, loaded: Callable[[Path], Any]) -> None:
    @app.command()
    def history(count: Annotated[int, typer.Option(min=1, max=10_000, help="Most to show.")] = 20) -> None:
        """Show the revisions, newest first: who made them, who agreed, and why."""
        from services.revisions.tables import history as table

        lang = language(shell.settings())

        async def work(revising: "Revising") -> Any:
            last = await revising.store.next() - 1
            numbers = range(last, max(0, last - count), -1)
            _, head = await revising.store.head()
            return table(await revising.store.entries(numbers), numbers, head=head, language=lang)

        print_rows(shell.out, _run(shell, work))

    @app.command()
    def rebase(
        number: Annotated[int | None, typer.Argument(min=1, help="Number of a proposal.")] = None,
        file: Annotated[Path | None, typer.Option(help="A policy as YAML.", exists=True, dir_okay=False)] = None,
        base: Annotated[int | None, typer.Option(min=0, help="The revision that the file was made from.")] = None,
    ) -> None:
        """Put a proposal, or a file, together with what has become active since; prints a policy to check and apply."""
        from gateway.activation.loading import canonical
        from services.revisions.tables import as_yaml

        lang = language(shell.settings())
        if (number is None) == (file is None or base is None):
            shell.fail(say("rebase-what", language=lang), 2)
        content = b"" if file is None else canonical(loaded(file).document)

        async def work(revising: "Revising") -> Any:
            if number is None:
                return await revising.rebase(content, base=base or 0)
            proposal = await revising.proposal(number)
            document = bytes(proposal.published.document)
            return await revising.rebase(document, base=proposal.entry.statement.base)

        merged, conflict = _run(shell, work)
        if merged.document is None:
            _fail_conflict(shell, conflict)
        made_from = say("made-from", language=lang, number=conflict.active)
        typer.echo(f"# {made_from}\n{as_yaml(merged.document)}", nl=False)


def _proposals(shell: Shell) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Policies that wait until people agree.")

    @app.command("list")
    def list_proposals(
        every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,  # noqa: FBT002
    ) -> None:
        """Show what waits."""
        from services.revisions.tables import proposals as table

        lang = language(shell.settings())

        async def work(revising: "Revising") -> Any:
            found = [each for each in await revising.proposals.all() if every or each.state == "waiting"]
            return table([(each, (await revising.deciding(each)).required) for each in found], language=lang)

        print_rows(shell.out, _run(shell, work))

    @app.command()
    def show(number: Number) -> None:
        """Show one, with what it changes."""
        from services.revisions.tables import proposal as lines

        lang = language(shell.settings())

        async def work(revising: "Revising") -> Any:
            proposal = await revising.proposal(number)
            base = await revising.document(proposal.entry.statement.base)
            return lines(proposal, base=base, language=lang)

        for line in (*_run(shell, work), say("show-plan", language=lang, number=number)):
            shell.out.print(line, markup=False, soft_wrap=True)

    @app.command()
    def refuse(number: Number, by: By, key: Key, reason: Why = "") -> None:
        """End a proposal of somebody else."""
        _vote(shell, number, by, key, act="refuse", comment=reason)

    @app.command()
    def withdraw(number: Number, by: By, key: Key, reason: Why = "") -> None:
        """Take back a proposal of your own."""
        _vote(shell, number, by, key, act="withdraw", comment=reason)

    return app


def _revisions(shell: Shell) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Policies that are, or were, active.")

    @app.command()
    def show(number: Annotated[int, typer.Argument(min=1, help="Number of a revision.")]) -> None:
        """Print the policy of a revision as a file to edit."""
        from services.revisions.tables import as_yaml

        lang = language(shell.settings())
        document = _run(shell, lambda revising: revising.document(number))
        typer.echo(f"# {say('made-from', language=lang, number=number)}\n{as_yaml(document)}", nl=False)

    return app


def _people(shell: Shell) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help="Those who write and approve policies.")

    @app.command("new")
    def new_person(
        name: Annotated[str, typer.Argument(help="Name of the person, as the policy will name them.")],
        key: Annotated[Path, typer.Option("--key", help="File to write the private key to.")],
    ) -> None:
        """Make a person's key pair: the private key goes into a file, the public one into the policy."""
        from gateway.signing import new_signer

        lang = language(shell.settings())
        if not _NAME.fullmatch(name):
            shell.fail(say("people-name", language=lang, name=name), 2)
        try:
            signer = new_signer(key)
        except FileExistsError:
            shell.fail(say("people-there", language=lang, file=key))
        except OSError:
            shell.fail(say("people-unwritten", language=lang, file=key))
        typer.echo(say("people-key", language=lang, name=name, file=key), err=True)
        typer.echo(f'- {{name: {name}, public_key: "{signer.public_key}"}}')

    return app


def _vote(
    shell: Shell, number: int, by: str, key: Path | None, *, act: Literal["approve", "refuse", "withdraw"], comment: str
) -> None:
    lang = language(shell.settings())
    hand = hand_of(shell, by, key)
    if hand is None:
        shell.fail(say("key-file", language=lang), 2)
    proposal, left = _run(shell, lambda work: _voted(shell, work, number, hand=hand, act=act, comment=comment))
    if proposal.state == "active":
        text = say("activated", language=lang, number=number, revision=proposal.revision)
    elif proposal.state == "waiting":
        text = say("agreed", language=lang, person=by, number=number, count=left)
    else:
        text = say("ended", language=lang, number=number, state=say(f"state-{proposal.state}", language=lang))
    shell.out.print(text, markup=False, soft_wrap=True)


async def _voted(
    shell: Shell,
    revising: "Revising",
    number: int,
    *,
    hand: "Hand",
    act: Literal["approve", "refuse", "withdraw"],
    comment: str,
) -> "tuple[Proposal, int]":
    from services.commands.noting import noting
    from services.control.changes import LATER

    before = {"state": (await revising.proposal(number)).state}
    noted = noting(shell, operation=act, resource=f"proposals/{number}", before=before, after=LATER, reason=comment)
    async with noted as changing:
        proposal, left = await revising.vote(number, hand=hand, act=act, comment=comment)
        changing.after = {"state": proposal.state, "revision": proposal.revision, "by": hand.name}
    return proposal, left


def _make(shell: Shell, work: "Callable[[Revising], Awaitable[Made]]", *, operation: str, by: str, reason: str) -> None:
    """Make a revision or a proposal, and say which."""

    async def made(revising: "Revising") -> "Made":
        from services.commands.noting import noting
        from services.control.changes import LATER

        _, head = await revising.store.head()
        noted = noting(
            shell,
            operation=operation,
            resource=f"revisions/{head}",
            before={"revision": head},
            after=LATER,
            reason=reason,
        )
        async with noted as changing:
            found = await work(revising)
            number = found.proposal.number if found.proposal else 0
            changing.resource = f"revisions/{found.revision}" if found.revision else f"proposals/{number}"
            changing.after = {"revision": found.revision, "proposal": number, "document": found.sha256, "by": by}
        return found

    _tell_made(shell, _run(shell, made))


def _tell_made(shell: Shell, made: "Made") -> None:
    lang = language(shell.settings())
    if made.proposal is not None:
        values = {"number": made.proposal.number, "author": made.proposal.entry.statement.author}
        text = say("proposed", language=lang, count=made.deciding.required, **values)
    elif made.restores:
        text = say("rolled-back", language=lang, number=made.revision, restores=made.restores)
    else:
        text = say("applied", language=lang, number=made.revision, sha256=made.sha256[:12])
    shell.out.print(text, markup=False, soft_wrap=True)
    if made.proposal is None and not made.deciding.people:
        shell.out.print(say("nobody-asked", language=lang), markup=False, soft_wrap=True)


def hand_of(shell: Shell, name: str, key: Path | None) -> "Hand | None":
    """Who signs, and with what; None where either is not said. Ends the process where the key cannot be used."""
    from gateway.signing import signer
    from services.revisions.revising import Hand

    if not name or key is None:
        return None
    try:
        return Hand(name, signer(key))
    except ValueError as error:
        shell.fail(str(error), 2)
    except OSError:
        shell.fail(say("people-unread", language=language(shell.settings()), file=key), 2)


def _run(shell: Shell, work: "Callable[[Revising], Awaitable[T]]") -> T:
    """Do something with the revisions; ends the process where that cannot be done."""
    from gateway.adapters.cells import CellsFixed
    from services.revisions.revising import Conflict, Revising, RevisionProblem
    from services.texts import say as say_generally

    settings = shell.settings()
    lang = language(settings)

    async def done() -> T:
        async with shell.store(settings) as redis:
            return await work(Revising(redis))

    try:
        return asyncio.run(done())
    except RevisionProblem as problem:
        shell.fail(problem.said(lang))
    except CellsFixed as fixed:
        values = {"tenant": fixed.tenant, "cells": fixed.cells, "wanted": fixed.wanted}
        shell.fail(say_generally("cells-fixed", language=lang, **values))
    except Conflict as conflict:
        _fail_conflict(shell, conflict)


def _fail_conflict(shell: Shell, found: "Conflict") -> NoReturn:
    from gateway.core.merging import merge
    from services.revisions.tables import conflict

    merged = merge(found.was, found.ours, found.theirs)
    shell.fail("\n".join(conflict(found, merged, language=language(shell.settings()))), CONFLICT)
