"""What a policy asks of itself before it becomes active: which suites must have passed, for what exactly."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from gateway.core.authority import lasting_in
from gateway.core.policy.document import Document
from gateway.core.revision.serving import version_of
from services.probes.digests import digest_of
from services.probes.store import Outcome, SuiteStore


class Asked(msgspec.Struct, frozen=True):
    """A suite that must have passed."""

    suite: str
    """As "acme/contacts"."""
    version: str
    """The version of a model that must have passed it, "lead-score/2"; empty: the policy itself."""
    digest: str


class Stands(msgspec.Struct, frozen=True):
    """How a suite that must have passed stands."""

    asked: Asked
    why: Literal["passed", "unknown", "never", "failed"]
    """"unknown": there is no such suite; "never": it was not run as it now stands; "failed": it did not hold."""
    outcome: Outcome | None = None


class Lacking(msgspec.Struct, frozen=True):
    """A suite that has not passed."""

    asked: Asked
    why: Literal["unknown", "never", "failed"]
    """As `Stands` says it."""


def asked_of(document: Document, content: bytes, *, active: Document | None) -> Iterator[Asked]:
    """What must have passed before the document, whose canonical JSON is `content`, takes the active one's place.

    For the policy: what it names itself, and what the active one does, so that no change takes its own gate away. For a
    version: what it names, as soon as an arm leads to it, unless the very same version has arms in the active one.
    """
    named = dict.fromkeys((*(() if active is None else active.approvals.probes), *document.approvals.probes))
    digest = lasting_in(content)
    yield from (Asked(suite, "", digest) for suite in named)
    served = set() if active is None else {each.digest for each in _versions(active, named=False)}
    yield from (each for each in _versions(document, named=True) if each.digest not in served)


async def lacking(
    store: SuiteStore, document: Document, content: bytes, *, active: Document | None
) -> tuple[Lacking, ...]:
    """Which of that has not passed; none: the document may become active.

    Raises:
        RedisError: the store does not answer.
    """
    found = await standing(store, asked_of(document, content, active=active))
    return tuple(Lacking(each.asked, each.why) for each in found if each.why != "passed")


async def standing(store: SuiteStore, asked: Iterable[Asked]) -> tuple[Stands, ...]:
    """How each of these stands.

    Raises:
        RedisError: the store does not answer.
    """
    wanted = tuple(asked)
    suites = await store.of(dict.fromkeys(each.suite for each in wanted))
    found = []
    for each in wanted:
        suite = suites.get(each.suite)
        if suite is None:
            found.append(Stands(each, "unknown"))
            continue
        outcome = await store.outcome(suite.name, suite.sha256, each.digest)
        if outcome is None:
            found.append(Stands(each, "never"))
            continue
        found.append(Stands(each, "passed" if outcome.passed else "failed", outcome))
    return tuple(found)


def versions_of(document: Document) -> Iterator[Asked]:
    """All versions that name suites, once for each, whether arms lead to them yet or not."""
    for model in document.models:
        for version in model.versions:
            digest = digest_of(document, model.name, version)
            for suite in version.probes:
                yield Asked(suite, f"{model.name}/{version.version}", digest)


def _versions(document: Document, *, named: bool) -> Iterator[Asked]:
    """Versions that arms lead to, once for each suite that they name; not `named`: once each, without a suite."""
    for model in document.models:
        led = {
            version_of(arm, model)
            for route in document.routes
            if model.name in route.models
            for arm in route.arms
            if arm.version is not None
        }
        for version in model.versions:
            if version.version not in led:
                continue
            digest = digest_of(document, model.name, version)
            for suite in version.probes if named else ("",):
                yield Asked(suite, f"{model.name}/{version.version}", digest)
