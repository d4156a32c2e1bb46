"""All the chance of a simulated quarter: numbers that depend on the seed and on what they are for, and on nothing else.

So the same person, day and attempt meet the same luck in every run of a seed, whatever else was decided: of two runs
that differ in the policy, what differs in the end is the policy's doing (common random numbers).
"""

import hashlib
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Numbers = NDArray[np.float64]


def uniform(seed: int, name: str, shape: int | tuple[int, ...]) -> Numbers:
    """Numbers in [0, 1) for the purpose `name`; `seed` is from 0 to 2^63 - 1."""
    source = np.random.PCG64(np.random.SeedSequence((seed, zlib.crc32(name.encode()))))
    return np.random.Generator(source).random(shape)


def normal(seed: int, name: str, shape: int | tuple[int, ...]) -> Numbers:
    """Numbers with mean 0 and standard deviation 1."""
    # By the quantile, and not numpy's own: how that draws may differ between versions.
    drawn: Numbers = ndtri(np.clip(uniform(seed, name, shape), 1e-12, 1 - 1e-12))
    return drawn


def bytes_of(seed: int, name: str, *numbers: int, size: int) -> bytes:
    """At most 64 bytes for one thing, told by its numbers."""
    text = f"{seed}/{name}/{'/'.join(map(str, numbers))}"
    return hashlib.blake2b(text.encode(), digest_size=size).digest()
