"""Experiments as one method's calls meet them, layer by layer, and who is held out of contacts. Pure."""

from collections.abc import Sequence

import msgspec

from gateway.core.assignment import BASIS_POINTS, Ranges, point
from gateway.core.call import Call


class ExperimentRule(msgspec.Struct, frozen=True, kw_only=True):
    """A running experiment, for the calls of one method on one route."""

    name: str
    first: int = 0
    last: int = BASIS_POINTS
    """The slots of its layer that are its own, `last` not included."""
    seed: str
    ranges: Ranges
    variations: tuple[str, ...]
    arms: tuple[str, ...]
    """For each variation the arm that it gives; empty for the one that the call would take without the experiment."""
    chooses: bool
    """Whether it chooses arms of this route at all."""
    exposes: bool
    """Whether calls of this method expose their subjects."""
    when: int = -1
    """Index of its condition; -1 for none."""


class LayerRule(msgspec.Struct, frozen=True, kw_only=True):
    """The running experiments of one layer; nobody is in two of them."""

    seed: str
    """Empty where its one experiment has all the slots, so that nobody's place matters."""
    by_session: bool
    experiments: tuple[ExperimentRule, ...]

    def experiment_of(self, unit: str) -> ExperimentRule | None:
        """The experiment that has the slot of this unit."""
        if not self.seed:
            return self.experiments[0]
        at = point(self.seed, unit)
        for experiment in self.experiments:
            if experiment.first <= at < experiment.last:
                return experiment
        return None


class HoldoutRule(msgspec.Struct, frozen=True, kw_only=True):
    """Customers whom no agent contacts."""

    name: str
    seed: str
    share: int
    """Basis points of all customers."""
    categories: frozenset[str]
    """Empty: all but the exempt ones."""
    exempt: frozenset[str]
    channels: frozenset[str]
    """Empty: all."""

    def covers(self, call: Call) -> bool:
        """Whether such a contact is refused to those held out. One that says no category is."""
        if self.channels and call.channel not in self.channels:
            return False
        if not call.category:
            return True
        return call.category in self.categories if self.categories else call.category not in self.exempt


def about(rules: Sequence[HoldoutRule], call: Call) -> tuple[str, ...]:
    """Names of the holdouts that are about such a contact."""
    return tuple([rule.name for rule in rules if rule.covers(call)])


def covering(rules: Sequence[HoldoutRule], call: Call) -> str:
    """Name of the first holdout that is about such a contact; empty where none is."""
    return next((rule.name for rule in rules if rule.covers(call)), "")


def holding(rules: Sequence[HoldoutRule], call: Call, *, unit: str) -> str:
    """Name of the first holdout that keeps such a contact from this person; empty where none does."""
    return next((rule.name for rule in rules if rule.covers(call) and point(rule.seed, unit) < rule.share), "")
