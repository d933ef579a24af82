"""Statistical assertions on moments and proportions. See `_tests` for what every assertion promises."""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import ArrayLike
from scipy import stats

from .._errors import require
from ._tests import POWER, check_effect, columns, judge, where


__all__ = ["assert_covariance", "assert_mean", "assert_proportion"]


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
    reach = tolerance + (limit + float(stats.norm.ppf(POWER))) * error
    worst = float(reach.max())
    needed = (
        math.inf if effect is None or effect <= tolerance else n * ((worst - tolerance) / (effect - tolerance)) ** 2
    )
    check_effect(effect, worst, n, math.ceil(min(needed, 1e18)))
    j = int(score.argmax())
    text = f"{what}{name(j)}: {mean[j]:.6g} is not {target[j]:.6g}, standard error {error[j]:.3g}, errors apart"
    judge(score[j] <= limit, text, score[j], limit, n, alpha, f"a difference of {reach[j]:.3g}")


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
    x = columns(values, "samples")
    target = np.broadcast_to(np.asarray(mean, np.float64), shape).reshape(-1)
    floor = _rounding(values) * np.maximum(np.abs(target), np.abs(x).max(axis=0))
    _assert_means(
        x, target, "The mean of the samples is wrong", alpha=alpha, effect=effect, tolerance=tolerance,
        floor=floor, name=lambda j: where(j, shape),
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
    x = columns(values, "samples", least=3)
    n, d = x.shape
    target = np.atleast_2d(np.asarray(covariance, np.float64))
    require(target.shape == (d, d), "covariance", f"must have shape ({d}, {d})", target, "pass one entry a pair")
    one, other = np.triu_indices(d)
    rounding = _rounding(values) * np.abs(x).max(axis=0)
    x = x - x.mean(axis=0)
    products = x[:, one] * x[:, other] * (n / (n - 1))
    floor = rounding[one] * rounding[other] + _rounding(values) * np.abs(target[one, other])
    name = lambda j: "" if d == 1 else f" in entry [{one[j]}, {other[j]}]"
    _assert_means(
        products, target[one, other], "The covariance of the samples is wrong", alpha=alpha, effect=effect,
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
    reach = (math.sqrt(math.log(1 / share)) + math.sqrt(math.log(1 / (1 - POWER)))) / math.sqrt(2 * trials)
    if tail[j] < share:
        raise AssertionError(
            f"The proportion is wrong{where(j, shape)}: {counts[j]:g} of {trials} is {counts[j] / trials:.4g}, not "
            f"{p[j]:.4g}: one-sided p-value {tail[j]:.3g} is below {share:.3g} (n = {trials}, false-alarm rate "
            f"{alpha:g}; a difference of {reach:.3g} would be found with probability {POWER})."
        )
