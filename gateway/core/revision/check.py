"""Cross-checks: does everything that a policy names exist, once, and add up?"""

import functools
from collections.abc import Callable, Sequence
from typing import Final

from gateway.core import texts
from gateway.core.contract import MethodContract, method_matches
from gateway.core.mistakes import near, told
from gateway.core.policy.contacts import QuietHours
from gateway.core.policy.document import Document
from gateway.core.policy.ruling import Rule
from gateway.core.policy.serving import Route
from gateway.core.policy.vocabulary import Message
from gateway.core.revision.check_cells import check_cells
from gateway.core.revision.check_copies import check_copies
from gateway.core.revision.check_counted import check_counted
from gateway.core.revision.check_forwarding import check_forwarding
from gateway.core.revision.check_learning import check_learning
from gateway.core.revision.check_models import check_models
from gateway.core.revision.check_objectives import check_objectives
from gateway.core.revision.check_people import check_people
from gateway.core.revision.check_ratelimit import check_ratelimit
from gateway.core.revision.check_records import check_records
from gateway.core.revision.check_reporting import check_reporting
from gateway.core.revision.check_rest import check_rest
from gateway.core.revision.check_serving import check_serving
from gateway.core.revision.check_sources import check_sources
from gateway.core.revision.check_upstreams import check_asked_over_http
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.naming import known
from gateway.core.revision.serving import takes_route
from gateway.core.zones import zone_exists

_NAMED: Final = (
    *("tenants", "agents", "issuers", "sources", "upstreams", "prompts", "models", "contracts", "rest", "ratelimit"),
    *(
        "routes",
        "experiments",
        "holdouts",
        "rollouts",
        "objectives",
        "people",
        "rules",
        "limits",
        "caps",
        "sequences",
        "quiet_hours",
        "consents",
        "retention",
    ),
)
"""Sections whose parts have names, each of them once."""


def check(document: Document, mistakes: Mistakes, *, contracts: Sequence[MethodContract]) -> None:
    """Report every mistake that needs more than one place of the document, or the contracts, to be seen."""
    for section in _NAMED:
        _unique(section, [part.name for part in getattr(document, section)], mistakes)
    check_counted(document, mistakes)
    check_cells(document, mistakes)
    _agents(document, mistakes)
    _issuers(document, mistakes)
    check_sources(document, mistakes)
    check_models(document, mistakes)
    check_serving(document, mistakes)
    check_copies(document, contracts, mistakes)
    check_forwarding(document, contracts, mistakes)
    check_rest(document, contracts, mistakes)
    check_ratelimit(document, contracts, mistakes)
    check_learning(document, mistakes)
    check_objectives(document, mistakes)
    check_people(document, mistakes)
    check_records(document, contracts, mistakes)
    check_reporting(document, mistakes)
    for index, hours in enumerate(document.quiet_hours):
        _quiet_hours(hours, ("quiet_hours", index), mistakes)
        _message(hours.message, ("quiet_hours", index, "message"), mistakes)
    for index, sequence in enumerate(document.sequences):
        path: Path = ("sequences", index, "message")
        _message(sequence.message, path, mistakes, more=texts.SEQUENCE_PLACEHOLDERS)
    _consents(document, mistakes)
    for index, rule in enumerate(document.rules):
        _hold(rule, ("rules", index), mistakes)
        more = texts.HOLD_PLACEHOLDERS if rule.effect == "hold" else ()
        _message(rule.message, ("rules", index, "message"), mistakes, more=more)
    if not mistakes.under("contracts"):
        _methods(document, contracts, mistakes)


def _unique(section: str, names: Sequence[str], mistakes: Mistakes) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            mistakes.add((section, index, "name"), "name-taken", name=name, section=section)
        seen.add(name)


def _agents(document: Document, mistakes: Mistakes) -> None:
    keys: set[str] = set()
    tokens: set[tuple[str, str]] = set()
    for index, agent in enumerate(document.agents):
        path: Path = ("agents", index)
        if not agent.keys and not agent.tokens:
            mistakes.add(path, "agent-unidentified", name=agent.name)
        for place, key in enumerate(agent.keys):
            if key.sha256 in keys:
                mistakes.add((*path, "keys", place), "agent-key-shared")
            keys.add(key.sha256)
        for place, token in enumerate(agent.tokens):
            known(token.issuer, document.issuers, (*path, "tokens", place, "issuer"), mistakes)
            if (token.issuer, token.subject) in tokens:
                mistakes.add((*path, "tokens", place), "agent-token-shared", subject=token.subject)
            tokens.add((token.issuer, token.subject))


