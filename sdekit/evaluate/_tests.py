"""Statistical assertions: a law, a mean or a covariance holds up to chance, at a stated false-alarm rate.

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


__all__ = [
    "assert_covariance",
    "assert_law",
    "assert_mean",
    "assert_proportion",
    "assert_same_law",
    "assert_uniform_pit",
]

_POWER = 0.99
"""The probability with which the effect that a message names is found."""


def _columns(x: ArrayLike, name: str, least: int = 2) -> np.ndarray:
    """Samples as `(n, components)` in float64, checked."""
    x = np.asarray(x)
    require(x.ndim >= 1, name, "must have a first axis of independent draws", x, "pass an array of shape (n, ...)")
    require(x.shape[0] >= least, name, f"must hold at least {least} draws", x.shape, "draw more samples")
    x = x.astype(np.float64).reshape(x.shape[0], -1)
    if not np.isfinite(x).all():
        i, j = (int(k) for k in np.argwhere(~np.isfinite(x))[0])
        raise AssertionError(f"`{name}` is not finite: draw {i}, component {j} is {x[i, j]}.")
    return x


def _where(index: int, shape: tuple[int, ...]) -> str:
    """`" in component [0, 2]"`, or nothing for a scalar."""
    if math.prod(shape) <= 1:
        return ""
    return f" in component [{', '.join(str(int(i)) for i in np.unravel_index(index, shape))}]"


def _judge(ok: bool, what: str, value: float, limit: float, n: int, alpha: float, detectable: str) -> None:
    if not ok:
        raise AssertionError(
            f"{what}: {value:.4g} exceeds {limit:.4g} (n = {n}, false-alarm rate {alpha:g}; "
            f"{detectable} would be found with probability {_POWER})."
        )


def _check_effect(effect: float | None, detectable: float, n: int, needed: int) -> None:
    if effect is not None and not detectable <= effect:
        remedy = f"draw at least {needed} samples, or ask for an effect of {detectable:.3g}"
        require(False, "effect", f"cannot be found with n = {n} samples at probability {_POWER}", effect, remedy)


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
    x = _columns(samples, "samples")
    n, components = x.shape
    full = lambda v: np.asarray(cdf(v.reshape(n, *shape)), np.float64).reshape(n, components)
    distance, place = _kolmogorov(x, full)
    chance = _quantile(alpha / components, n)
    miss = math.log(1 / (1 - _POWER)) / 2
    detectable = tolerance + chance + math.sqrt(miss / n)
    rate = math.sqrt(math.log(2 * components / alpha) / 2) + math.sqrt(miss)
    needed = math.inf if effect is None or effect <= tolerance else (rate / (effect - tolerance)) ** 2
    _check_effect(effect, detectable, n, math.ceil(min(needed, 1e18)))
    j, limit = int(distance.argmax()), tolerance + chance
    what = f"The samples do not have the law given{_where(j, shape)}, distance at x = {place[j]:.4g}"
    _judge(distance[j] <= limit, what, distance[j], limit, n, alpha, f"a distance of {detectable:.3g}")


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
    x, y = np.sort(_columns(a, "a"), axis=0), np.sort(_columns(b, "b"), axis=0)
    n, m, components = len(x), len(y), x.shape[1]
    distance = np.empty(components)
    for j in range(components):
        grid = np.concatenate([x[:, j], y[:, j]])
        rank = lambda v, grid=grid: np.searchsorted(v, grid, side="right") / len(v)
        distance[j] = np.abs(rank(x[:, j]) - rank(y[:, j])).max()
    size = n * m / (n + m)
    limit = math.sqrt(math.log(math.e * components / alpha) / (2 * size))
    miss = math.sqrt(math.log(1 / (1 - _POWER)) / (2 * size))
    needed = 0 if effect is None else math.ceil(((limit + miss) / effect) ** 2 * size * (1 + n / m))
    _check_effect(effect, limit + miss, n, needed)
    j = int(distance.argmax())
    what = f"The two samples do not have the same law{_where(j, shape)}"
    detectable = f"m = {m}, a distance of {limit + miss:.3g}"
    _judge(distance[j] <= limit, what, distance[j], limit, n, alpha, detectable)


def _standardised(x: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Means, their standard errors (never below rounding), and the threshold of the studentised mean."""
    n, components = x.shape
    mean = x.mean(axis=0)
    centred = x - mean
    spread = np.sqrt((centred**2).sum(axis=0) / (n - 1))
    safe = np.where(spread > 0, spread, 1.0)
    skewness = np.abs(((centred / safe) ** 3).mean(axis=0)).max()
    z = float(stats.t.isf(alpha / (2 * components), n - 1))
    # A skew law moves the tails of the studentised mean; the first-order term is Johnson's.
    return mean, spread / math.sqrt(n), z + skewness * (1 + 2 * z**2) / (6 * math.sqrt(n))


