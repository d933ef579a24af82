"""Gradients through draws of a categorical law that was made smooth: of low variance, and biased."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist

from .._errors import require
from .._types import is_concrete
from ._gradients import AbstractGradientEstimator, law_of


__all__ = ["GumbelSoftmax", "StraightThrough"]


def _relaxed(law, params, temperature, key, n):
    """Points of the simplex, shape `(n, k)`, near its corners at low temperature."""
    found = law_of(law, params, n)
    fits = isinstance(found, dist.CategoricalLogits | dist.CategoricalProbs)
    require(fits, "law", "must be a Categorical", type(found).__name__, "use ScoreFunction() or Enumeration()")
    assert isinstance(found, dist.CategoricalLogits | dist.CategoricalProbs)
    known: Any = found.logits
    logits = jax.nn.log_softmax(known)
    gumbel = jax.random.gumbel(key, (n, logits.shape[-1]), logits.dtype)
    return jax.nn.softmax((logits[None] + gumbel) / temperature, axis=-1)


def _require_temperature(temperature, name):
    if is_concrete(temperature):
        problem, remedy = "must be positive", "pass e.g. 0.5"
        require(float(temperature) > 0, f"{name}.temperature", problem, temperature, remedy)


class GumbelSoftmax(AbstractGradientEstimator):
    r"""**Biased.** `f` is evaluated and differentiated at smooth draws, not at values.

    Draws are $\mathrm{softmax}((\log p + G) / \tau)$ with $G$ of Gumbel's law; `f` takes such a point of the simplex,
    shape `(k,)`, of which the values are the corners. Value and gradient are those of another expectation, nearer to
    the right one the lower the temperature, at a variance that grows without bound.

    **Arguments:**

    - `temperature`: $\tau > 0$.

    **Raises:** `ValueError` for laws other than NumPyro's `Categorical`, or a temperature that is not positive.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.inference import GumbelSoftmax
        f = lambda x: (x @ jnp.arange(3.0) - 1) ** 2
        law = lambda z: dist.Categorical(logits=z)
        jax.grad(lambda z: GumbelSoftmax(0.5)(f, law, z, key=jax.random.key(0), n=100))(jnp.zeros(3))
        ```

    Source: Jang, Gu and Poole, *Categorical reparameterization with Gumbel-softmax* (2017), equation (2).
    """

    temperature: float = 0.5

    def __check_init__(self):
        _require_temperature(self.temperature, "GumbelSoftmax")

    def __call__(self, f, law, params, *, key, n):
        return jnp.mean(jax.vmap(f)(_relaxed(law, params, self.temperature, key, n)))


class StraightThrough(AbstractGradientEstimator):
    r"""**Biased.** `f` is evaluated at values, and differentiated as if the draw were smooth.

    The value is that of the right expectation; the gradient is not that of it. `f` takes a corner of the
    simplex, shape `(k,)`.

    **Arguments:**

    - `temperature`: of the smooth draw through which the derivative goes.

    **Raises:** `ValueError` for laws other than NumPyro's `Categorical`, or a temperature that is not positive.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.inference import StraightThrough
        f = lambda x: (x @ jnp.arange(3.0) - 1) ** 2
        law = lambda z: dist.Categorical(logits=z)
        jax.grad(lambda z: StraightThrough()(f, law, z, key=jax.random.key(0), n=100))(jnp.zeros(3))
        ```

    Source: Bengio, Leonard and Courville, *Estimating or propagating gradients through stochastic neurons* (2013); in
    the form of Jang, Gu and Poole (2017), section 2.2.
    """

    temperature: float = eqx.field(default=1.0)

    def __check_init__(self):
        _require_temperature(self.temperature, "StraightThrough")

    def __call__(self, f, law, params, *, key, n):
        smooth = _relaxed(law, params, self.temperature, key, n)
        corners = jax.nn.one_hot(jnp.argmax(smooth, axis=-1), smooth.shape[-1], dtype=smooth.dtype)
        # The difference is zero, exactly; its derivative is that of the smooth draw.
        return jnp.mean(jax.vmap(f)(corners + (smooth - jax.lax.stop_gradient(smooth))))