def _issuers(document: Document, mistakes: Mistakes) -> None:
    claims = [issuer.issuer for issuer in document.issuers]
    for index, issuer in enumerate(document.issuers):
        if issuer.issuer in claims[:index]:
            mistakes.add(("issuers", index, "issuer"), "issuer-twice", issuer=issuer.issuer)
        if not issuer.jwks.get("keys"):
            mistakes.add(("issuers", index), "issuer-without-keys", name=issuer.name)


def _methods(document: Document, contracts: Sequence[MethodContract], mistakes: Mistakes) -> None:
    """Every pattern must cover a described method, and what asks a model must be routed by models."""
    methods = [contract.method for contract in contracts]
    covers = functools.cache(lambda pattern: any(method_matches(pattern, method) for method in methods))
    patterns: dict[str, list[tuple[str, ...]]] = {
        "routes": [route.methods for route in document.routes],
        "rules": [rule.methods for rule in document.rules],
        "limits": [limit.methods for limit in document.limits],
        "experiments": [experiment.methods for experiment in document.experiments],
    }
    for index, sequence in enumerate(document.sequences):
        for name, step in (("first", sequence.first), ("then", sequence.then)):
            _patterns(step.methods, methods, ("sequences", index, name, "methods"), mistakes, covers=covers)
    for section, parts in patterns.items():
        for index, part in enumerate(parts):
            _patterns(part, methods, (section, index, "methods"), mistakes, covers=covers)
    for index, route in enumerate(document.routes):
        _asks(route, contracts, ("routes", index), mistakes)
    check_asked_over_http(document, contracts, mistakes)


def _asks(route: Route, contracts: Sequence[MethodContract], path: Path, mistakes: Mistakes) -> None:
    """Each pattern must cover methods that ask a model on a route of models, and others on any other."""
    for pattern in route.methods:
        covered = [each for each in contracts if not each.unrouted and method_matches(pattern, each.method)]
        if covered and not any(takes_route(route, contract) for contract in covered):
            mistakes.add((*path, "models"), "route-mixes", name=route.name)
            break
    for contract in contracts:
        if route.models and contract.pin is None and takes_route(route, contract):
            mistakes.add(path, "route-cannot-pin", method=contract.method)


def _patterns(
    patterns: Sequence[str], methods: Sequence[str], path: Path, mistakes: Mistakes, *, covers: Callable[[str], bool]
) -> None:
    for place, pattern in enumerate(patterns):
        if not covers(pattern):
            hint = near(pattern, methods, told("describe-method"), cutoff=0.5)
            mistakes.add((*path, place), "pattern-covers-nothing", pattern=pattern, hint=hint)


def _consents(document: Document, mistakes: Mistakes) -> None:
    for index, requirement in enumerate(document.consents):
        if not requirement.bases:
            mistakes.add(("consents", index, "bases"), "consent-without-basis", name=requirement.name)
        path: Path = ("consents", index, "message")
        _message(requirement.message, path, mistakes, more=texts.CONSENT_PLACEHOLDERS)


def _quiet_hours(hours: QuietHours, path: Path, mistakes: Mistakes) -> None:
    if hours.zone != "subject" and not zone_exists(hours.zone):
        mistakes.add((*path, "zone"), "zone-unknown-or-subject", zone=hours.zone)
    if hours.fallback_zone and not zone_exists(hours.fallback_zone):
        mistakes.add((*path, "fallback_zone"), "zone-unknown", zone=hours.fallback_zone)
    if not hours.open:
        mistakes.add((*path, "open"), "hours-never-open", name=hours.name)
    for place, part in enumerate(hours.open):
        if part.start >= part.end:
            mistakes.add((*path, "open", place), "hours-reversed", start=part.start, end=part.end)
    if hours.max_defer is not None and hours.on_hit != "defer":
        mistakes.add((*path, "max_defer"), "hours-keep-nothing", name=hours.name)


def _hold(rule: Rule, path: Path, mistakes: Mistakes) -> None:
    """A hold is no refusal: what it says of a refusal would never be read."""
    if rule.effect != "hold":
        return
    if rule.reason != "POLICY_DENIED":
        mistakes.add((*path, "reason"), "hold-reason", name=rule.name)
    if rule.retry_after is not None:
        mistakes.add((*path, "retry_after"), "hold-retry", name=rule.name)


def _message(message: Message | None, path: Path, mistakes: Mistakes, *, more: tuple[str, ...] = ()) -> None:
    """What a message fills in must be known when it is said; a misspelt one would reach the caller as it is."""
    if message is None:
        return
    known = texts.RULE_PLACEHOLDERS + more
    for language in texts.LANGUAGES:
        for name in texts.placeholders(getattr(message, language)):
            if name not in known:
                choices = tuple(f"{{{each}}}" for each in known)
                hint = near(f"{{{name}}}", choices, told("choose-placeholder", choices=choices), cutoff=0.7)
                mistakes.add((*path, language), "placeholder-unknown", name=name, hint=hint)
