"""The double well, and the law it settles to."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, ArrayLike, Float
from numpyro.distributions import constraints as domains

from .._parameters import constraints, law_field, parameter
from .._process import AbstractInterpretation, AbstractNoiseStructure, AbstractStationary, Additive, Ito
from .._types import Key, Law, RealScalar, State, as_vector
from ._numerical import AbstractNumericalDiffusion
from ._stable import to_dtype, vectors


__all__ = ["DoubleWell", "DoubleWellLaw"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)
_HALVINGS = 60


class DoubleWell(AbstractNumericalDiffusion, AbstractStationary):
    r"""$dX = -V'(X)\,dt + \sigma\,dW$ in $V(x) = B\left(x^2/w^2 - 1\right)^2$, each component on its own.

    Two wells at $\pm w$, a barrier of height $B$ between them. The defaults give $V = (x^2 - 1)^2/4$, drift $x - x^3$.
    The stationary density is proportional to $e^{-2V/\sigma^2}$.

    **Arguments:**

    - `barrier`: $B > 0$, a number or shape `(d,)`.
    - `width`: $w > 0$, a number or shape `(d,)`.
    - `scale`: $\sigma > 0$, a number or shape `(d,)`.
    - `start`: the law at the first time; `None` for the stationary law, which then moves with the parameters.

    **Raises:** `ValueError` if a parameter is not positive or the shapes do not fit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import DoubleWell
        process = DoubleWell(scale=0.5)
        path = process.sample(jnp.linspace(0.0, 5.0, 51), key=jax.random.key(0))
        process.stationary().log_prob(jnp.ones(1))
        ```

    Source: Kramers (1940), Brownian motion in a field of force.
    """

    barrier: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    width: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)
    start: Law | None = law_field()
    """The law at the first time; `None` for the stationary law, which then moves with the parameters."""
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(
        self, barrier: ArrayLike = 0.25, width: ArrayLike = 1.0, scale: ArrayLike = 0.5, start: Law | None = None
    ):
        self.barrier, self.width, self.scale = vectors("DoubleWell", barrier=barrier, width=width, scale=scale)
        self.start = start

    @property
    def dim(self) -> int:
        return self.scale.shape[0]

    @property
    def initial(self) -> Law:
        return self.stationary() if self.start is None else self.start

    def potential(self, x: State) -> Float[Array, " d"]:
        """The potential of each component, shape `(d,)`."""
        return self.barrier * ((x / self.width) ** 2 - 1) ** 2

    def drift(self, t: RealScalar, x: State) -> State:
        return -4 * self.barrier * x / self.width**2 * ((x / self.width) ** 2 - 1)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.DiagonalLinearOperator(self.scale)

    def stationary(self) -> Law:
        return DoubleWellLaw(2 * self.barrier / self.scale**2, self.width).to_event(1)


class DoubleWellLaw(dist.Distribution):
    r"""The law with density proportional to $e^{-\beta(x^2/w^2 - 1)^2}$.

    The normaliser and the distribution function are Gauss-Legendre quadratures, accurate to rounding for
    $\beta \ge 0.01$. Draws invert the distribution function; they carry no derivative with respect to the parameters.

    **Arguments:**

    - `sharpness`: $\beta > 0$, the barrier in units of the noise, any shape.
    - `width`: $w > 0$, where the wells are.

    !!! example

        ```python
        from sdekit.processes import DoubleWellLaw
        law = DoubleWellLaw(sharpness=2.0, width=1.0)
        law.cdf(0.0)  # 0.5
        ```
    """

    arg_constraints = {"sharpness": domains.positive, "width": domains.positive}
    support: Any = domains.real
    reparametrized_params: list[str] = []

    sharpness: Float[Array, "..."]
    width: Float[Array, "..."]

    def __init__(self, sharpness: ArrayLike, width: ArrayLike = 1.0, *, validate_args: bool | None = None):
        dtype = to_dtype(sharpness, width)
        self.sharpness, self.width = jnp.broadcast_arrays(jnp.asarray(sharpness, dtype), jnp.asarray(width, dtype))
        super().__init__(batch_shape=self.sharpness.shape, validate_args=validate_args)

    def _spread(self, value: ArrayLike) -> "tuple[Array, DoubleWellLaw]":
        """The value and the law, at one shape."""
        value = jnp.asarray(value)
        law = self.expand(jnp.broadcast_shapes(value.shape, self.batch_shape))
        return jnp.broadcast_to(value, law.batch_shape), law

    def expand(self, batch_shape: tuple[int, ...]) -> "DoubleWellLaw":
        at = lambda v: jnp.broadcast_to(v, batch_shape)
        return DoubleWellLaw(at(self.sharpness), at(self.width), validate_args=False)

    def _edges(self) -> tuple[Array, Array]:
        # Beyond |u| with (u^2 - 1)^2 = 40 / beta the density is e^-40 of its top; below, for wells far apart, as well.
        reach = jnp.sqrt(40 / self.sharpness)
        return jnp.sqrt(jnp.maximum(1 - reach, 0.0)), jnp.sqrt(1 + reach)

    def _integral(self, u: Array, f: Callable[[Array], Array]) -> Array:
        """The integral of `f` times the density from the inner edge to `u >= 0`, in widths and not normalised."""
        low, high = self._edges()
        half = (jnp.clip(u, low, high) - low) / 2

        def at(node):
            v = low + half * (1 + node)
            return f(v) * jnp.exp(-self.sharpness * (v**2 - 1) ** 2)

        values = jax.vmap(at, out_axes=-1)(jnp.asarray(_NODES, half.dtype))
        return half * (values @ jnp.asarray(_WEIGHTS, half.dtype))

    def _mass(self, u: Array) -> Array:
        return self._integral(u, jnp.ones_like)

    def _half(self) -> Array:
        return self._mass(self._edges()[1])

    def log_prob(self, value: ArrayLike, intermediates: list | None = None) -> Array:
        x, law = self._spread(value)
        return -law.sharpness * ((x / law.width) ** 2 - 1) ** 2 - jnp.log(2 * law._half() * law.width)

    def cdf(self, value: ArrayLike) -> Array:
        x, law = self._spread(value)
        return (1 + jnp.sign(x) * law._mass(jnp.abs(x) / law.width) / law._half()) / 2

    def sample(self, key: Key, sample_shape: tuple[int, ...] = ()) -> Array:
        shape = self.shape(sample_shape)
        p, law = self._spread(jax.random.uniform(key, shape, self.width.dtype, -1.0, 1.0))
        mass = jnp.abs(p) * law._half()

        def halve(_, ends):
            low, high = ends
            middle = (low + high) / 2
            right = law._mass(middle) < mass
            return jnp.where(right, middle, low), jnp.where(right, high, middle)

        low, high = jax.lax.fori_loop(0, _HALVINGS, halve, law._edges())
        return jax.lax.stop_gradient(jnp.sign(p) * law.width * (low + high) / 2)

    @property
    def mean(self) -> Array:
        return jnp.zeros_like(self.width)

    @property
    def variance(self) -> Array:
        return self.width**2 * self._integral(self._edges()[1], jnp.square) / self._half()
