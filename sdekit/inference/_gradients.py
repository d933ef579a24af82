r"""Estimators of the gradient of $E_{x \sim p_\theta} f(x)$ in $\theta$, through draws that `grad` cannot see through.

Each is an estimate of the expectation whose derivative is the estimate of the gradient, so that `jax.grad` goes through
it like through any other number, and what `f` closes over is differentiated as usual.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float, PyTree

from .._errors import require
from .._types import Array, Key, Law


__all__ = ["AbstractGradientEstimator", "Enumeration", "Reparametrised", "ScoreFunction", "in_dtype_of", "law_of"]


class AbstractGradientEstimator(eqx.Module):
    """An estimate of an expectation that can be differentiated by the parameters of the law.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.inference import AbstractGradientEstimator, Enumeration, ScoreFunction
        law = lambda p: dist.Bernoulli(probs=p)
        def slope(estimator: AbstractGradientEstimator):
            loss = lambda p: estimator(lambda x: (x - 0.45) ** 2, law, p, key=jax.random.key(0), n=100)
            return jax.jit(jax.grad(loss))(jnp.array(0.3))
        slope(Enumeration()), slope(ScoreFunction())  # (0.1, near it)
        ```
    """

    @abc.abstractmethod
    def __call__(
        self, f: Callable[[Any], Float[Array, ""]], law: Callable[[Any], Law], params: PyTree, *, key: Key, n: int
    ) -> Float[Array, ""]:
        """An estimate of the mean of `f(x)` for `x` drawn from `law(params)`.

        First derivatives are the estimates of those of the mean; higher ones are not.

        **Arguments:**

        - `f`: a function of one draw, with a number as its value.
        - `law`: from parameters to a NumPyro distribution without a batch shape.
        - `params`: any PyTree of parameters.
        - `key`: a JAX key.
        - `n`: how many draws to average over.
        """


def law_of(law: Callable[[Any], Law], params: PyTree, n: int) -> Law:
    """The law at its parameters, checked."""
    require(n >= 1, "n", "must be a positive number of draws", n, "pass n >= 1")
    found = law(params)
    is_law = isinstance(found, Law)
    require(is_law, "law", "must return a NumPyro distribution", found, "pass e.g. lambda p: dist.Poisson(p)")
    remedy = "make the components one draw by `.to_event(...)`, or vmap over the estimator"
    require(found.batch_shape == (), "law", "must have no batch shape", found.batch_shape, remedy)
    return found


def in_dtype_of(law: Law, x: Any) -> Array:
    """Draws in the dtype of the parameters of their law: laws draw in the widest dtype that is enabled."""
    known = [v for v in jax.tree.leaves(law) if eqx.is_inexact_array(v)]
    return x.astype(jnp.result_type(*known)) if known and eqx.is_inexact_array(x) else x


class Reparametrised(AbstractGradientEstimator):
    r"""$f$ is differentiated along the draw $x = x(\theta, \varepsilon)$. For laws and functions that are smooth.

    The law must have reparametrised draws (`has_rsample`), and `f` a derivative almost everywhere and no jumps: a jump
    adds a bias that nothing tells.

    **Raises:** `ValueError` for a law whose draws cannot be differentiated, such as a discrete one.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.inference import Reparametrised
        loss = lambda m: Reparametrised()(jnp.cos, lambda m: dist.Normal(m, 0.5), m, key=jax.random.key(0), n=1000)
        jax.jit(jax.grad(loss))(0.3)  # near -sin(0.3) exp(-1/8)
        ```

    Source: Mohamed, Rosca, Figurnov and Mnih, *Monte Carlo gradient estimation in machine learning* (2020), section 5.
    """

    def __call__(self, f, law, params, *, key, n):
        found = law_of(law, params, n)
        remedy = "use ScoreFunction(), Enumeration() or MeasureValued()"
        require(found.has_rsample, "law", "must have draws that can be differentiated", type(found).__name__, remedy)
        return jnp.mean(jax.vmap(f)(in_dtype_of(found, found.rsample(key, (n,)))))


class ScoreFunction(AbstractGradientEstimator):
    r"""$\frac1n \sum_i (f(x_i) - b_i)\, \nabla \log p_\theta(x_i)$. For any law with a density and any `f`.

    Of high variance. Also called REINFORCE, or the likelihood ratio.

    **Arguments:**

    - `baseline`: what is taken off `f`, a number. `None` for the mean of the other draws, which needs two of them.

    **Raises:** `ValueError` for a single draw without a baseline.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.inference import ScoreFunction
        payoff = lambda x: jnp.where(x > 1.0, 1.0, 0.0)
        loss = lambda m: ScoreFunction()(payoff, lambda m: dist.Normal(m, 1.0), m, key=jax.random.key(0), n=1000)
        jax.jit(jax.grad(loss))(0.0)  # near the density at 1, 0.242
        ```

    Source: Williams, *Simple statistical gradient-following algorithms* (1992); the baseline by Kool, van Hoof and
    Welling, *Buy 4 REINFORCE samples, get a baseline for free* (2019), equation (8).
    """

    baseline: Float[Array, ""] | float | None = None

    def __call__(self, f, law, params, *, key, n):
        found = law_of(law, params, n)
        enough = n >= 2 or self.baseline is not None
        require(enough, "n", "must be at least 2 for a baseline of the other draws", n, "draw more, or pass a baseline")
        x = jax.lax.stop_gradient(in_dtype_of(found, found.sample(key, (n,))))
        values = jax.vmap(f)(x)
        log_prob = jnp.asarray(jax.vmap(found.log_prob)(x))
        still = jax.lax.stop_gradient(values)
        base = (jnp.sum(still) - still) / (n - 1) if self.baseline is None else self.baseline
        score = jax.lax.stop_gradient(still - base) * (log_prob - jax.lax.stop_gradient(log_prob))
        return jnp.mean(values + score)


class Enumeration(AbstractGradientEstimator):
    r"""$\sum_x p_\theta(x) f(x)$: exact, for laws over a few values. Draws nothing: `key` and `n` play no part.

    **Raises:** `ValueError` for a law whose values cannot be listed.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.inference import Enumeration
        law = lambda logits: dist.Categorical(logits=logits)
        loss = lambda z: Enumeration()(lambda k: 1.0 * k**2, law, z, key=jax.random.key(0), n=1)
        jax.jit(jax.grad(loss))(jnp.zeros(3))
        ```

    Source: Mohamed, Rosca, Figurnov and Mnih, *Monte Carlo gradient estimation in machine learning* (2020).
    """

    def __call__(self, f, law, params, *, key, n):
        found = law_of(law, params, n)
        listed = found.has_enumerate_support and found.event_shape == ()
        remedy = "use ScoreFunction() or MeasureValued()"
        require(listed, "law", "must have values that can be listed", type(found).__name__, remedy)
        x = found.enumerate_support(expand=False)
        values = jax.vmap(f)(x)
        p = jnp.exp(jax.vmap(found.log_prob)(x))
        return jnp.sum(p * values)