def _assert_means(
    x: np.ndarray,
    target: np.ndarray,
    what: str,
    *,
    alpha: float,
    effect: float | None,
    tolerance: float,
    floor: np.ndarray,
    name: Callable[[int], str],
) -> None:
    n = len(x)
    mean, error, limit = _standardised(x, alpha)
    error = np.maximum(np.maximum(error, floor), np.finfo(np.float64).tiny)
    score = np.maximum(np.abs(mean - target) - tolerance, 0.0) / error
    reach = tolerance + (limit + float(stats.norm.ppf(_POWER))) * error
    worst = float(reach.max())
    needed = (
        math.inf if effect is None or effect <= tolerance else n * ((worst - tolerance) / (effect - tolerance)) ** 2
    )
    _check_effect(effect, worst, n, math.ceil(min(needed, 1e18)))
    j = int(score.argmax())
    text = f"{what}{name(j)}: {mean[j]:.6g} is not {target[j]:.6g}, standard error {error[j]:.3g}, errors apart"
    _judge(score[j] <= limit, text, score[j], limit, n, alpha, f"a difference of {reach[j]:.3g}")


def assert_mean(
    samples: ArrayLike,
    mean: ArrayLike,
    *,
    alpha: float = 1e-6,
    axis: int = 0,
    effect: float | None = None,
    tolerance: float = 0.0,
) -> None:
    r"""Assert that independent samples have the mean given, by Student's $t$ in every component (Bonferroni).

    The threshold grows with the skewness of the samples (Johnson's first-order term), so that it holds for skew laws
    too. Constant samples are compared up to rounding of their dtype.

    **Arguments:**

    - `samples`: draws, independent along `axis`, shape `(n, ...)`.
    - `mean`: the expected mean, broadcast to the shape of the other axes.
    - `alpha`: the false-alarm rate of the whole assertion.
    - `axis`: the axis of independent draws.
    - `effect`: the difference, in the unit of the samples, that the test must be able to find in every component.
    - `tolerance`: a difference that is allowed, e.g. a known discretisation error.

    **Raises:** `AssertionError` with the worst component, its mean and standard error, the threshold, `n`, the
    false-alarm rate and the smallest difference found. `ValueError` if `n` is too small for `effect`.

    !!! example

        ```python
        import jax
        from sdekit.evaluate import assert_mean
        assert_mean(jax.random.normal(jax.random.key(0), (1000, 3)), 0.0)
        ```

    Source: Johnson (1978), Modified t tests and confidence intervals for asymmetrical populations, equation 2.4.
    """
    values = np.moveaxis(np.asarray(samples), axis, 0)
    shape = values.shape[1:]
    x = _columns(values, "samples")
    target = np.broadcast_to(np.asarray(mean, np.float64), shape).reshape(-1)
    floor = _rounding(values) * np.maximum(np.abs(target), np.abs(x).max(axis=0))
    _assert_means(
        x, target, "The mean of the samples is wrong", alpha=alpha, effect=effect, tolerance=tolerance,
        floor=floor, name=lambda j: _where(j, shape),
    )  # fmt: skip


def _rounding(x: np.ndarray) -> float:
    return float(np.finfo(x.dtype).eps if np.issubdtype(x.dtype, np.floating) else np.finfo(np.float64).eps)


