r"""Where to step: times of a path from the end that is noise to that of the data."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from .._types import is_concrete
from ._path import AffinePath


__all__ = ["karras_grid", "log_snr_grid", "spread_grid", "uniform_grid"]


def uniform_grid(path: AffinePath, steps: int, *, start: float | None = None, stop: float | None = None) -> Array:
    """Times at equal distances.

    **Arguments:**

    - `path`: the path, whose noise is at `base_time` and whose data are at `data_time`.
    - `steps`: the number of steps.
    - `start`, `stop`: the first and the last time of the path; its two ends by default.

    **Returns:** times of shape `(steps + 1,)`, decreasing where the data are at time 0.

    **Raises:** `ValueError` for no step, or times outside [0, 1].

    !!! example

        ```python
        import sdekit.interpolants as si
        si.uniform_grid(si.variance_preserving(), 2)  # [1. , 0.5, 0. ]
        ```
    """
    start, stop = _ends(path, steps, start, stop)
    return jnp.linspace(start, stop, steps + 1)


def log_snr_grid(path: AffinePath, steps: int, *, start: float | None = None, stop: float | None = None) -> Array:
    r"""Times at equal distances of $\log(c^2/\gamma^2)$.

    Neither end may be one where it is infinite: `start` and `stop` are then needed.

    **Arguments:** as of `uniform_grid`.

    **Returns:** times of shape `(steps + 1,)`.

    **Raises:** `ValueError` as `uniform_grid`, and for an end without a finite ratio of signal to noise.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.log_snr_grid(si.variance_preserving(), 10, stop=1e-3)
        ```

    Source: Lu et al. (2022), DPM-Solver, section 3.
    """
    start, stop = _ends(path, steps, start, stop)
    return _even(path, start, stop, steps, lambda a, b: jnp.linspace(a, b, steps + 1))


def karras_grid(
    path: AffinePath, steps: int, *, start: float | None = None, stop: float | None = None, rho: float = 7.0
) -> Array:
    r"""Times at equal distances of $\sigma^{1/\rho}$, with $\sigma = \gamma/c$ the noise on the scale of the data.

    **Arguments:**

    - `path`, `steps`, `start`, `stop`: as of `uniform_grid`.
    - `rho`: 7 for images; the larger, the more steps at little noise.

    **Returns:** times of shape `(steps + 1,)`.

    **Raises:** `ValueError` as `log_snr_grid`, and for a `rho` that is not positive.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.karras_grid(si.variance_exploding(), 10, stop=1e-3)
        ```

    Source: Karras et al. (2022), Elucidating the design space of diffusion-based generative models, equation (5).
    """
    require(rho > 0, "rho", "must be positive", rho, "pass e.g. 7.0")
    start, stop = _ends(path, steps, start, stop)
    # sigma = exp(-log_snr / 2)
    power = lambda a: jnp.exp(-a / (2 * rho))
    return _even(path, start, stop, steps, lambda a, b: -2 * rho * jnp.log(jnp.linspace(power(a), power(b), steps + 1)))


def spread_grid(
    path: AffinePath, steps: int, deviation: float, *, start: float | None = None, stop: float | None = None
) -> Array:
    r"""Times at equal ratios of the spread of noisy data, $\sqrt{\sigma^2 + s^2}$, with $\sigma = \gamma/c$.

    The flow stretches Gaussian data of deviation $s$ by just this factor, so that each step stretches alike. Good for
    `flow` and `log_prob` where noise is large: equal times spend their steps where nothing happens. The end without
    noise may be included.

    **Arguments:**

    - `path`, `steps`, `start`, `stop`: as of `uniform_grid`.
    - `deviation`: $s$, of the data, or of their narrowest part.

    **Returns:** times of shape `(steps + 1,)`; reversed, `grid[::-1]`, they lead from the data to the noise.

    **Raises:** `ValueError` as `uniform_grid`, for an end without data, or a `deviation` that is not positive.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.spread_grid(si.geometric_brownian(0.0, 2.0), 2, 0.5)  # [1., 0.195, 0.]
        ```
    """
    require(deviation > 0, "deviation", "must be positive", deviation, "pass the deviation of the data")
    start, stop = _ends(path, steps, start, stop)
    spread = lambda t: jnp.log(jnp.exp(-path.log_snr(t)) + deviation**2)
    low, high = spread(start), spread(stop)
    for name, t, value in (("start", start, low), ("stop", stop, high)):
        if is_concrete(value):
            require(bool(jnp.isfinite(value)), name, "has no data", t, f"pass {name}= a little inside")
    squares = jnp.exp(jnp.linspace(low, high, steps + 1)[1:-1]) - deviation**2
    return _with_ends(jax.vmap(path.time_of)(-jnp.log(squares)), start, stop)


def _ends(path: AffinePath, steps: int, start: float | None, stop: float | None) -> tuple[float, float]:
    require(steps >= 1, "steps", "must be at least 1", steps, "pass a positive number of steps")
    start = path.base_time if start is None else start
    stop = path.data_time if stop is None else stop
    for name, t in (("start", start), ("stop", stop)):
        if is_concrete(t):
            require(0 <= float(t) <= 1, name, "must lie in [0, 1]", t, "times are those of the path")
    return start, stop


def _even(path, start, stop, steps, spread) -> Float[Array, " steps+1"]:
    low, high = path.log_snr(start), path.log_snr(stop)
    for name, t, value in (("start", start, low), ("stop", stop, high)):
        if is_concrete(value):
            remedy = f"pass {name}= a little inside, or use uniform_grid"
            require(bool(jnp.isfinite(value)), name, "has no finite ratio of signal to noise", t, remedy)
    return _with_ends(jax.vmap(path.time_of)(spread(low, high)[1:-1]), start, stop)


def _with_ends(inner, start, stop) -> Float[Array, " steps+1"]:
    ends = [jnp.asarray(t, inner.dtype)[None] for t in (start, stop)]
    return jnp.concatenate([ends[0], inner, ends[1]])
