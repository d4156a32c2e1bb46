"""What statistics need to know of one arm and one measure: sums over its subjects, which a store can add up."""

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

import msgspec
import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9
"""Share by which sums may break an inequality, because they were rounded."""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Sums, and sums of products, over the subjects of one arm.

    Each subject has a numerator y, a denominator d, and a covariate x that was measured before its exposure. The
    measure is the sum of y over the sum of d: failed calls over calls, or with d = 1 revenue per subject. Without a
    covariate its sums are 0.

    Sums of whole numbers are exact as long as none is beyond 2^53 (9.0e15; for cents that is a million subjects with
    949 euros each, whose squares add up). Beyond it, and for fractions, each is rounded to 16 digits. A variance made
    from them loses as many digits as the square of mean / standard deviation has: of 1,000,000 +- 1 four are left.
    """

    n: int = 0
    """Subjects."""
    y: float = 0.0
    d: float = 0.0
    x: float = 0.0
    yy: float = 0.0
    dd: float = 0.0
    xx: float = 0.0
    yd: float = 0.0
    yx: float = 0.0
    dx: float = 0.0

    @classmethod
    def of(
        cls,
        numerators: Sequence[float] | NDArray[np.float64],
        *,
        denominators: Sequence[float] | NDArray[np.float64] | None = None,
        covariates: Sequence[float] | NDArray[np.float64] | None = None,
    ) -> "Sums":
        """The sums of one value a subject; denominators are 1 where there are none, covariates 0.

        Raises:
            ValueError: The arrays are not equally long.
        """
        y = np.asarray(numerators, dtype=np.float64)
        d = np.ones_like(y) if denominators is None else np.asarray(denominators, dtype=np.float64)
        x = np.zeros_like(y) if covariates is None else np.asarray(covariates, dtype=np.float64)
        if not y.shape == d.shape == x.shape:
            raise ValueError("give each subject one numerator, one denominator and one covariate")
        products = {"yy": y * y, "dd": d * d, "xx": x * x, "yd": y * d, "yx": y * x, "dx": d * x}
        # `sum` adds pairwise, `dot` need not: its error would grow with the number of subjects.
        return cls(
            n=y.size, **{name: float(np.sum(each)) for name, each in ({"y": y, "d": d, "x": x} | products).items()}
        )

    def __add__(self, other: "Sums") -> "Sums":
        """The sums over the subjects of both, of whom nobody may be in both."""
        return Sums(
            n=self.n + other.n,
            y=self.y + other.y,
            d=self.d + other.d,
            x=self.x + other.x,
            yy=self.yy + other.yy,
            dd=self.dd + other.dd,
            xx=self.xx + other.xx,
            yd=self.yd + other.yd,
            yx=self.yx + other.yx,
            dx=self.dx + other.dx,
        )

    def fault(self) -> str:
        """Why no subjects can have these sums; empty where some can.

        Numbers must be finite, counts and squares not negative, and each pair of 1, y, d and x must satisfy the
        inequality of Cauchy and Schwarz, but for rounding.
        """
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        for name, value in values.items():
            if not math.isfinite(value):
                return f"{name} is {value}"
            if value < 0 and name in {"n", "d", "yy", "dd", "xx"}:
                return f"{name} is negative"
        squares = {"1": float(self.n), "y": self.yy, "d": self.dd, "x": self.xx}
        products = {"1y": self.y, "1d": self.d, "1x": self.x, "yd": self.yd, "yx": self.yx, "dx": self.dx}
        for one, other in combinations("1ydx", 2):
            product = products[one + other]
            if abs(product) > math.sqrt(squares[one]) * math.sqrt(squares[other]) * (1 + _ROUNDING):
                return f"the sum of {one} times {other} is larger than the sums of their squares allow"
        return ""


def total(sums: Iterable[Sums]) -> Sums:
    """The sums over all of them; those of nobody where there are none."""
    found = Sums()
    for each in sums:
        found += each
    return found
