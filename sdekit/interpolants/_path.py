r"""The one path: $x_t = \alpha x_0 + \beta x_1 + \gamma z + \kappa m$."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import require
from .._parameters import AbstractParametric, parameter
from .._types import Array, Key, RealScalar, State, as_float, as_vector, is_concrete
from ._schedule import AbstractSchedule


__all__ = ["AbstractInterpolant", "AffinePath", "require_time"]


def _optional_vector(x):
    return None if x is None else as_vector(x)


def require_time(t: RealScalar, argument: str = "t") -> Float[Array, ""]:
    """A time in [0, 1] as an array; NaN outside, where it is known only under `jit`."""
    if is_concrete(t):
        value = np.asarray(t)
        require(value.ndim == 0, argument, "must be a number", t, "map over times with `jax.vmap`")
        inside = -1e-6 <= float(value) <= 1 + 1e-6
        require(inside, argument, "must lie in [0, 1]", t, "scale times so that the path starts at 0 and ends at 1")
    t = as_float(t)
    near = 8 * jnp.finfo(t.dtype).eps
    ok = (t >= -near) & (t <= 1 + near)
    return jnp.where(ok, jnp.where(t < 0, 0, jnp.where(t > 1, 1, t)), jnp.nan).astype(t.dtype)


class AbstractInterpolant(AbstractParametric):
    """A random curve between two points.

    !!! example

        ```python
        import sdekit.interpolants as si
        issubclass(si.AffinePath, si.AbstractInterpolant)
        ```
    """

    @abc.abstractmethod
    def at(self, t: RealScalar, x0: State | None, x1: State | None, *, key: Key) -> State:
        """A draw of the state at time `t` in [0, 1] between `x0` and `x1`, all of shape `(d,)`."""


class Coefficients(NamedTuple):
    """The coefficients of a path at one time and their slopes; `None` for those that are zero throughout."""

    alpha: Array | None
    beta: Array | None
    gamma: Array | None
    kappa: Array | None
    d_alpha: Array | None
    d_beta: Array | None
    d_gamma: Array | None
    d_kappa: Array | None


def add(*terms: tuple[Array | None, Array | None]) -> Array:
    """The sum of coefficient times vector, less what is absent."""
    parts = [c * x for c, x in terms if c is not None and x is not None]
    return sum(parts[1:], start=parts[0]) if parts else jnp.zeros(())


class AffinePath(AbstractInterpolant):
    r"""$x_t = \alpha(t)\,x_0 + \beta(t)\,x_1 + \gamma(t)\,z + \kappa(t)\,m$ with $z \sim N(0, I)$, for $t$ in [0, 1].

    The one path type of this room. Two-sided paths have both $\alpha$ and $\beta$; one-sided paths have one of them,
    and noise takes the place of the other end. Constructors: `linear`, `trigonometric`, `encoding_decoding`, `mirror`,
    `flow_matching`, `one_sided_linear`, `one_sided_trigonometric`, `one_sided_root`, `variance_preserving`,
    `variance_exploding`, `sub_variance_preserving`, `ouve`, `mean_reverting`, `resfusion`, `geometric_brownian`,
    `from_sde`.

    **Arguments:**

    - `alpha`, `beta`, `gamma`, `kappa`: schedules, `None` for zero.
    - `mean`: $m$, shape `(d,)`, where there is a `kappa`.

    **Raises:** `ValueError` for a path without an end, `kappa` without `mean`, or $\gamma\dot\gamma$ not finite at an
    end, where velocities would be infinite.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit.interpolants as si
        path = si.linear()
        path.at(0.5, jnp.zeros(2), jnp.ones(2), key=jax.random.key(0)).shape  # (2,)
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), Stochastic interpolants, definition 1 and section 4.
    """

    alpha: AbstractSchedule | None = None
    beta: AbstractSchedule | None = None
    gamma: AbstractSchedule | None = None
    kappa: AbstractSchedule | None = None
    mean: Float[Array, " d"] | Any = parameter(trainable=False, converter=_optional_vector, default=None)

    def __check_init__(self):
        ends = self.alpha is not None or self.beta is not None
        require(ends, "AffinePath.alpha, AffinePath.beta", "must not both be absent", None, "give one of them")
        remedy = "give both, or neither"
        require((self.kappa is None) == (self.mean is None), "AffinePath.mean", "goes with kappa", self.mean, remedy)
        if self.gamma is not None and is_concrete(eqx.filter(self, eqx.is_array)):
            with jax.ensure_compile_time_eval():
                slopes = np.array([float(self.gamma.product(t)) for t in (0.0, 1.0)])
            problem = "has an infinite gamma times slope at an end, where no solver can start,"
            remedy = "let its square leave 0 at a finite slope, and give it as a RootSchedule"
            require(bool(np.isfinite(slopes).all()), "AffinePath.gamma", problem, slopes, remedy)

    @property
    def one_sided(self) -> bool:
        """Whether one end is noise, so that one field tells everything."""
        return (self.alpha is None) != (self.beta is None)

    @property
    def datum(self) -> AbstractSchedule:
        """The coefficient of the data: that of $x_1$, or of $x_0$ where it is the only end."""
        found = self.alpha if self.beta is None else self.beta
        assert found is not None
        return found

    @property
    def data_time(self) -> float:
        """Where the data are: 1, or 0 for a path without $x_1$, such as the forward diffusions."""
        return 0.0 if self.beta is None else 1.0

    @property
    def base_time(self) -> float:
        """Where generation begins: the other end."""
        return 1.0 - self.data_time

    def coefficients(self, t: RealScalar) -> Coefficients:
        """All coefficients and their slopes at `t`; that of a root is infinite where it is 0."""
        t = require_time(t)
        value = lambda s: None if s is None else s(t)
        slope = lambda s: None if s is None else s.derivative(t)
        ends = self.alpha, self.beta, self.gamma, self.kappa
        return Coefficients(*map(value, ends), *map(slope, ends))

    def combine(self, t: RealScalar, x0: State | None, x1: State | None, z: State | None) -> State:
        """The state $x_t$ for a given noise `z`."""
        c = self.coefficients(t)
        self._require_ends(x0, x1)
        return add((c.alpha, x0), (c.beta, x1), (c.gamma, z), (c.kappa, self.mean))

    def _require_ends(self, x0, x1):
        for name, x, c in (("x0", x0, self.alpha), ("x1", x1, self.beta)):
            require(c is None or x is not None, name, "is an end of this path", x, "pass the point")
        shapes = [np.shape(x) for x in (x0, x1, self.mean) if x is not None]
        require(len(set(shapes)) <= 1, "x0, x1, mean", "must have one shape", shapes, "pass points of shape (d,)")

    def at(self, t: RealScalar, x0: State | None, x1: State | None, *, key: Key) -> State:
        """A draw of $x_t$. An end that the path does not have may be `None`."""
        self._require_ends(x0, x1)
        like = x0 if x1 is None or self.beta is None else x1
        assert like is not None
        like = jnp.asarray(like)
        return self.combine(t, x0, x1, jax.random.normal(key, like.shape, like.dtype))

    def about(self, mean: State) -> "AffinePath":
        """The same path around another mean $m$.

        **Arguments:**

        - `mean`: shape `(d,)`.

        **Returns:** an `AffinePath`.

        !!! example

            ```python
            import sdekit.interpolants as si
            si.mean_reverting(mean=[0.0]).about([1.0]).mean  # [1.]
            ```
        """
        require(self.kappa is not None, "mean", "is not in this path", mean, "use a path with kappa")
        return eqx.tree_at(lambda p: p.mean, self, as_vector(mean))

    def log_snr(self, t: RealScalar) -> Float[Array, ""]:
        r"""The logarithm of the ratio of signal to noise, $\log(c^2/\gamma^2)$ with $c$ the coefficient of the data."""
        t, gamma = require_time(t), self._noise("log_snr")
        return jnp.log(self.datum.square(t)) - jnp.log(gamma.square(t))

    def time_of(self, log_snr: RealScalar) -> Float[Array, ""]:
        r"""The time at which `log_snr` has a value: the inverse, by bisection on [0, 1] to the last digit.

        The ratio must be monotone, as it is on all one-sided paths. Infinite values give the ends.
        """
        target = as_float(log_snr)
        rising = self.data_time == 1.0

        def halve(_, bounds):
            low, high = bounds
            middle = (low + high) / 2
            up = (self.log_snr(middle) < target) == rising
            return jnp.where(up, middle, low), jnp.where(up, high, middle)

        bits = 130 if not rising else 64
        zero = jnp.zeros_like(target)
        low, high = jax.lax.fori_loop(0, bits, halve, (zero, zero + 1))
        t = jax.lax.stop_gradient((low + high) / 2)
        # A step of Newton's method, of no length: it carries the gradient.
        value, slope = jax.jvp(self.log_snr, (t,), (jnp.ones_like(t),))
        moved = t - (value - jax.lax.stop_gradient(value) - (target - jax.lax.stop_gradient(target))) / slope
        return jnp.where(jnp.isfinite(slope) & (slope != 0), moved, t)

    def linear_sde(self, t: RealScalar) -> tuple[Float[Array, ""], Float[Array, ""]]:
        r"""$f$ and $g^2$ of the linear diffusion $dX = f (X - m)\,dt + g\,dW$ from data to noise with this path.

        $f = \dot c / c$ and $g^2 = 2\gamma\dot\gamma - 2 f \gamma^2$, in the direction from the data: where those are
        at time 1, it is the diffusion in $1 - t$. Where $c = 0$ the drift is infinite.

        **Arguments:**

        - `t`: the time of the path.

        **Returns:** `(f, g^2)`.

        !!! example

            ```python
            import sdekit.interpolants as si
            f, g2 = si.variance_preserving().linear_sde(0.5)  # -beta / 2 and beta, 10.05
            ```

        Source: Song et al. (2021), section 3.4; Karras et al. (2022), appendix B.
        """
        require(self.one_sided, "path", "must have one end that is noise", self, "use a one-sided path")
        t, gamma = require_time(t), self._noise("linear_sde")
        f = self.datum.derivative(t) / self.datum(t)
        sign = 1.0 if self.data_time == 0.0 else -1.0
        return sign * f, sign * (2 * gamma.product(t) - 2 * f * gamma.square(t))

    def diffusivity(self, t: RealScalar) -> Float[Array, ""]:
        r"""$g^2/2$ of `linear_sde`: the $\epsilon(t)$ with which generation is Anderson's reverse of the diffusion.

        Infinite where the coefficient of the data is 0, as at the base of `one_sided_linear`: start after it there.
        """
        return self.linear_sde(t)[1] / 2

    def _noise(self, what: str) -> AbstractSchedule:
        require(self.gamma is not None, what, "needs a path with noise", self.gamma, "give the path a gamma")
        assert self.gamma is not None
        return self.gamma
