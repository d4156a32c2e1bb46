"""What is true of the customers, and nobody in the company knows: what they buy, what contacts do, what they feel.

All of it is invented, and written down here and in `truth.json`, so that estimates can be held against it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from scipy.special import ndtr

from services.simulation.chance import Numbers, normal
from services.simulation.people import Person


class Truths(msgspec.Struct, frozen=True, kw_only=True):
    """How customers are. Probabilities are from 0 to 1, those of a contact are of one that meets no fatigue."""

    buys_a_day: float = 0.004
    """Probability that a standard customer buys on a day without any contact."""
    buyers: Mapping[str, float] = msgspec.field(default_factory=lambda: {"standard": 1.0, "core": 1.4, "vip": 2.2})
    """How many times as often others do, by the first of their segments."""
    differ: float = 0.5
    """How far customers differ in that, and in how sensitive they are: standard deviation of the logarithm."""
    amount_cents: float = 6_000.0
    """Median of what a purchase comes to."""
    amounts_differ: float = 0.6
    """Standard deviation of its logarithm."""
    uplift: Mapping[str, float] = msgspec.field(default_factory=lambda: {"email": 0.012, "push": 0.008, "sms": 0.02})
    """Purchases that a contact adds, by channel."""
    uplifts: Mapping[str, float] = msgspec.field(default_factory=lambda: {"standard": 1.0, "core": 1.2, "vip": 0.7})
    """How many times that, by segment: those who buy anyway need it least."""
    versions: Mapping[str, float] = msgspec.field(default_factory=lambda: {"1": 1.0, "2": 1.4})
    """How many times that, by the model's version that led to it; others: once."""
    lasts_days: float = 4.0
    """Of what a contact adds, 1 / `lasts_days` comes on the next day, and the same share of the rest on each later."""
    tired_days: float = 7.0
    """Half-life of fatigue, which is 1 higher after a marketing contact with somebody of average sensitivity."""
    tires: float = 0.35
    """What a contact adds falls as exp(-tires · fatigue)."""
    annoys: float = 0.03
    """What a customer buys anyway falls as exp(-annoys · fatigue)."""
    opts_out: float = 0.0015
    """Probability that somebody opts out of the channel after a marketing contact."""
    complains: float = 0.0004
    hurts: float = 0.45
    """Both rise as exp(hurts · fatigue)."""
    opens: Mapping[str, float] = msgspec.field(default_factory=lambda: {"email": 0.32, "push": 0.2})
    """Probability that a contact is opened, by channel; it falls as what a contact adds does."""
    clicks: float = 0.18
    """Of those that are opened."""
    answers: float = 0.4
    """Probability that somebody answers a survey. It depends on nothing."""
    likes: float = 8.2
    """Mean of what customers without fatigue answer to "would you recommend us", before it is a whole number."""
    likes_differ: float = 1.6
    """Standard deviation between customers, and the same again from answer to answer."""
    dislikes: float = 0.35
    """By how much fatigue of 1 lowers it."""
    feels_much: float = 3.2
    """Fatigue at which every other customer says that they are contacted much too much; likewise the next."""
    feels_a_bit: float = 1.4
    feels_differ: float = 1.2
    """Standard deviation of that, between answers."""
    days_to_survey: int = 28
    """No survey comes before so many days of the quarter."""

    @property
    def keeps(self) -> float:
        """What is left after a day of the fatigue."""
        return float(0.5 ** (1 / self.tired_days))


class Hidden(msgspec.Struct, frozen=True, eq=False):
    """The same of each customer, in their order."""

    buys: Numbers
    """Probability of a purchase on a day without contacts."""
    moved: Numbers
    """How many times the channel's uplift."""
    sensitive: Numbers
    """How much fatigue a contact leaves."""
    likes: Numbers


def hidden(truths: Truths, persons: Sequence[Person], *, seed: int) -> Hidden:
    """How each of them is; by the seed."""
    tiers = [each.segments[0] for each in persons]
    differ = truths.differ
    # Divided by the mean of the factors, so that the numbers above stay what they say.
    factors = np.exp(differ * normal(seed, "people", (2, len(persons))) - differ**2 / 2)
    return Hidden(
        buys=np.minimum(
            0.25, truths.buys_a_day * np.array([truths.buyers.get(tier, 1.0) for tier in tiers]) * factors[0]
        ),
        moved=np.array([truths.uplifts.get(tier, 1.0) for tier in tiers]),
        sensitive=factors[1],
        likes=truths.likes + truths.likes_differ * normal(seed, "likes", len(persons)),
    )


NPS: Final = "nps"
PRESSURE: Final = "pressure"
MUCH, A_BIT, NOT_SOLICITED = "much_too_much", "a_bit_too_much", "not_solicited"
"""Answers on the scale of perceived pressure: « beaucoup trop », « un peu trop », « pas sollicité »."""


def recommends(truths: Truths, likes: float, *, fatigue: float, luck: float) -> int:
    """What somebody answers, 0 to 10; `luck` is a draw of the normal distribution."""
    return int(np.clip(round(likes - truths.dislikes * fatigue + truths.likes_differ * luck), 0, 10))


def promoters(truths: Truths, likes: float, *, fatigue: float) -> tuple[float, float]:
    """Probability that the answer is 9 or 10, and that it is 6 or less."""
    mean = likes - truths.dislikes * fatigue
    return float(ndtr((mean - 8.5) / truths.likes_differ)), float(ndtr((6.5 - mean) / truths.likes_differ))


def feels(truths: Truths, fatigue: float, *, luck: float) -> str:
    """What somebody answers on the scale of pressure."""
    felt = fatigue + truths.feels_differ * luck
    return MUCH if felt > truths.feels_much else A_BIT if felt > truths.feels_a_bit else NOT_SOLICITED


def feelings(truths: Truths, fatigue: float) -> tuple[float, float]:
    """Probability of the first and of the second answer."""
    much = float(ndtr((fatigue - truths.feels_much) / truths.feels_differ))
    return much, float(ndtr((fatigue - truths.feels_a_bit) / truths.feels_differ)) - much
