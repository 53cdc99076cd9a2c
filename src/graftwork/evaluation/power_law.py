"""A power law a + b·n^-c through a few errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["PowerLaw", "fit_power_law", "fit_power_laws"]

# Large tasks lie between .07 and .7 (Hestness et al. 2017); small ones that are soon learnt fall
# faster. A larger exponent forecasts a smaller gain, so the upper bound is no danger.
EXPONENTS = np.linspace(0.05, 2.0, 40)


@dataclass(frozen=True)
class PowerLaw:
    """The error after n rows: a + b·n^-c.

    Attributes:
        a: error that no number of rows takes away, at least 0.
        b: at least 0, so that the error never rises.
        c: exponent.
        residual: weighted root mean square distance of the points.
    """

    a: float
    b: float
    c: float
    residual: float

    def at(self, rows: float) -> float:
        """The error after so many rows."""
        return float(self.a + self.b * rows**-self.c)

    def to_json(self) -> dict[str, float]:
        """Plain values."""
        return {"a": self.a, "b": self.b, "c": self.c, "residual": self.residual}


def fit_power_law(sizes: np.ndarray, errors: np.ndarray) -> PowerLaw:
    """Least squares with weights by the number of rows, as few rows give the noisier errors.

    For each exponent of a grid a and b are solved for (both at least 0) and the best is taken: no
    start to choose and no local optimum.

    Args:
        sizes: float (m,) numbers of rows, at least two different ones.
        errors: float (m,).
    """
    return fit_power_laws(sizes, np.asarray(errors)[None])[0]


def fit_power_laws(sizes: np.ndarray, errors: np.ndarray) -> list[PowerLaw]:
    """`fit_power_law` of each row of errors (r, m), all at once."""
    sizes, errors = np.asarray(sizes, np.float64), np.asarray(errors, np.float64)
    weights = sizes / sizes.sum()
    powers = (sizes[None, :] / sizes[-1]) ** -EXPONENTS[:, None]  # (exponents, m)
    mean, level = (powers @ weights)[:, None], errors @ weights
    off = (powers - mean) * weights
    b = np.maximum(off @ errors.T / (off * powers).sum(axis=1)[:, None], 0.0)  # (exponents, r)
    a = level - b * mean
    # an error below 0 cannot be: then the line goes through the origin
    through = (powers * weights) @ errors.T / ((powers**2) @ weights)[:, None]
    b, a = np.where(a < 0, np.maximum(through, 0.0), b), np.maximum(a, 0.0)
    fitted = a[..., None] + b[..., None] * powers[:, None, :]
    misfit = ((fitted - errors[None]) ** 2) @ weights  # (exponents, r)
    best = misfit.argmin(axis=0)
    columns = np.arange(len(errors))
    c = EXPONENTS[best]
    scale = sizes[-1] ** c
    found = (a[best, columns], b[best, columns] * scale, c, np.sqrt(misfit[best, columns]))
    return [PowerLaw(*map(float, each)) for each in zip(*found, strict=True)]
