"""Cross-checks: does everything that a policy names exist, once, and add up?"""

import difflib
import functools
from collections.abc import Callable, Sequence
from typing import Final

from gateway.core import texts
from gateway.core.contract import MethodContract, method_matches
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
from gateway.core.revision.check_people import check_people
from gateway.core.revision.check_records import check_records
from gateway.core.revision.check_serving import check_serving
from gateway.core.revision.check_upstreams import check_asked_over_http
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.naming import known
from gateway.core.revision.serving import takes_route
from gateway.core.zones import zone_exists

_NAMED: Final = (
    *("tenants", "agents", "issuers", "upstreams", "prompts", "models", "contracts"),
    *(
        "routes",
        "experiments",
        "holdouts",
        "rollouts",
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
    check_models(document, mistakes)
    check_serving(document, mistakes)
    check_copies(document, contracts, mistakes)
    check_forwarding(document, contracts, mistakes)
    check_learning(document, mistakes)
    check_people(document, mistakes)
    check_records(document, contracts, mistakes)
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
            fix = f"choose another name, or merge the two {section}"
            mistakes.add((section, index, "name"), f"the name {name!r} is taken", fix=fix)
        seen.add(name)


def _agents(document: Document, mistakes: Mistakes) -> None:
    keys: set[str] = set()
    tokens: set[tuple[str, str]] = set()
    for index, agent in enumerate(document.agents):
        path: Path = ("agents", index)
        if not agent.keys and not agent.tokens:
            fix = "add `keys` (see `pilote keys new`) or `tokens`"
            mistakes.add(path, f"the agent {agent.name!r} cannot identify itself", fix=fix)
        for place, key in enumerate(agent.keys):
            if key.sha256 in keys:
                mistakes.add((*path, "keys", place), "this key belongs to two agents", fix="make a key for each agent")
            keys.add(key.sha256)
        for place, token in enumerate(agent.tokens):
            known(token.issuer, document.issuers, (*path, "tokens", place, "issuer"), mistakes)
            if (token.issuer, token.subject) in tokens:
                problem = f"the token subject {token.subject!r} belongs to two agents"
                mistakes.add((*path, "tokens", place), problem, fix="name each subject once")
            tokens.add((token.issuer, token.subject))


def _issuers(document: Document, mistakes: Mistakes) -> None:
    claims = [issuer.issuer for issuer in document.issuers]
    for index, issuer in enumerate(document.issuers):
        if issuer.issuer in claims[:index]:
            problem = f"the issuer {issuer.issuer!r} is listed twice"
            mistakes.add(("issuers", index, "issuer"), problem, fix="put all its keys into one entry")
        if not issuer.jwks.get("keys"):
            fix = "add `jwks` with the issuer's public keys, or `jwks_file`"
            mistakes.add(("issuers", index), f"the issuer {issuer.name!r} has no keys", fix=fix)


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
        covered = [contract for contract in contracts if method_matches(pattern, contract.method)]
        if covered and not any(takes_route(route, contract) for contract in covered):
            fix = "give methods that ask a model (INFER) a route of their own, with `models`"
            problem = f"the route {route.name!r} mixes up methods that ask a model and methods that do not"
            mistakes.add((*path, "models"), problem, fix=fix)
            break
    for contract in contracts:
        if route.models and contract.pin is None and takes_route(route, contract):
            problem = f"{contract.method} has no field for the version, so none could be pinned towards the upstream"
            mistakes.add(path, problem, fix="name that field in `model_version` of the method's binding")


def _patterns(
    patterns: Sequence[str], methods: Sequence[str], path: Path, mistakes: Mistakes, *, covers: Callable[[str], bool]
) -> None:
    for place, pattern in enumerate(patterns):
        if not covers(pattern):
            near = difflib.get_close_matches(pattern, methods, n=1, cutoff=0.5)
            fix = f"did you mean {near[0]!r}?" if near else "describe the method in `contracts`"
            mistakes.add((*path, place), f"{pattern!r} covers no described method", fix=fix)


def _consents(document: Document, mistakes: Mistakes) -> None:
    for index, requirement in enumerate(document.consents):
        if not requirement.bases:
            fix = "list the legal bases that suffice, or leave it out for [consent]"
            problem = f"the consent {requirement.name!r} accepts no basis, so nothing could ever be sent"
            mistakes.add(("consents", index, "bases"), problem, fix=fix)
        path: Path = ("consents", index, "message")
        _message(requirement.message, path, mistakes, more=texts.CONSENT_PLACEHOLDERS)


def _quiet_hours(hours: QuietHours, path: Path, mistakes: Mistakes) -> None:
    fix = 'write an IANA name, such as "Europe/Paris"'
    if hours.zone != "subject" and not zone_exists(hours.zone):
        mistakes.add((*path, "zone"), f"there is no time zone {hours.zone!r}", fix=f'{fix}, or "subject"')
    if hours.fallback_zone and not zone_exists(hours.fallback_zone):
        mistakes.add((*path, "fallback_zone"), f"there is no time zone {hours.fallback_zone!r}", fix=fix)
    if not hours.open:
        fix = "list at least one part of a day, or deny by a rule"
        mistakes.add((*path, "open"), f"the quiet hours {hours.name!r} never open", fix=fix)
    for place, part in enumerate(hours.open):
        if part.start >= part.end:
            fix = "end it later than it begins; what crosses midnight is two parts"
            mistakes.add((*path, "open", place), f"{part.start} is not before {part.end}", fix=fix)
    if hours.max_defer is not None and hours.on_hit != "defer":
        problem = f"the quiet hours {hours.name!r} keep no call, so none is kept too long"
        mistakes.add((*path, "max_defer"), problem, fix="write `on_hit: defer`, or remove `max_defer`")


def _hold(rule: Rule, path: Path, mistakes: Mistakes) -> None:
    """A hold is no refusal: what it says of a refusal would never be read."""
    if rule.effect != "hold":
        return
    if rule.reason != "POLICY_DENIED":
        problem = f"the rule {rule.name!r} holds calls, so it has no reason to refuse"
        mistakes.add((*path, "reason"), problem, fix="remove `reason`, or deny")
    if rule.retry_after is not None:
        problem = f"the rule {rule.name!r} holds calls until somebody decides, however long that takes"
        mistakes.add((*path, "retry_after"), problem, fix="remove `retry_after`, or deny")


def _message(message: Message | None, path: Path, mistakes: Mistakes, *, more: tuple[str, ...] = ()) -> None:
    """What a message fills in must be known when it is said; a misspelt one would reach the caller as it is."""
    if message is None:
        return
    known = texts.RULE_PLACEHOLDERS + more
    for language in texts.LANGUAGES:
        for name in texts.placeholders(getattr(message, language)):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                choices = ", ".join(f"{{{each}}}" for each in known)
                fix = f"did you mean '{{{near[0]}}}'?" if near else f"choose one of {choices}, or leave out the braces"
                mistakes.add((*path, language), f"nothing fills in '{{{name}}}'", fix=fix)
