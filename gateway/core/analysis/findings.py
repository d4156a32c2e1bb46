"""Rules that can do nothing: their conditions never hold, or other rules always decide before them.

This is for people who are about to publish a policy. It runs where a policy is checked or applied, never in a worker.
A finding is certain; that there is none proves nothing.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from gateway.core.analysis.conditions import Parsed, outcomes_of
from gateway.core.analysis.formula import EITHER, FAILS, HOLDS, Outcomes, comes_to, conj
from gateway.core.analysis.known import Knowledge
from gateway.core.analysis.solve import satisfiable
from gateway.core.policy.ruling import Rule
from gateway.core.revision.compiled import MethodPolicy, Revision
from gateway.core.revision.decode import Path, whereabouts
from gateway.core.texts import LANGUAGES, fill

MOST_PAIRS: Final = 100_000
"""Pairs of rules that are compared with each other; about 50 us each."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that does nothing, and why. `line` counts from 1; 0 where there is no file."""

    kind: Literal["never", "never-but-fails", "shadowed", "redundant"]
    rule: str
    others: tuple[str, ...] = ()
    """The rules that always decide before it, or come to the same."""
    effect: str = ""
    """What the rule would do; of one that never holds but may fail, what it does then."""
    path: str = ""
    """Where the rule stands, such as "rules[3]"."""
    line: int = 0
    file: str = ""
    """The file it stands in, where that is a pack's and not the policy's own."""


class Analysis(msgspec.Struct, frozen=True):
    """What was found, in the order of the document."""

    findings: tuple[Finding, ...]
    complete: bool
    """Whether all rules were compared with each other; else there were too many."""


def analyse(revision: Revision, lines: Mapping[Path, int] | None = None, *, most_pairs: int = MOST_PAIRS) -> Analysis:
    """Every rule of the revision that can be shown to do nothing. `lines` are the line numbers of its file."""
    analyst = _Analyst(revision, most_pairs)
    found = []
    for index, rule in enumerate(revision.document.rules):
        finding = analyst.look(rule)
        if finding is not None:
            file, line, path = whereabouts(("rules", index), {} if lines is None else lines)
            found.append(msgspec.structs.replace(finding, path=path, line=line, file=file))
    return Analysis(tuple(found), analyst.pairs_left > 0)


_TEXTS: Final = {
    "never": (
        ("the rule {rule} can never match", "mend its condition, or remove the rule"),
        ("la règle {rule} ne peut jamais s’appliquer", "corrigez sa condition, ou supprimez la règle"),
    ),
    "never-but-fails": (
        (
            "the condition of the rule {rule} can never hold; where it fails, the rule counts as {effect} all the same",
            "mend its condition, or say by a rule of its own what is to happen where it fails",
        ),
        (
            "la condition de la règle {rule} ne peut jamais être remplie ; quand elle échoue, la règle vaut {effect}",
            "corrigez sa condition, ou dites par une règle à part ce qui doit se passer quand elle échoue",
        ),
    ),
    "shadowed": (
        (
            "the rule {rule} never has an effect: whatever it allows, {others} denies",
            "narrow {others}, or remove the rule {rule}",
        ),
        (
            "la règle {rule} n’a jamais d’effet : tout ce qu’elle autorise, {others} le refuse",
            "restreignez {others}, ou supprimez la règle {rule}",
        ),
    ),
    "redundant": (
        (
            "the rule {rule} changes nothing: {others} comes to the same ({effect}) wherever it applies",
            "remove the rule {rule}, or make it differ",
        ),
        (
            "la règle {rule} ne change rien : {others} a le même effet ({effect}) partout où elle s’applique",
            "supprimez la règle {rule}, ou distinguez-la",
        ),
    ),
}


def text(finding: Finding, *, language: str) -> tuple[str, str]:
    """The finding in words, and what to do about it."""
    values = {"rule": finding.rule, "others": ", ".join(finding.others), "effect": finding.effect}
    problem, fix = _TEXTS[finding.kind][LANGUAGES.index(language)]
    return fill(problem, values), fill(fix, values)


_Covers = Callable[[Rule, Rule, MethodPolicy], bool]


