"""Whether two reviewers judge alike: Cohen's kappa, weighted, with its interval, and adjusted for prevalence.

Kappa (Cohen 1960) is the agreement beyond what the reviewers' own shares of labels give by chance. Where nearly all
decisions get one label it is low however well they agree; so the share of agreement and the prevalence-adjusted kappa
(Byrt, Bishop, Carlin 1993) stand beside it, and no single number does.
"""

from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri

from services.insights.signals.alerts import LEVEL, Floats

MIN_ITEMS: Final = 30
"""Items that both have judged, before kappa has an interval: it is that of large samples."""


class Weights(StrEnum):
    """How much disagreement counts, for labels that have an order."""

    NONE = "NONE"
    """Any disagreement counts 1."""
    LINEAR = "LINEAR"
    """By how many labels they are apart."""
    QUADRATIC = "QUADRATIC"
    """By the square of it."""


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far two reviewers agree."""

    items: int
    share: float | None = None
    """Of items with the same label, 0 to 1; None without any."""
    share_low: float = 0.0
    """Interval of it, by Clopper and Pearson."""
    share_high: float = 1.0
    kappa: float | None = None
    """From -1 to 1; None where chance alone gives full agreement: both have used one and the same label."""
    low: float = -1.0
    high: float = 1.0
    """Interval of kappa: all there is, below 30 items and where there is no kappa."""
    adjusted: float | None = None
    """Prevalence-adjusted: (labels x share - 1) / (labels - 1), whatever the weights; None for a single label."""
    level: float = LEVEL


def confusion(one: ArrayLike, other: ArrayLike, *, labels: int) -> Floats:
    """How often each pair of labels was given, from both reviewers' labels of the same items. Tables add up.

    Codes below 0 are items that one has not judged; they are left out.

    Raises:
        ValueError: The columns are not equally long, or a code is not below `labels`.
    """
    first, second = np.asarray(one, dtype=np.int64), np.asarray(other, dtype=np.int64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError("give both reviewers' labels of the same items")
    both = (first >= 0) & (second >= 0)
    if both.any() and max(first[both].max(), second[both].max()) >= labels:
        raise ValueError(f"labels are from 0 to {labels - 1}")
    counts = np.bincount(first[both] * labels + second[both], minlength=labels * labels)
    return counts.reshape(labels, labels).astype(np.float64)


def agreement(table: ArrayLike, *, weights: Weights = Weights.NONE, level: float = LEVEL) -> Agreement:
    """Judge a table of `confusion`; rows are one reviewer's labels, columns the other's.

    The interval is kappa +- z standard errors (Fleiss, Cohen, Everitt 1969), cut at -1 and 1.

    Raises:
        ValueError: The table is not square, or a count is negative or not finite.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError("give a count for each pair of labels")
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise ValueError("counts must be finite and not negative")
    items, labels = float(counts.sum()), counts.shape[0]
    if not items:
        return Agreement(items=0, level=level)
    alike, tail = float(np.trace(counts)), (1 - level) / 2
    kappa, error = _kappa(counts / items, credit=_credit(labels, weights))
    known = kappa is not None and items >= MIN_ITEMS
    reach = float(ndtri(1 - tail)) * error / np.sqrt(items)
    return Agreement(
        items=int(items),
        share=alike / items,
        share_low=float(betaincinv(alike, items - alike + 1, tail)) if alike else 0.0,
        share_high=float(betaincinv(alike + 1, items - alike, 1 - tail)) if alike < items else 1.0,
        kappa=kappa,
        low=max(-1.0, float(kappa - reach)) if known and kappa is not None else -1.0,
        high=min(1.0, float(kappa + reach)) if known and kappa is not None else 1.0,
        adjusted=(labels * alike / items - 1) / (labels - 1) if labels > 1 else None,
        level=level,
    )


def _credit(labels: int, weights: Weights) -> Floats:
    """How much a pair of labels counts as agreement, 0 to 1."""
    apart = np.abs(np.subtract.outer(np.arange(labels), np.arange(labels))) / max(labels - 1, 1)
    if weights is Weights.NONE:
        return np.eye(labels)
    return np.asarray(1 - (apart if weights is Weights.LINEAR else apart**2), dtype=np.float64)


def _kappa(shares: Floats, *, credit: Floats) -> tuple[float | None, float]:
    """Kappa, and its standard error times the root of the number of items."""
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    seen, chance = float((credit * shares).sum()), float(rows @ credit @ columns)
    if chance >= 1 - 1e-12:
        return None, 0.0
    kappa = (seen - chance) / (1 - chance)
    mixed = np.add.outer(credit @ columns, rows @ credit)
    variance = float((shares * (credit - mixed * (1 - kappa)) ** 2).sum()) - (kappa - chance * (1 - kappa)) ** 2
    return kappa, float(np.sqrt(max(variance, 0.0))) / (1 - chance)
