"""Times drawn where the loss is noisiest, from its running statistics."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._types import Array, Key
from ._path import AffinePath
from ._times import AbstractTimes, Drawn, open_uniform


__all__ = ["LearnedTimes"]


class LearnedTimes(AbstractTimes):
    r"""Times drawn in proportion to the root mean square of the loss's residual, bin by bin, learned on the go.

    A look at the time $t$ moves the network by the residual $f - y$ times the weight; the variance of the gradient of
    the integral is least where times are drawn in proportion to the root of its mean square. That is kept as a running
    mean in equal bins. A part `floor` of the times stays uniform, so that no weight exceeds `1 / floor`. Until there
    are statistics times are uniform; stratified throughout. Weighted means stay unbiased for the integral.

    Statistics are arrays: between two stretches of a fit `updated` costs no compilation.

    **Arguments:**

    - `bins`: how many equal parts of [0, 1].
    - `floor`: the part of uniform times, in (0, 1].
    - `squares`: the mean squares in the bins, shape `(bins,)`; ones if not given.

    **Raises:** `ValueError` for no bin, or a `floor` outside (0, 1].

    !!! example

        ```python
        import dataclasses
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.interpolants import Field, InterpolantMatching, LearnedTimes, Velocity, one_sided_linear
        data = sk.data.Snapshots(jnp.zeros(1), 2 + jax.random.normal(jax.random.key(0), (1, 500, 2)))
        field = Field(one_sided_linear(), Velocity(lambda t, x: -x))
        objective = InterpolantMatching(times=LearnedTimes(8))
        t, squares = objective.residuals(field, data, key=jax.random.key(1))
        objective = dataclasses.replace(objective, times=objective.times.updated(t, squares))
        # ... sk.fit(fit.model, objective, data, ..., resume=fit) goes on with them
        ```

    Source: Nichol and Dhariwal (2021), Improved denoising diffusion probabilistic models, equation (18); Owen (2013),
    Monte Carlo theory, methods and examples, section 9.1.
    """

    bins: int = eqx.field(static=True)
    floor: float = eqx.field(static=True)
    squares: Float[Array, " bins"]

    def __init__(self, bins: int = 32, floor: float = 0.1, squares: Float[Array, " bins"] | None = None):
        require(bins >= 1, "bins", "must be at least 1", bins, "pass e.g. 32")
        require(0 < floor <= 1, "floor", "must lie in (0, 1]", floor, "pass e.g. 0.1")
        self.bins, self.floor = bins, floor
        self.squares = jnp.ones(bins) if squares is None else jnp.asarray(squares)
        shape = self.squares.shape
        require(shape == (bins,), "squares", f"must have shape ({bins},)", shape, "one mean square a bin")

    def density(self) -> Float[Array, " bins"]:
        """The density of times in each bin, of mean 1."""
        root = jnp.sqrt(self.squares)
        return self.floor + (1 - self.floor) * root / jnp.mean(root)

    def draw(self, path: AffinePath, n: int, dtype, *, key: Key) -> Drawn:
        density = self.density().astype(dtype)
        upper = jnp.cumsum(density) / self.bins
        u = jnp.minimum((jnp.arange(n, dtype=dtype) + open_uniform(key, n, dtype)) / n, 1 - jnp.finfo(dtype).epsneg)
        k = jnp.minimum(jnp.searchsorted(upper, u * upper[-1], side="right"), self.bins - 1)
        inside = jnp.clip(1 - (upper[k] - u * upper[-1]) * self.bins / density[k], 0, 1)
        t = (k + inside) / self.bins
        small = jnp.finfo(dtype).eps / 2
        return jnp.clip(t, small, 1 - jnp.finfo(dtype).epsneg).astype(dtype), 1 / density[k]

    def updated(self, t: Float[Array, " n"], squares: Float[Array, " n"], *, decay: float = 0.5) -> "LearnedTimes":
        """The same with new looks at squared residuals, such as those of `InterpolantMatching.residuals`.

        **Arguments:**

        - `t`: the times of the looks.
        - `squares`: the squared residuals.
        - `decay`: what is kept of the statistics of a bin; bins without a look keep all.

        **Returns:** `LearnedTimes`.
        """
        k = jnp.clip((t * self.bins).astype(int), 0, self.bins - 1)
        count = jnp.zeros(self.bins).at[k].add(1.0)
        mean = jnp.zeros(self.bins).at[k].add(squares) / jnp.maximum(count, 1)
        moved = decay * self.squares + (1 - decay) * mean
        return LearnedTimes(self.bins, self.floor, jnp.where(count > 0, moved, self.squares).astype(self.squares.dtype))
