r"""Gradients of expectations as differences of two expectations: the derivative of a law is a difference of laws."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist

from .._errors import require
from ._gradients import AbstractGradientEstimator, in_dtype_of, law_of


__all__ = ["MeasureValued"]


class MeasureValued(AbstractGradientEstimator):
    r"""$\partial_\theta E f = c_\theta (E f(x^+) - E f(x^-))$, with coupled draws. For scalar laws and any `f`.

    The two laws are given for the parameters of the distribution; parameters behind these come by the chain rule.

    | law | parameter | $c$ | $x^+$ | $x^-$ |
    |---|---|---|---|---|
    | `Poisson` | rate | $1$ | $N + 1$ | $N$ |
    | `Exponential` | rate | $1/\lambda$ | $X$ | $X + X'$, two independent draws |
    | `Normal` | loc | $1 / \sigma\sqrt{2\pi}$ | $\mu + \sigma W$ | $\mu - \sigma W$ |
    | `Normal` | scale | $1/\sigma$ | $\mu + \sigma M$ | $\mu + \sigma U M$ |

    $W$ has Rayleigh's law, $M$ the density $x^2 \varphi(x)$, and $U$ is uniform, so that $U M$ is standard normal.

    Differentiates neither `f` nor a density: low variance for a smooth `f`, and right for one that jumps. Evaluates `f`
    two times for each draw, four for `Normal`.

    **Raises:** `ValueError` for other laws.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.inference import MeasureValued
        loss = lambda rate: MeasureValued()(lambda k: 1.0 * k**2, dist.Poisson, rate, key=jax.random.key(0), n=1000)
        jax.grad(loss)(3.0)  # near 2 * 3 + 1
        ```

    Source: Mohamed, Rosca, Figurnov and Mnih, *Monte Carlo gradient estimation in machine learning* (2020), section 6
    and table 1.
    """

    def __call__(self, f, law, params, *, key, n):
        found = law_of(law, params, n)
        rule = next((rule for kind, rule in _RULES.items() if isinstance(found, kind)), None)
        kinds = ", ".join(kind.__name__ for kind in _RULES)
        name = type(found).__name__
        require(rule is not None, "law", f"must be one of {kinds}", name, "use ScoreFunction() or Reparametrised()")
        assert rule is not None
        value, slopes = rule(jax.tree.map(jax.lax.stop_gradient, found), jax.vmap(f), key, n)
        for parameter, slope in slopes.items():
            theta = getattr(found, parameter)
            value += jax.lax.stop_gradient(slope) * (theta - jax.lax.stop_gradient(theta))
        return value


def _poisson(law: Any, f: Callable, key: Any, n: int):
    x = law.sample(key, (n,))
    value = jnp.mean(f(x))
    return value, {"rate": jnp.mean(f(x + 1)) - value}


def _exponential(law: Any, f: Callable, key: Any, n: int):
    x = in_dtype_of(law, law.sample(key, (2, n)))
    value = jnp.mean(f(x[0]))
    return value, {"rate": (value - jnp.mean(f(x[0] + x[1]))) / law.rate}


def _normal(law: Any, f: Callable, key: Any, n: int):
    keys = jax.random.split(key, 4)
    dtype = jnp.result_type(law.loc, law.scale, 0.0)
    w = jnp.sqrt(2 * jax.random.exponential(keys[0], (n,), dtype))
    m = jnp.sqrt(2 * jax.random.gamma(keys[1], 1.5, (n,), dtype)) * jax.random.rademacher(keys[2], (n,), dtype)
    u = jax.random.uniform(keys[3], (n,), dtype)
    at = lambda z: jnp.mean(f(law.loc + law.scale * z))
    value = at(u * m)  # of the standard normal law
    return value, {
        "loc": (at(w) - at(-w)) / (law.scale * jnp.sqrt(2 * jnp.pi)),
        "scale": (at(m) - value) / law.scale,
    }


_RULES: dict[type, Callable] = {dist.Poisson: _poisson, dist.Exponential: _exponential, dist.Normal: _normal}