class _Analyst:
    def __init__(self, revision: Revision, most_pairs: int) -> None:
        self._parsed = Parsed(revision.engine)
        self._knowledge = Knowledge(revision.document)
        self._order = {rule.name: index for index, rule in enumerate(revision.document.rules)}
        self._policies: dict[str, list[MethodPolicy]] = {rule.name: [] for rule in revision.document.rules}
        for policy in revision.methods.values():
            for rule in policy.rules:
                self._policies[rule.name].append(policy)
        self._answers: dict[object, bool] = {}
        self._never: dict[str, bool] = {}
        self.pairs_left = most_pairs

    def look(self, rule: Rule) -> Finding | None:
        """What is to be said of one rule: at most one thing, without its place."""
        if self._never_holds(rule):
            counts = rule.mode == "enforce" and rule.on_failure != "allow"
            fails = counts and any(self._may(rule, FAILS, policy) for policy in self._policies[rule.name])
            return Finding(kind="never-but-fails" if fails else "never", rule=rule.name, effect=rule.on_failure)
        if rule.mode == "monitor":
            return None
        if rule.effect == "allow" and (denying := self._everywhere(rule, self._shadows)):
            return Finding(kind="shadowed", rule=rule.name, others=denying, effect=rule.effect)
        if same := self._everywhere(rule, self._replaces):
            return Finding(kind="redundant", rule=rule.name, others=same, effect=rule.effect)
        return None

    def _never_holds(self, rule: Rule) -> bool:
        known = self._never.get(rule.name)
        if known is None:
            known = not any(self._may(rule, HOLDS, policy) for policy in self._policies[rule.name])
            self._never[rule.name] = known
        return known

    def _everywhere(self, rule: Rule, covers: _Covers) -> tuple[str, ...]:
        """The rules that cover it, if on each of its methods there is one; those that cover most come first."""
        found: dict[str, None] = {}
        for policy in self._policies[rule.name]:
            others = [*(other for other in policy.rules if other.name in found), *policy.rules]
            covering = next((other for other in others if self._compared(other, rule, policy, covers=covers)), None)
            if covering is None:
                return ()
            found[covering.name] = None
        return tuple(found)

    def _compared(self, other: Rule, rule: Rule, policy: MethodPolicy, *, covers: _Covers) -> bool:
        if other is rule or other.mode != "enforce" or self.pairs_left <= 0 or self._never_holds(other):
            return False
        return covers(other, rule, policy)

    def _shadows(self, other: Rule, rule: Rule, policy: MethodPolicy) -> bool:
        """Whether the other denies whatever the rule allows."""
        return other.effect == "deny" and self._implied(rule, HOLDS, other, outcomes_of(other, "deny"), policy=policy)

    def _replaces(self, other: Rule, rule: Rule, policy: MethodPolicy) -> bool:
        """Whether the other does everything that the rule does, and so the call ends the same without the rule.

        Of rules that come to the same, the first stays. A later one that denies more never makes an earlier one
        redundant: the first that denies gives the refusal its words.
        """
        if other.effect != rule.effect or not _says_as_much(other, rule):
            return False
        later = self._order[other.name] > self._order[rule.name]
        if later and rule.effect == "deny":
            return False
        return self._does_all(other, rule, policy) and not (later and self._does_all(rule, other, policy))

    def _does_all(self, other: Rule, rule: Rule, policy: MethodPolicy) -> bool:
        return all(
            self._implied(rule, outcomes_of(rule, effect), other, outcomes_of(other, effect), policy=policy)
            for effect in dict.fromkeys((rule.effect, "deny"))
        )

    def _implied(self, rule: Rule, outcomes: Outcomes, other: Rule, wanted: Outcomes, *, policy: MethodPolicy) -> bool:
        """Whether the other has one of the wanted outcomes wherever the rule has one of its own."""
        if not outcomes:
            return True
        left, paths = self._parsed.of(rule, policy)
        right, more = self._parsed.of(other, policy)
        known = self._knowledge.of(policy, paths | more)
        key = (left, outcomes, right, wanted, id(known))
        if key not in self._answers:
            self.pairs_left -= 1
            formula = conj(comes_to(left, outcomes), comes_to(right, EITHER - wanted))
            self._answers[key] = not satisfiable(formula, known)
        return self._answers[key]

    def _may(self, rule: Rule, outcomes: Outcomes, policy: MethodPolicy) -> bool:
        node, paths = self._parsed.of(rule, policy)
        known = self._knowledge.of(policy, paths)
        key = (node, outcomes, id(known))
        if key not in self._answers:
            self._answers[key] = satisfiable(comes_to(node, outcomes), known)
        return self._answers[key]


def _says_as_much(other: Rule, rule: Rule) -> bool:
    """Whether a redaction takes out all that the rule's does; of other effects nothing is to be compared."""
    if rule.effect != "redact":
        return True
    same = (other.of, other.text_instead, other.sensitivity) == (rule.of, rule.text_instead, rule.sensitivity)
    return same and set(rule.fields) <= set(other.fields)