def assert_covariance(
    samples: ArrayLike,
    covariance: ArrayLike,
    *,
    alpha: float = 1e-6,
    effect: float | None = None,
    tolerance: float = 0.0,
) -> None:
    """Assert that independent samples have the covariance given, entry by entry (Bonferroni).

    Each entry is the mean of the products of centred components; it is tested as in `assert_mean`, with the variance
    of the products estimated from the samples, so that the law need not be normal.

    **Arguments:**

    - `samples`: draws, shape `(n,)` or `(n, d)`.
    - `covariance`: the expected covariance, shape `()` or `(d, d)`.
    - `alpha`: the false-alarm rate of the whole assertion.
    - `effect`, `tolerance`: as in `assert_mean`, in the unit of the covariance.

    **Raises:** `AssertionError` with the worst entry, its value and standard error, the threshold, `n`, the false-alarm
    rate and the smallest difference found. `ValueError` if `n` is too small for `effect`, or the shapes do not match.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        from sdekit.evaluate import assert_covariance
        assert_covariance(jax.random.normal(jax.random.key(0), (1000, 2)), jnp.eye(2))
        ```
    """
    values = np.asarray(samples)
    require(values.ndim in (1, 2), "samples", "must have shape (n,) or (n, d)", values.shape, "flatten each draw")
    x = _columns(values, "samples", least=3)
    n, d = x.shape
    target = np.atleast_2d(np.asarray(covariance, np.float64))
    require(target.shape == (d, d), "covariance", f"must have shape ({d}, {d})", target, "pass one entry a pair")
    rows, columns = np.triu_indices(d)
    rounding = _rounding(values) * np.abs(x).max(axis=0)
    x = x - x.mean(axis=0)
    products = x[:, rows] * x[:, columns] * (n / (n - 1))
    floor = rounding[rows] * rounding[columns] + _rounding(values) * np.abs(target[rows, columns])
    name = lambda j: "" if d == 1 else f" in entry [{rows[j]}, {columns[j]}]"
    _assert_means(
        products, target[rows, columns], "The covariance of the samples is wrong", alpha=alpha, effect=effect,
        tolerance=tolerance, floor=floor, name=name,
    )  # fmt: skip


def assert_proportion(successes: ArrayLike, trials: int, probability: ArrayLike, *, alpha: float = 1e-6) -> None:
    """Assert that counts of successes in independent trials have the probability given, by the exact binomial law.

    **Arguments:**

    - `successes`: counts, shape `()` or `(k,)`; several counts are tested each at its share of `alpha`, so that the
        counts of `k` categories may be passed together.
    - `trials`: the number of trials behind each count.
    - `probability`: the expected probability, broadcast to the counts.
    - `alpha`: the false-alarm rate of the whole assertion.

    **Raises:** `AssertionError` with the worst count, its p-value, `trials`, the false-alarm rate and the difference in
    probability that would be found.

    !!! example

        ```python
        from sdekit.evaluate import assert_proportion
        assert_proportion(480, 1000, 0.5)
        ```

    Source: Clopper and Pearson (1934), The use of confidence or fiducial limits.
    """
    counts = np.atleast_1d(np.asarray(successes, np.float64))
    p = np.broadcast_to(np.asarray(probability, np.float64), counts.shape).reshape(-1)
    shape, counts = counts.shape, counts.reshape(-1)
    require(trials >= 1, "trials", "must be positive", trials, "pass the number of trials")
    bad = (counts < 0) | (counts > trials) | (counts != np.round(counts))
    require(not bad.any(), "successes", f"must be counts between 0 and {trials}", counts, "pass counts, not rates")
    share = alpha / (2 * len(counts))
    tail = np.minimum(stats.binom.cdf(counts, trials, p), stats.binom.sf(counts - 1, trials, p))
    j = int(tail.argmin())
    reach = (math.sqrt(math.log(1 / share)) + math.sqrt(math.log(1 / (1 - _POWER)))) / math.sqrt(2 * trials)
    if tail[j] < share:
        raise AssertionError(
            f"The proportion is wrong{_where(j, shape)}: {counts[j]:g} of {trials} is {counts[j] / trials:.4g}, not "
            f"{p[j]:.4g}: one-sided p-value {tail[j]:.3g} is below {share:.3g} (n = {trials}, false-alarm rate "
            f"{alpha:g}; a difference of {reach:.3g} would be found with probability {_POWER})."
        )
