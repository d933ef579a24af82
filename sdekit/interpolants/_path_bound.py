r"""The likelihood of the diffusion, $\epsilon > 0$: a bound by the laws of paths."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import require
from .._types import Array, Key, Law, RealScalar, State, as_float, is_concrete
from ._field import Field
from ._grids import uniform_grid


__all__ = ["path_log_prob"]


def path_log_prob(
    field: Field,
    x: State,
    base: Law,
    epsilon: RealScalar | Callable[[RealScalar], Array],
    *,
    key: Key,
    steps: int = 100,
    grid: Float[Array, " n+1"] | None = None,
    paths: int = 1,
    importance: bool = False,
) -> Float[Array, ""]:
    r"""A lower bound of the log-density of a datum under the diffusion that a field generates with $\epsilon > 0$.

    Euler's steps from the base, $x' \sim N(x + h(b + \epsilon s),\,2\epsilon h)$, have a law of paths $P$. From the
    datum paths go back by $x \sim N(x' - h(b - \epsilon s),\,2\epsilon h)$, the backward diffusion of the same field,
    a law $Q$. Then

    $$\log p(x) \ge E_Q\Big[\log\rho_0(x_0) + \sum_k \log\frac{p(x_{k+1} \mid x_k)}{q(x_k \mid x_{k+1})}\Big],$$

    for the density $p$ of what `EulerStep(epsilon)` makes on that grid, whatever the field and however few the steps;
    no divergence is needed. The gap is the divergence of $Q$ from $P$ given the datum, and by Girsanov's theorem it
    goes to 0 with the steps for the exact field: the bound is then $\log\rho_1(x)$. That of the flow, `log_prob`, is
    of another law where the field is not exact.

    **Arguments:**

    - `field`: a field that tells velocity and score.
    - `x`: a datum, shape `(d,)`; map over more with `jax.vmap`.
    - `base`: the law at the other end; `base_law(path, d)` for a one-sided path.
    - `epsilon`: $\epsilon$, a number or a function of the time of the path, positive at all times of the grid but the
        last.
    - `key`: a JAX key.
    - `steps`: the number of equal steps, or
    - `grid`: the times from the base to the data.
    - `paths`: how many paths to take the mean over.
    - `importance`: the logarithm of the mean weight instead of the mean of logarithms: a tighter bound, which goes to
        $\log p(x)$ itself with the number of paths.

    **Returns:** a number in nats, whose mean is the bound.

    **Raises:** `ValueError` for an `epsilon` or a number of paths that is not positive, or shapes that do not fit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.interpolants import base_law, exact_field, one_sided_linear, path_log_prob
        data = dist.Normal(jnp.array([1.0]), 0.5).to_event(1)
        field = exact_field(one_sided_linear(), law1=data)
        path_log_prob(field, jnp.ones(1), base_law(field.path, 1), 0.5, key=jax.random.key(0))  # near -0.226
        ```

    Source: Huang, Lim and Courville (2021), A variational perspective on diffusion-based generative models and score
    matching, theorem 3; Burda, Grosse and Salakhutdinov (2016), Importance weighted autoencoders, theorem 1.
    """
    x = as_float(x)
    require(x.ndim == 1, "x", "must have shape (d,)", x, "map over states with `jax.vmap`")
    shape = base.event_shape
    require(shape == x.shape, "base", f"must have event shape {x.shape}", shape, "give a law of the states")
    require(paths >= 1, "paths", "must be at least 1", paths, "draw at least one path")
    if not callable(epsilon) and is_concrete(epsilon):
        positive = bool(np.asarray(epsilon) > 0)
        require(positive, "epsilon", "must be positive", epsilon, "use log_prob for the flow, epsilon = 0")
    grid = jnp.asarray(uniform_grid(field.path, steps) if grid is None else grid, x.dtype)
    found = jax.vmap(lambda k: _log_weight(field, x, base, epsilon, grid, k))(jax.random.split(key, paths))
    if importance:
        return jax.nn.logsumexp(found) - jnp.log(paths).astype(x.dtype)
    return found.mean()


def _log_weight(field: Field, x: State, base: Law, epsilon, grid: Array, key: Key) -> Array:
    """One path back from the datum, and the logarithm of its density forwards over that backwards."""

    def back(carry, inputs):
        after, b1, s1, total = carry
        t0, t1, k = inputs
        move, h = t1 - t0, jnp.abs(t1 - t0)
        e = jnp.asarray(epsilon(t0) if callable(epsilon) else epsilon, after.dtype)
        z = jax.random.normal(k, after.shape, after.dtype)
        before = after - move * b1 + h * e * s1 + jnp.sqrt(2 * e * h) * z
        b0, s0 = field.velocity_and_score(t0, before)
        left = after - before - move * b0 - h * e * s0
        total = total + (z @ z - left @ left / (2 * e * h)) / 2
        return (before, b0, s0, total), None

    start = (x, *field.velocity_and_score(grid[-1], x), jnp.zeros((), x.dtype))
    keys = jax.random.split(key, grid.shape[0] - 1)
    (first, _, _, total), _ = jax.lax.scan(back, start, (grid[:-1], grid[1:], keys), reverse=True)
    return jnp.asarray(base.log_prob(first)) + total
