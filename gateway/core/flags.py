"""Experiments as feature flags: the same assignment, for programs that act on it themselves instead of through a call.

A flag evaluates to the value of the variation that the subject is in. Who is in none gets the first variation's value,
which is what the others are compared with. Pure.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.core.assignment import BASIS_POINTS, Ranges, bucket_ranges, point, variation
from gateway.core.conditions import SingleExpression
from gateway.core.policy.document import Document
from gateway.core.policy.learning import Experiment
from gateway.core.revision.serving import layer_of, seed_of
from gateway.core.rule_mistakes import RuleMistake
from gateway.core.rules import RuleEngine


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """What a flag came to. `variant` is empty where the subject is in no variation."""

    key: str
    variant: str
    value: Any
    reason: str
    """In OpenFeature's words: "SPLIT", "DEFAULT" for who is in no variation, "DISABLED" for a stopped experiment."""


class CallNeeded(Exception):
    """The experiment's condition asks for a call or its request, so that it cannot be told without one."""


class FlagRule(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment, ready to be evaluated as a flag."""

    key: str
    running: bool
    by_session: bool
    layer: str
    first: int
    last: int
    seed: str
    ranges: Ranges
    variations: tuple[str, ...]
    values: tuple[Any, ...]
    when: SingleExpression | None
    """Its condition; `None` for none."""
    needs_call: bool
    """Whether its condition asks for more than agent, facts and time."""

    def evaluate(self, unit: str, values: Mapping[str, object], *, now_ms: int) -> Flag:
        """What it comes to for a unit, the pseudonym of a person or a session. `values` are `agent` and `facts`.

        Raises:
            CallNeeded: it can be told of calls only.
        """
        if not self.running:
            return self._default("DISABLED")
        if self.needs_call:
            raise CallNeeded
        whole = (self.first, self.last) == (0, BASIS_POINTS)
        if not whole and not self.first <= point(self.layer, unit) < self.last:
            return self._default("DEFAULT")
        index = variation(self.ranges, point(self.seed, unit))
        if index < 0 or (self.when is not None and self.when.value(values, now_ms=now_ms) is not True):
            return self._default("DEFAULT")
        return Flag(key=self.key, variant=self.variations[index], value=self.values[index], reason="SPLIT")

    def _default(self, reason: str) -> Flag:
        return Flag(key=self.key, variant="", value=self.values[0], reason=reason)


def flags_of(document: Document, engine: RuleEngine) -> Mapping[str, FlagRule]:
    """Every experiment of a policy as a flag, by its name."""
    return {experiment.name: _flag(experiment, engine) for experiment in document.experiments}


def _flag(experiment: Experiment, engine: RuleEngine) -> FlagRule:
    when, needs_call = None, False
    if experiment.when is not None:
        try:
            when = engine.standing(experiment.when)
        except RuleMistake:  # for calls it compiles, or the policy would not be a revision
            needs_call = True
    return FlagRule(
        key=experiment.name,
        running=experiment.state == "running",
        by_session=experiment.unit == "session",
        layer=layer_of(experiment),
        first=experiment.first,
        last=experiment.last,
        seed=seed_of(experiment),
        ranges=bucket_ranges([arm.weight for arm in experiment.arms], coverage=experiment.coverage),
        variations=tuple(arm.name for arm in experiment.arms),
        values=tuple(arm.name if arm.value is None else arm.value for arm in experiment.arms),
        when=when,
        needs_call=needs_call,
    )
