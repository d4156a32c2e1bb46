"""The lead score: a logistic regression, as it lies in `lead_score/<version>.json`."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

NAME: Final = "lead-score"
FOLDER: Final = Path(__file__).parent / "lead_score"
VERSIONS: Final = ("1", "2")


class Batch(msgspec.Struct, frozen=True):
    """The features of some leads: by feature, one value for each of the `rows` leads."""

    rows: int
    words: Mapping[str, Sequence[str]]
    counts: Mapping[str, Sequence[int]]


class Count(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a count enters the score: as (log(1 + count) - mean) / scale, times weight."""

    mean: float
    scale: float
    weight: float


class Training(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model was fitted on and how well it does. AUC is measured on accounts that the fit has not seen."""

    package: str
    recipe: str
    difficulty: str
    seed: int
    observed_days: int
    rows: int
    test_rows: int
    converted_share: float
    auc: float


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of the score. Weights of words are centred: an unknown or missing word weighs 0, the average."""

    name: str
    version: str
    intercept: float
    required: tuple[str, ...]
    """Features that every request must bring. The others may be missing."""
    words: Mapping[str, Mapping[str, float]]
    counts: Mapping[str, Count]
    training: Training

    def scores(self, batch: Batch) -> list[float]:
        """The chance, 0 to 1, that each lead becomes a customer within 90 days of coming in.

        Features that this version does not use are passed over.
        """
        logits = [self.intercept] * batch.rows
        for name, weights in self.words.items():
            for row, word in enumerate(batch.words.get(name, ())):
                logits[row] += weights.get(word, 0.0)
        for name, count in self.counts.items():
            for row, value in enumerate(batch.counts.get(name, ())):
                logits[row] += (math.log1p(value) - count.mean) / count.scale * count.weight
        return [1 / (1 + math.exp(-logit)) for logit in logits]


def load(version: str) -> Model:
    """The model of that version.

    Raises:
        ValueError: when there is no such version.
    """
    if version not in VERSIONS:
        raise ValueError(f"{NAME} has no version {version!r}; choose one of {', '.join(VERSIONS)}.")
    return msgspec.json.decode((FOLDER / f"{version}.json").read_bytes(), type=Model)


def feature_types() -> Mapping[str, str]:
    """Every feature that some version uses, with its Open Inference datatype.

    A request may bring all of them to any version, so that a caller need not know which version it is routed to.
    """
    types: dict[str, str] = {}
    for version in VERSIONS:
        model = load(version)
        types |= dict.fromkeys(model.words, "BYTES") | dict.fromkeys(model.counts, "INT64")
    return types
