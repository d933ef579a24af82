"""The hyperbolic equation of the signature kernel, along anti-diagonals."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require


__all__ = ["goursat"]


def goursat(cells: Float[Array, "m n"], refine: int = 1) -> Float[Array, ""]:
    r"""The last corner of $\partial_s \partial_t k = a(s, t)\,k$ with $k = 1$ on the first two sides.

    $a$ is constant on cells. With $c$ the integral of $a$ over a cell, of second order,
    $k_{11} = (k_{01} + k_{10})(1 + c/2 + c^2/12) - k_{00}(1 - c^2/12)$. All cells of an anti-diagonal are found at
    once: one scan of $m + n - 1$ steps.

    **Arguments:**

    - `cells`: the integrals of $a$, shape `(m, n)`.
    - `refine`: into how many parts a cell is cut, in each direction.

    **Returns:** a scalar.

    **Raises:** `ValueError` for a `refine` below 1.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.math import goursat
        goursat(jnp.ones((1, 1)), refine=64)  # the Bessel function I_0(2), 2.2796
        ```

    Source: Salvi, Cass, Foster, Lyons and Yang (2021), The signature kernel is the solution of a Goursat PDE, theorem
    2.5 and section 3.2.
    """
    require(refine >= 1, "refine", "must be at least 1", refine, "pass a positive number of parts")
    for axis in (0, 1):
        cells = jnp.repeat(cells, refine, axis)
    cells = cells / refine**2
    m, n = cells.shape
    # Row i moves i places to the right: column e then holds the cells with i + j = e.
    skewed = jnp.pad(cells, ((0, 0), (0, m))).reshape(-1)[: m * (n + m - 1)].reshape(m, n + m - 1)
    one = jnp.ones((1,), cells.dtype)
    i = jnp.arange(1, m + 1)

    def step(carry, row):
        older, old = carry  # two diagonals: entry i is at the corner (i, e - i)
        c, e = row
        square = c**2 / 12
        inside = (old[1:] + old[:-1]) * (1 + c / 2 + square) - older[:-1] * (1 - square)
        new = jnp.concatenate([one, jnp.where(i < e, inside, 1)])
        return (old, new), None

    start = jnp.ones(m + 1, cells.dtype)
    (_, last), _ = jax.lax.scan(step, (start, start), (skewed.T, jnp.arange(2, m + n + 1)))
    return last[m]
