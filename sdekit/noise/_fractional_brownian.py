"""Fractional Brownian motion on a grid, drawn at once and kept."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, DTypeLike, Float

from .._errors import require
from .._types import Array, Key, RealScalar, as_float, is_concrete
from ..math import circulant_sample, circulant_spectrum, counter_normal, fgn_autocovariance, gaussian_root
from ._abstract import AbstractNoise, _steps
from ._brownian import _regular
from ._grid import Grid


__all__ = ["FractionalBrownian"]


class FractionalBrownian(AbstractNoise):
    r"""Exact increments of fractional Brownian motion, $E|B_t - B_s|^2 = |t - s|^{2H}$ in each component, on a grid.

    The increments depend on one another, so that all are drawn when the noise is built, and kept: the same object
    replays. Equal steps in O(n log n) by circulant embedding, with the spectrum in float64 on the host; other grids by
    a dense root, O(n^3). Where `hurst` is traced both are found in the dtype of the noise, and differentiable in it.
    Batches come from `jax.vmap` over keys.

    As a driver it has no quadratic variation to correct for: `solve` takes $g\,dB$ as it stands, by Heun's method
    unless told otherwise. A constant coefficient will do with any $H$. With one that depends on the state it is Young's
    integral for $H > 1/2$ (Euler's method converges too, as slowly as $dt^{2H-1}$), and the integral of rough paths for
    $1/3 < H \le 1/2$: Heun's method agrees to second order with the Milstein scheme without areas, which converges to
    it. Rougher noise needs a constant coefficient.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.noise import FractionalBrownian
        noise = FractionalBrownian(0.7, t0=0.0, dt=0.01, steps=100, key=jax.random.key(0))
        model = sk.processes.OrnsteinUhlenbeck(rate=1.0, scale=0.5)
        sk.solve(model, jnp.linspace(0.0, 1.0, 11), noise=noise, x0=jnp.zeros(1)).xs.shape  # (11, 1)
        noise.coarsen(10).increments().shape  # (10, 1)
        ```

    Source: Mandelbrot and Van Ness (1968); Davies and Harte (1987). For the equations Deya, Neuenkirch and Tindel
    (2012), A Milstein-type scheme without Levy area terms for SDEs driven by fractional Brownian motion.
    """

    hurst: Float[Array, ""] | Float[Array, " m"]
    grid: Grid
    dim: int = eqx.field(static=True)
    table: Float[Array, "steps m"]
    """The increments."""

    def __init__(
        self,
        hurst: ArrayLike,
        t0: RealScalar | None = None,
        dt: RealScalar | None = None,
        steps: int | None = None,
        dim: int = 1,
        *,
        key: Key,
        grid: Grid | None = None,
        dtype: DTypeLike | None = None,
    ):
        """**Arguments:**

        - `hurst`: the Hurst index in (0, 1): a number, or one for each component, shape `(dim,)`.
        - `t0`, `dt`, `steps`: a regular grid: its first time, the length of a step, the number of steps.
        - `dim`: the number of components `m`, independent of one another.
        - `key`: a JAX key.
        - `grid`: any `Grid`, instead of `t0`, `dt` and `steps`.
        - `dtype`: of the increments; that of the grid by default.

        **Raises:** `ValueError` for an index outside (0, 1) and for a grid that is missing, given twice, traced in its
        number of steps, or has steps that are not positive.
        """
        problem = "or all of `t0`, `dt`, `steps` must be given, and not both"
        if t0 is not None and dt is not None and steps is not None:
            require(grid is None, "grid", problem, (t0, dt, steps), "pass one of the two")
            grid = _regular(t0, dt, steps)
        require(grid is not None, "grid", problem, (t0, dt, steps), "pass one of the two")
        assert grid is not None
        require(
            grid.steps is not None, "grid", "must have a known number of steps", grid.offsets, "build it outside `jit`"
        )
        require(dim >= 1, "dim", "must be at least 1", dim, "pass the number of components")
        index = as_float(hurst)
        require(index.shape in ((), (dim,)), "hurst", f"must have shape () or ({dim},)", index, "pass one a component")
        if is_concrete(hurst):
            known = np.asarray(hurst)
            good = bool(((known > 0) & (known < 1)).all())
            require(good, "hurst", "must lie in (0, 1)", hurst, "pass the Hurst index; 0.5 is Brownian motion")
        dtype = jnp.dtype(grid.knots.dtype if dtype is None else dtype)
        self.hurst, self.grid, self.dim = index, grid, dim
        # A concrete index in float64, whatever the user gave it in: its spectrum is found on the host.
        exact: Any = np.asarray(hurst, np.float64) if is_concrete(hurst) else index.astype(dtype)
        parts = [_component(h, grid, key, stream, dtype) for stream, h in _each_index(exact, dim)]
        self.table = jnp.concatenate(parts, axis=1)

    def increment(self, step: int | Array) -> Float[Array, " m"]:
        return self.table[step]

    def coarsen(self, factor: int) -> Self:
        """The same motion on a grid with `factor` steps joined into one. Exact.

        **Arguments:**

        - `factor`: how many steps make one; it divides the number of steps between any two knots.

        **Returns:** a noise on `grid.coarsen(factor)`.

        **Raises:** `ValueError` if the steps do not divide.
        """
        grid = self.grid.coarsen(factor)
        table = self.table.reshape(-1, factor, self.dim).sum(1)
        return eqx.tree_at(lambda n: (n.grid, n.table), self, (grid, table))

    def evaluate(self, t0: RealScalar, t1: RealScalar | None = None, left: bool = True) -> Float[Array, " m"]:
        """The increment from `t0` to `t1`, both times of the grid; from the start of the grid if `t1` is `None`.

        Run-time error for a time that is not on the grid.
        """
        del left
        if t1 is None:
            t0, t1 = self.grid.t0, t0
        start, stop = _steps(self.grid, t0, t1)
        low, high = jnp.minimum(start, stop), jnp.maximum(start, stop)
        zero = jnp.zeros(self.dim, self.table.dtype)
        total = jax.lax.fori_loop(low, high, lambda i, x: x + self.table[i], zero)
        return total * jnp.sign(stop - start).astype(total.dtype)


def _each_index(hurst: Any, dim: int) -> list[tuple[Any, Any]]:
    """The streams of numbers that share an index: all components at once, or one by one."""
    if hurst.ndim == 0:
        return [(jnp.arange(dim), hurst)]
    return [(jnp.arange(i, i + 1), hurst[i]) for i in range(dim)]


def _component(hurst: Any, grid: Grid, key: Key, streams: Array, dtype: Any) -> Float[Array, "steps c"]:
    """The increments of components with one index."""
    n = grid.steps
    assert n is not None
    one = grid.per_gap is not None and grid.knots.shape[0] == 2
    if one:
        root = _spectrum(hurst, n, dtype)
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(streams)
        noise = jax.vmap(lambda k: circulant_sample(root, k, n), out_axes=1)(keys)
        return noise * grid.width(0).astype(dtype) ** jnp.asarray(hurst, dtype)
    root = _dense_root(hurst, grid, dtype)
    draw = lambda i: counter_normal(jax.random.fold_in(key, i), 0, (n,), dtype)
    return root @ jax.vmap(draw, out_axes=1)(streams)


def _spectrum(hurst: Any, n: int, dtype: Any) -> Array:
    if isinstance(hurst, np.ndarray | np.floating):
        return jnp.asarray(circulant_spectrum(lambda k: fgn_autocovariance(np.float64(hurst), k), n), dtype)
    # The spectrum of fractional Gaussian noise is positive for every index: its root has a derivative.
    r = fgn_autocovariance(hurst, jnp.arange(max(n, 2), dtype=dtype))
    values = jnp.fft.hfft(r, 2 * (r.shape[0] - 1))
    return jnp.sqrt(jnp.maximum(values, jnp.finfo(dtype).tiny) / values.shape[0])


def _host_times(grid: Grid) -> np.ndarray:
    """All times of a known grid in float64; in NumPy, so that they stay known under `jit`."""
    knots = np.asarray(grid.knots, np.float64)
    counts = np.full(len(knots) - 1, grid.per_gap) if grid.offsets is None else np.diff(np.asarray(grid.offsets))
    starts = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(knots[:-1], knots[1:], counts, strict=True)]
    return np.concatenate([*starts, knots[-1:]])


def _dense_root(hurst: Any, grid: Grid, dtype: Any) -> Array:
    """A root of the covariance of the increments, each over its own standard deviation, times that deviation."""
    host = is_concrete((hurst, grid.knots, grid.offsets))
    xp: Any = np if host else jnp
    ts = _host_times(grid) if host else grid.times().astype(dtype)
    a = 2 * hurst
    gap = xp.abs(ts[:, None] - ts[None, :])
    # d/ds d/dt of -|t - s|^2H / 2: a second difference of the variogram.
    far = gap > 0
    power = xp.where(far, xp.where(far, gap, 1) ** a, 0)
    cov = (power[:-1, 1:] + power[1:, :-1] - power[:-1, :-1] - power[1:, 1:]) / 2
    if not host:
        return gaussian_root(cov)
    values, vectors = np.linalg.eigh(cov)
    return jnp.asarray(vectors * np.sqrt(np.maximum(values, 0)), dtype)
