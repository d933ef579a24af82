"""Statistical assertions: a law holds up to chance, at a stated false-alarm rate.

Every assertion is a test at level `alpha`: it fails on correct code with probability at most `alpha` (the mean and the
covariance: up to the central limit theorem), and its message says how large a fault it would have found. Arrays are
taken to NumPy in float64: these functions run on the host, not under `jit`.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import ArrayLike
from scipy import stats

from .._errors import require


__all__ = ["POWER", "assert_law", "assert_same_law", "assert_uniform_pit", "check_effect", "columns", "judge", "where"]

POWER = 0.99
"""The probability with which the effect that a message names is found."""


def columns(x: ArrayLike, name: str, least: int = 2) -> np.ndarray:
    """Samples as `(n, components)` in float64, checked."""
    x = np.asarray(x)
    require(x.ndim >= 1, name, "must have a first axis of independent draws", x, "pass an array of shape (n, ...)")
    require(x.shape[0] >= least, name, f"must hold at least {least} draws", x.shape, "draw more samples")
    x = x.astype(np.float64).reshape(x.shape[0], -1)
    if not np.isfinite(x).all():
        i, j = (int(k) for k in np.argwhere(~np.isfinite(x))[0])
        raise AssertionError(f"`{name}` is not finite: draw {i}, component {j} is {x[i, j]}.")
    return x


def where(index: int, shape: tuple[int, ...]) -> str:
    """`" in component [0, 2]"`, or nothing for a scalar."""
    if math.prod(shape) <= 1:
        return ""
    return f" in component [{', '.join(str(int(i)) for i in np.unravel_index(index, shape))}]"


def judge(ok: bool, what: str, value: float, limit: float, n: int, alpha: float, detectable: str) -> None:
    if not ok:
        raise AssertionError(
            f"{what}: {value:.4g} exceeds {limit:.4g} (n = {n}, false-alarm rate {alpha:g}; "
            f"{detectable} would be found with probability {POWER})."
        )


def check_effect(effect: float | None, detectable: float, n: int, needed: int) -> None:
    if effect is not None and not detectable <= effect:
        remedy = f"draw at least {needed} samples, or ask for an effect of {detectable:.3g}"
        require(False, "effect", f"cannot be found with n = {n} samples at probability {POWER}", effect, remedy)


@functools.lru_cache
def _quantile(share: float, n: int) -> float:
    return float(stats.kstwo.isf(share, n))


def _kolmogorov(x: np.ndarray, cdf: Callable[[np.ndarray], Any]) -> tuple[np.ndarray, np.ndarray]:
    """The distance of each column of `x` from its law, and where it is reached. Atoms of the law are allowed."""
    n = x.shape[0]
    x = np.sort(x, axis=0)
    # A law with atoms needs the limit from the left; the next number below serves as one.
    at, below = np.asarray(cdf(x), np.float64), np.asarray(cdf(np.nextafter(x, -np.inf)), np.float64)
    require(at.shape == x.shape, "cdf", f"must keep the shape {x.shape}", at.shape, "pass a vectorised function")
    reach = np.empty_like(x)
    for j in range(x.shape[1]):
        last = np.searchsorted(x[:, j], x[:, j], side="right") / n
        first = np.searchsorted(x[:, j], x[:, j], side="left") / n
        reach[:, j] = np.maximum(np.abs(last - at[:, j]), np.abs(below[:, j] - first))
    top = reach.argmax(axis=0)
    return reach.max(axis=0), np.take_along_axis(x, top[None], axis=0)[0]


def assert_law(
    samples: ArrayLike,
    cdf: Callable[[Any], Any],
    *,
    alpha: float = 1e-6,
    effect: float | None = None,
    tolerance: float = 0.0,
) -> None:
    r"""Assert that independent samples have the distribution function `cdf`, by the Kolmogorov-Smirnov distance.

    The threshold is the exact quantile of the distance for a continuous law; for a law with atoms it is conservative.
    A law at a distance $\delta$ is found with probability 0.99 when
    $\delta \ge \text{threshold} + \sqrt{\log(100) / 2n}$ (Hoeffding).

    **Arguments:**

    - `samples`: independent draws, shape `(n,)`, or `(n, ...)` for several components, each tested at its share of
        `alpha` (Bonferroni).
    - `cdf`: the distribution function, vectorised: called with a float64 array of the shape of `samples`.
    - `alpha`: the false-alarm rate of the whole assertion.
    - `effect`: the distance (between 0 and 1) that the test must be able to find; an error says when `n` is too small.
    - `tolerance`: a distance that is allowed, e.g. a known discretisation error.

    **Raises:** `AssertionError` with the distance, its place, the threshold, `n`, the false-alarm rate and the smallest
    distance that this test finds. `ValueError` if `n` is too small for `effect`.

    !!! example

        ```python
        import jax
        from scipy import stats
        from sdekit.evaluate import assert_law
        assert_law(jax.random.normal(jax.random.key(0), (1000,)), stats.norm.cdf)
        ```

    Source: Massart (1990), The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality; Simard and L'Ecuyer (2011)
    for the exact law (`scipy.stats.kstwo`).
    """
    shape = np.shape(samples)[1:]
    x = columns(samples, "samples")
    n, components = x.shape
    full = lambda v: np.asarray(cdf(v.reshape(n, *shape)), np.float64).reshape(n, components)
    distance, place = _kolmogorov(x, full)
    chance = _quantile(alpha / components, n)
    miss = math.log(1 / (1 - POWER)) / 2
    detectable = tolerance + chance + math.sqrt(miss / n)
    rate = math.sqrt(math.log(2 * components / alpha) / 2) + math.sqrt(miss)
    needed = math.inf if effect is None or effect <= tolerance else (rate / (effect - tolerance)) ** 2
    check_effect(effect, detectable, n, math.ceil(min(needed, 1e18)))
    j, limit = int(distance.argmax()), tolerance + chance
    what = f"The samples do not have the law given{where(j, shape)}, distance at x = {place[j]:.4g}"
    judge(distance[j] <= limit, what, distance[j], limit, n, alpha, f"a distance of {detectable:.3g}")


def assert_uniform_pit(pit: ArrayLike, *, alpha: float = 1e-6, effect: float | None = None) -> None:
    """Assert that independent probability integral transforms are uniform on [0, 1]: `assert_law` for that law.

    **Arguments:**

    - `pit`: values in [0, 1], shape `(n,)` or `(n, ...)`.
    - `alpha`, `effect`: as in `assert_law`.

    **Raises:** `AssertionError` with the distance, the threshold, `n`, the false-alarm rate and the smallest distance
    found, or naming a value outside [0, 1].

    !!! example

        ```python
        import numpy as np
        from sdekit.evaluate import assert_uniform_pit
        assert_uniform_pit((np.arange(100) + 0.5) / 100)
        ```
    """
    values = np.asarray(pit)
    outside = (values < 0) | (values > 1)
    if outside.any():
        i = tuple(int(k) for k in np.argwhere(outside)[0])
        raise AssertionError(f"`pit` must lie in [0, 1]; entry {list(i)} is {values[i]:.6g}.")
    assert_law(values, lambda u: np.clip(u, 0.0, 1.0), alpha=alpha, effect=effect)


def assert_same_law(a: ArrayLike, b: ArrayLike, *, alpha: float = 1e-6, effect: float | None = None) -> None:
    r"""Assert that two independent samples have the same law, by the two-sample Kolmogorov-Smirnov distance.

    The threshold is $\sqrt{\log(e/\alpha) / 2N}$ with $N = nm/(n + m)$, a bound for every law.

    **Arguments:**

    - `a`, `b`: independent draws, shapes `(n,)` and `(m,)`, or `(n, ...)` and `(m, ...)` with the same trailing shape,
        whose components are tested each at its share of `alpha`.
    - `alpha`: the false-alarm rate of the whole assertion.
    - `effect`: the distance that the test must be able to find.

    **Raises:** `AssertionError` with the distance, the threshold, the sizes, the false-alarm rate and the smallest
    distance that is found. `ValueError` if there are too few samples for `effect`.

    !!! example

        ```python
        import jax
        from sdekit.evaluate import assert_same_law
        a, b = jax.random.normal(jax.random.key(0), (2, 1000))
        assert_same_law(a, b)
        ```

    Source: Wei and Dudley (2012), Two-sample Dvoretzky-Kiefer-Wolfowitz inequalities, Theorem 1.
    """
    shape = np.shape(a)[1:]
    require(np.shape(b)[1:] == shape, "b", f"must have trailing shape {shape}", np.shape(b), "test like with like")
    x, y = np.sort(columns(a, "a"), axis=0), np.sort(columns(b, "b"), axis=0)
    n, m, components = len(x), len(y), x.shape[1]
    distance = np.empty(components)
    for j in range(components):
        grid = np.concatenate([x[:, j], y[:, j]])
        rank = lambda v, grid=grid: np.searchsorted(v, grid, side="right") / len(v)
        distance[j] = np.abs(rank(x[:, j]) - rank(y[:, j])).max()
    size = n * m / (n + m)
    limit = math.sqrt(math.log(math.e * components / alpha) / (2 * size))
    miss = math.sqrt(math.log(1 / (1 - POWER)) / (2 * size))
    needed = 0 if effect is None else math.ceil(((limit + miss) / effect) ** 2 * size * (1 + n / m))
    check_effect(effect, limit + miss, n, needed)
    j = int(distance.argmax())
    what = f"The two samples do not have the same law{where(j, shape)}"
    detectable = f"m = {m}, a distance of {limit + miss:.3g}"
    judge(distance[j] <= limit, what, distance[j], limit, n, alpha, detectable)
