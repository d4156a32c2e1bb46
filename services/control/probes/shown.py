"""Suites and what they came to, as people and programs see them. Pure."""

import datetime as dt
from typing import Any

import msgspec

from gateway.core.texts import LANGUAGES
from services.control.preconditions import quoted
from services.control.times import at
from services.probes.gate import Stands
from services.probes.running import Result
from services.probes.showing import as_yaml, why
from services.probes.store import KeptSuite, Run


class StandShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a suite stands to one thing that it is for."""

    target: str
    """`revisions/{revision}`, the active one, or a version of a model in it, such as `lead-score/2`."""
    required: bool
    """Whether it must pass before that becomes active."""
    state: str
    """PASSED, FAILED, or NEVER: it was not run as it now stands."""
    run_time: dt.datetime | None
    failed: tuple[str, ...]
    """The probes that do not hold."""


class SuiteShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A suite of probes."""

    name: str
    """`probes/{tenant}/{suite}`."""
    tenant: str
    suite: str
    """How it calls itself; a policy names it as `{tenant}/{suite}`."""
    probes: int | None
    """How many it has; `null` of one that an earlier version of Pilote has kept."""
    sha256: str
    update_time: dt.datetime
    updated_by: str
    made_of: str
    """What it was made of first: `findings/{tenant}/{finding}` or `reviews/{tenant}/{review}`; empty: nothing."""
    stands: tuple[StandShown, ...]
    """How it stands to the active policy and the versions in it that name it; empty where none is active."""
    etag: str
    text: str | None = None
    """YAML, of a suite that is looked at."""


class ResultShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of one probe."""

    probe: str
    kind: str
    state: str
    """PASSED, FAILED, or BROKEN: it does not fit what is probed, which is no pass."""
    cases: int
    why: str
    """In the reader's language; empty where it holds."""
    example: str
    """The smallest failing case found, as YAML to be put under `probes:`; empty where there is none."""


class RunShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One run of a suite."""

    name: str
    """`probes/{tenant}/{suite}/runs/{run}`."""
    target: str
    """What was probed: `policy-drafts/{draft}`, `revisions/{revision}`, a version such as `lead-score/2`, or what the
    command line was given."""
    digest: str
    """Of exactly what was probed."""
    suite_sha256: str
    """Of the suite's text as it was run."""
    run_time: dt.datetime
    by: str
    passed: bool
    cases: int
    seed: int
    results: tuple[ResultShown, ...]


def suite_shown(suite: KeptSuite, stands: tuple[StandShown, ...], *, text: bool = False) -> SuiteShown:
    """It, with its text where that is to be shown."""
    return SuiteShown(
        name=f"probes/{suite.name}",
        tenant=suite.tenant,
        suite=suite.suite,
        probes=suite.probes,
        sha256=suite.sha256,
        update_time=at(suite.updated_ms),
        updated_by=suite.updated_by,
        made_of=suite.made_of,
        stands=stands,
        etag=quoted(suite.etag),
        text=suite.text if text else None,
    )


def stand_shown(stands: Stands, *, target: str, required: bool) -> StandShown:
    """How it stands."""
    outcome = stands.outcome
    return StandShown(
        target=target,
        required=required,
        state=stands.why.upper(),
        run_time=None if outcome is None else at(outcome.ran_ms),
        failed=() if outcome is None else outcome.failed,
    )


def run_shown(suite: str, run: Run, *, language: str) -> RunShown:
    """A run in a language; `suite` as "acme/contacts"."""
    report = run.report
    return RunShown(
        name=f"probes/{suite}/runs/{run.id}",
        target=report.target,
        digest=report.digest,
        suite_sha256=report.suite_sha256,
        run_time=at(run.ran_ms),
        by=run.by,
        passed=report.passed,
        cases=report.cases,
        seed=report.seed,
        results=tuple(_result(each, language=language) for each in report.results),
    )


def run_told(suite: str, run: Run) -> dict[str, Any]:
    """What a job gives: the run, and why in both languages."""
    told, french = (msgspec.to_builtins(run_shown(suite, run, language=each)) for each in LANGUAGES)
    for result, other in zip(told["results"], french["results"], strict=True):
        result["why"] = {"en": result["why"], "fr": other["why"]}
    return told  # type: ignore[no-any-return]


def _result(result: Result, *, language: str) -> ResultShown:
    return ResultShown(
        probe=result.probe,
        kind=result.kind,
        state=result.state.upper(),
        cases=result.cases,
        why=why(result, language=language),
        example="" if result.example is None else as_yaml(result.example),
    )
