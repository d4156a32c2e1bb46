"""The command `pilote probe`: a suite of probes against a policy, and what fails, small."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import language
from services.commands.shell import Shell
from services.probes.texts import say

if TYPE_CHECKING:
    from gateway.core.revision.compiled import Revision
    from services.probes.asking import Target
    from services.probes.running import Progress, Report
    from services.probes.suite import Suite


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def probe(
        suite: Annotated[Path, typer.Argument(help="A suite of probes as YAML.", exists=True, dir_okay=False)],
        policy: Annotated[Path | None, typer.Option(help="A policy as YAML.", exists=True, dir_okay=False)] = None,
        draft: Annotated[str, typer.Option(help="Id of a draft, in place of a file.")] = "",
        revision: Annotated[int | None, typer.Option(min=1, help="Number of a revision, in place of a file.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
        junit: Annotated[Path | None, typer.Option(help="Also write it there as JUnit's XML.", dir_okay=False)] = None,
    ) -> None:
        """Say whether a policy does what a suite of probes wants of it; of what fails, the smallest example."""
        from services.probes.running import run
        from services.probes.showing import as_data, as_junit

        lang = language(shell.settings())
        read = _suite(shell, suite, lang=lang)
        target = _target(shell, policy=policy, draft=draft, revision=revision, lang=lang)
        report = run(read, target, progress=_progress(shell, target, lang=lang))
        if junit is not None:
            try:
                junit.write_text(as_junit(report, language=lang), encoding="utf-8")
            except OSError:
                shell.fail(say("unwritable", language=lang, file=junit), 2)
        if as_json:
            typer.echo(json.dumps(as_data(report, language=lang), ensure_ascii=False))
        else:
            _tell(shell, report, lang=lang)
        if not report.passed:
            raise typer.Exit(1)


def _suite(shell: Shell, file: Path, *, lang: str) -> "Suite":
    from gateway.core.revision.decode import PolicyInvalid
    from services.probes.reading import read_file, words

    try:
        return read_file(file)
    except OSError:
        shell.fail(say("unreadable", language=lang, file=file), 2)
    except PolicyInvalid as invalid:
        shell.err.print(say("bad", language=lang, file=file, count=len(invalid.mistakes)), markup=False)
        for mistake in invalid.mistakes:
            problem, fix = words(mistake, language=lang)
            where = f"{file}:{mistake.line}" if mistake.line else str(file)
            shell.err.print(f"  {where}: {mistake.path}: {problem}\n      {fix}", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None


def _target(shell: Shell, *, policy: Path | None, draft: str, revision: int | None, lang: str) -> "Target":
    from services.commands.checking import checked
    from services.probes.policies import Policy

    if (policy is not None) + bool(draft) + (revision is not None) != 1:
        shell.fail(say("target-one", language=lang), 2)
    if policy is not None:
        found = checked(shell.err, policy, language=lang)
        if found is None:
            raise typer.Exit(2)
        return Policy(found[0], name=str(policy))
    if draft:
        return Policy(_of_draft(shell, draft, lang=lang), name=say("draft", language=lang, draft=draft))
    number = revision or 0
    return Policy(_published(shell, number, lang=lang), name=say("revision", language=lang, number=number))


def _of_draft(shell: Shell, draft: str, *, lang: str) -> "Revision":
    from gateway.core.revision.decode import PolicyInvalid
    from services.control.drafts.checking import loaded
    from services.control.drafts.store import DraftProblem, DraftStore

    settings = shell.settings()

    async def work() -> str:
        async with shell.store(settings) as redis:
            return (await DraftStore(redis).read(draft.removeprefix("policy-drafts/")))[1]

    try:
        return loaded(asyncio.run(work()))[0]
    except DraftProblem as problem:
        shell.fail(problem.said(lang), 2)
    except PolicyInvalid as invalid:
        shell.fail(say("draft-bad", language=lang, draft=draft, count=len(invalid.mistakes)), 2)


def _published(shell: Shell, number: int, *, lang: str) -> "Revision":
    from gateway.activation.loading import canonical, load_stored
    from gateway.core.revision.decode import PolicyInvalid
    from services.revisions.revising import Revising, RevisionProblem

    settings = shell.settings()

    async def work() -> bytes:
        async with shell.store(settings) as redis:
            return canonical(await Revising(redis).document(number))

    try:
        return load_stored(asyncio.run(work()), number=number)
    except RevisionProblem as problem:
        shell.fail(problem.said(lang), 2)
    except PolicyInvalid:
        shell.fail(RevisionProblem("revision-unreadable", number=number).said(lang), 2)


def _progress(shell: Shell, target: "Target", *, lang: str) -> "Progress":
    """Says on a terminal how far it is; to other programs nothing."""

    def tell(done: int, of: int) -> None:
        if shell.err.is_terminal:
            shell.err.print(say("running", language=lang, target=target.name, done=done, all=of), markup=False)

    return tell


def _tell(shell: Shell, report: "Report", *, lang: str) -> None:
    from services.probes.showing import as_yaml, why

    for result in report.results:
        told = say(
            result.state,
            language=lang,
            probe=result.probe,
            kind=result.kind,
            cases=result.cases,
            why=why(result, language=lang),
        )
        shell.out.print(told, markup=False, soft_wrap=True)
        if result.example is not None:
            shell.out.print(say("smallest", language=lang), markup=False, soft_wrap=True)
            for line in as_yaml(result.example).splitlines():
                shell.out.print(f"          {line}", markup=False, soft_wrap=True)
    failed = sum(result.state != "passed" for result in report.results)
    told = say(
        "not-good" if failed else "good",
        language=lang,
        suite=report.suite,
        probes=len(report.results),
        failed=failed,
        target=report.target,
        cases=report.cases,
        seed=report.seed,
    )
    shell.out.print(told, markup=False, soft_wrap=True)
