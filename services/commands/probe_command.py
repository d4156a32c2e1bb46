"""The command `pilote probe`: a suite of probes against a policy, and what fails, small."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import language
from services.commands.shell import Shell
from services.probes.texts import say

if TYPE_CHECKING:
    from gateway.core.revision.compiled import Revision
    from gateway.core.revision.decode import PolicyInvalid
    from services.probes.asking import Target
    from services.probes.running import Progress, Report
    from services.probes.store import KeptSuite
    from services.probes.suite import Suite


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add the command."""

    @app.command()
    def probe(
        suite: Annotated[
            str, typer.Argument(help="A suite of probes as YAML, or the name of one that is kept: acme/contacts.")
        ],
        policy: Annotated[Path | None, typer.Option(help="A policy as YAML.", exists=True, dir_okay=False)] = None,
        draft: Annotated[str, typer.Option(help="Id of a draft, in place of a file.")] = "",
        revision: Annotated[int | None, typer.Option(min=1, help="Number of a revision, in place of a file.")] = None,
        version: Annotated[
            str, typer.Option(help="A version of a model, such as lead-score/2, in place of the policy's rules.")
        ] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
        junit: Annotated[Path | None, typer.Option(help="Also write it there as JUnit's XML.", dir_okay=False)] = None,
    ) -> None:
        """Say whether a policy, or a model's version, does what a suite of probes wants; and what fails, made small."""
        from services.probes.running import run
        from services.probes.showing import as_data, as_junit

        lang = language(shell.settings())
        read, kept = _suite(shell, suite, lang=lang)
        name, found = _policy(shell, policy=policy, draft=draft, revision=revision, active=bool(version), lang=lang)
        with _target(shell, name, found, version=version, lang=lang) as target:
            report = run(read, target, progress=_progress(shell, target, lang=lang))
        if kept:
            _note(shell, kept, report)
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


def _suite(shell: Shell, named: str, *, lang: str) -> "tuple[Suite, str]":
    """The suite in a file, or the one that is kept under that name; with its name where it is kept."""
    from gateway.core.revision.decode import PolicyInvalid
    from services.probes.reading import read, read_file

    file = Path(named)
    try:
        if named.count("/") == 1 and not file.is_file() and file.suffix not in (".yaml", ".yml"):
            return read(_kept(shell, named, lang=lang).text), named
        return read_file(file), ""
    except OSError:
        shell.fail(say("unreadable", language=lang, file=named), 2)
    except PolicyInvalid as invalid:
        tell_mistakes(shell, named, invalid, lang=lang)
        raise typer.Exit(2) from None


def tell_mistakes(shell: Shell, named: str, invalid: "PolicyInvalid", *, lang: str) -> None:
    """Say everything that is wrong with a suite."""
    from services.probes.reading import words

    shell.err.print(say("bad", language=lang, file=named, count=len(invalid.mistakes)), markup=False)
    for mistake in invalid.mistakes:
        problem, fix = words(mistake, language=lang)
        where = f"{named}:{mistake.line}" if mistake.line else named
        shell.err.print(f"  {where}: {mistake.path}: {problem}\n      {fix}", markup=False, soft_wrap=True)


def _kept(shell: Shell, name: str, *, lang: str) -> "KeptSuite":
    from services.probes.store import SuiteStore

    settings = shell.settings()

    async def work() -> "KeptSuite | None":
        async with shell.store(settings) as redis:
            return await SuiteStore(redis).get(name)

    found = asyncio.run(work())
    if found is None:
        shell.fail(say("suite-unknown", language=lang, suite=name), 2)
    return found


def _note(shell: Shell, name: str, report: "Report") -> None:
    """Keep what it came to, for whoever makes the policy active."""
    from gateway.clock import clock_ms
    from services.commands.noting import operator
    from services.probes.store import SuiteStore

    settings = shell.settings()

    async def work() -> None:
        async with shell.store(settings) as redis:
            await SuiteStore(redis).note(name, report, by=operator().name, now_ms=clock_ms())

    asyncio.run(work())


def _policy(
    shell: Shell, *, policy: Path | None, draft: str, revision: int | None, active: bool, lang: str
) -> "tuple[str, Revision]":
    """What the policy is called, and it; `active`: where none is named, it is the active one."""
    from services.commands.checking import checked
    from services.commands.plan_command import active as active_revision

    named = (policy is not None) + bool(draft) + (revision is not None)
    if named > 1 or (named == 0 and not active):
        shell.fail(say("target-one", language=lang), 2)
    if policy is not None:
        found = checked(shell.err, policy, language=lang)
        if found is None:
            raise typer.Exit(2)
        return str(policy), found[0]
    if draft:
        return say("draft", language=lang, draft=draft), _of_draft(shell, draft, lang=lang)
    if revision is not None:
        return say("revision", language=lang, number=revision), _published(shell, revision, lang=lang)
    running = active_revision(shell)
    if running is None:
        shell.fail(say("no-policy", language=lang), 2)
    return say("revision", language=lang, number=running.number), running


@contextlib.contextmanager
def _target(shell: Shell, name: str, policy: "Revision", *, version: str, lang: str) -> "Iterator[Target]":
    from services.probes.policies import Policy
    from services.probes.versions import Version, VersionUnknown

    if not version:
        yield Policy(policy, name=name)
        return
    model, _, number = version.removeprefix("models/").partition("/")
    try:
        asked = Version(policy, model, number)
    except VersionUnknown:
        shell.fail(say("version-unknown", language=lang, version=version), 2)
    with asked:
        yield asked


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
