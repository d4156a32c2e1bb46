"""Fits both versions of the lead score on LeadForge's leads: `python -m services.models.train`.

Version 1 knows who the lead is; version 2 also knows what happened in the first four weeks. The result is the same on
every run, and is committed: serving needs neither LeadForge nor numpy.
"""

import importlib.metadata
import logging
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from services.leads import DIFFICULTY, OBSERVED_DAYS, RECIPE, Lead, leads_of, world
from services.models.scoring import FOLDER, NAME, Batch, Count, Model, Training

_log = logging.getLogger(__name__)

SEED: Final = 42
LEADS: Final = 12_000
REQUIRED: Final = ("seniority", "role_function", "industry", "region", "lead_source", "first_touch_channel")
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "1": (*REQUIRED, "estimated_revenue_band"),
    "2": (*REQUIRED, "estimated_revenue_band", "employee_band", "process_maturity_band", "email_domain_type"),
}
COUNTS: Final[Mapping[str, tuple[str, ...]]] = {
    "1": (),
    "2": ("touches", "sessions", "sales_activities", "pricing_page_views"),
}

Matrix = np.ndarray[Any, np.dtype[np.float64]]


def fit(version: str, leads: Sequence[Lead]) -> Model:
    """The model of that version, fitted on 7 of 10 accounts and measured on the other 3."""
    seen = [lead for lead in leads if not _held_out(lead)]
    unseen = [lead for lead in leads if _held_out(lead)]
    vocabulary = [(name, word) for name in WORDS[version] for word in sorted({lead.texts[name] for lead in seen})]
    words = np.array([[lead.texts[name] == word for name, word in vocabulary] for lead in seen], dtype=float)
    logs = np.log1p([[lead.counts[name] for name in COUNTS[version]] for lead in seen]).reshape(len(seen), -1)
    mean, scale = logs.mean(axis=0), logs.std(axis=0)
    weights = _regression(
        np.hstack((np.ones((len(seen), 1)), words, (logs - mean) / scale)),
        np.array([lead.converted for lead in seen], dtype=float),
    )
    of_words, of_counts = weights[1 : len(vocabulary) + 1], weights[len(vocabulary) + 1 :]
    intercept, centred = _centred(float(weights[0]), dict(zip(vocabulary, of_words, strict=True)), seen)
    model = Model(
        name=NAME,
        version=version,
        intercept=intercept,
        required=REQUIRED,
        words=centred,
        counts={
            name: Count(mean=float(m), scale=float(s), weight=float(w))
            for name, m, s, w in zip(COUNTS[version], mean, scale, of_counts, strict=True)
        },
        training=_facts(seen, unseen, auc=0.0),
    )
    auc = area_under_curve(model.scores(batch_of(unseen)), [lead.converted for lead in unseen])
    return msgspec.structs.replace(model, training=_facts(seen, unseen, auc=auc))


def batch_of(leads: Sequence[Lead]) -> Batch:
    """The features of `leads`, as every version takes them."""
    return Batch(
        rows=len(leads),
        words={name: tuple(lead.texts[name] for lead in leads) for name in WORDS["2"]},
        counts={name: tuple(lead.counts[name] for lead in leads) for name in COUNTS["2"]},
    )


def area_under_curve(scores: Sequence[float], outcomes: Sequence[bool]) -> float:
    """The chance, 0 to 1, that a random converted lead scores higher than a random other; 0.5 is guessing."""
    values = np.asarray(scores)
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(times) - (times - 1) / 2)[place]
    hits = np.asarray(outcomes)
    converted = int(hits.sum())
    above = ranks[hits].sum() - converted * (converted + 1) / 2
    return float(above / (converted * (len(values) - converted)))


def _facts(seen: Sequence[Lead], unseen: Sequence[Lead], *, auc: float) -> Training:
    return Training(
        package=f"leadforge {importlib.metadata.version('leadforge')}",
        recipe=RECIPE,
        difficulty=DIFFICULTY,
        seed=SEED,
        observed_days=OBSERVED_DAYS,
        rows=len(seen),
        test_rows=len(unseen),
        converted_share=sum(lead.converted for lead in (*seen, *unseen)) / (len(seen) + len(unseen)),
        auc=auc,
    )


def _held_out(lead: Lead) -> bool:
    # By account: leads of one account are alike, and one of them in the fit would flatter the measure.
    return zlib.crc32(lead.account_id.encode()) % 10 < 3


def _regression(features: Matrix, outcomes: Matrix) -> Matrix:
    """Logistic regression by Newton's method with a ridge of 1 on everything but the intercept."""
    weights = np.zeros(features.shape[1])
    ridge = np.eye(features.shape[1])
    ridge[0, 0] = 1e-9
    for _ in range(50):
        chances = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (chances - outcomes) + ridge @ weights
        curvature = (features * (chances * (1 - chances))[:, None]).T @ features + ridge
        step = np.linalg.solve(curvature, slope)
        weights -= step
        if np.abs(step).max() < 1e-10:
            break
    return weights


def _centred(
    intercept: float, weights: Mapping[tuple[str, str], float], leads: Sequence[Lead]
) -> tuple[float, Mapping[str, Mapping[str, float]]]:
    """The same model with weights that average to 0 over `leads`, so that a missing word counts as the average."""
    words: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(name for name, _ in weights):
        shares = Counter(lead.texts[name] for lead in leads)
        average = sum(float(weights[name, word]) * shares[word] for word in shares) / len(leads)
        words[name] = {word: float(weights[name, word]) - average for word in sorted(shares)}
        intercept += average
    return intercept, words


def main() -> None:
    """Fit both versions and write them where they are served from."""
    bundle = world(seed=SEED, accounts=LEADS // 3, contacts=LEADS, leads=LEADS)
    leads = tuple(lead for lead in leads_of(bundle) if lead.scorable)
    for version in WORDS:
        model = fit(version, leads)
        text = msgspec.json.format(msgspec.json.encode(_rounded(model)), indent=2)
        (FOLDER / f"{version}.json").write_bytes(text + b"\n")
        _log.info("version %s: AUC %.4f on %d leads", version, model.training.auc, model.training.test_rows)


def _rounded(model: Model) -> Any:
    """The model with six decimals: the last digits differ between processors, and the file should not."""

    def rounded(value: Any) -> Any:
        if isinstance(value, float):
            return round(value, 6)
        if isinstance(value, Mapping):
            return {key: rounded(each) for key, each in value.items()}
        return value

    return rounded(msgspec.to_builtins(model))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
