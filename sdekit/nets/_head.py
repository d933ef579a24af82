"""A Gaussian law from a context."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from .._types import Key
from ._checks import check_sizes, scale_last


__all__ = ["GaussianHead"]


class GaussianHead(eqx.Module):
    r"""A Gaussian law of `n` numbers from a context, with a full covariance: $N(\mu(c), S(c) S(c)^\top)$.

    $S$ is lower triangular with a softplus on its diagonal. The last layer is zero to begin with, and the law the
    standard normal one.

    **Arguments:**

    - `context`: the length `c` of a context.
    - `n`: how many numbers.
    - `width`, `depth`: of the network.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import GaussianHead
        GaussianHead(context=3, n=2, width=8, depth=1, key=jax.random.key(0))(jnp.ones(3)).mean  # [0., 0.]
        ```
    """

    mlp: eqx.nn.MLP
    n: int = eqx.field(static=True)

    def __init__(self, context: int, n: int, width: int, depth: int, *, key: Key):
        check_sizes("GaussianHead", context=context, n=n, width=width, depth=depth)
        mlp = eqx.nn.MLP(context, n + n * (n + 1) // 2, width, depth, jax.nn.silu, key=key)
        self.mlp = scale_last(mlp, 0.0)
        self.n = n

    def __call__(self, context: Float[Array, " c"]) -> dist.MultivariateNormal:
        out = self.mlp(context)
        lower = jnp.zeros((self.n, self.n), out.dtype).at[jnp.tril_indices(self.n)].set(out[self.n :])
        unit = jnp.log(jnp.expm1(jnp.ones((), out.dtype)))  # softplus of it is 1
        scale = jnp.tril(lower, -1) + jnp.diag(jax.nn.softplus(jnp.diagonal(lower) + unit))
        return dist.MultivariateNormal(out[: self.n], scale_tril=scale)
