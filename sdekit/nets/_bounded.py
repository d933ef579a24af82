"""Networks with bounded values: drifts that cannot run away, and noise that mixes components."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from .._parameters import AbstractParametric, constraints, parameter
from .._types import Key, RealScalar, State
from ._checks import check_sizes, scale_last


__all__ = ["BoundedField", "MatrixDiffusion"]


def _inputs(time: bool, t: RealScalar, x: State) -> Array:
    return jnp.concatenate([x, jnp.asarray(t, x.dtype)[None]]) if time else x


class BoundedField(AbstractParametric):
    r"""A vector field $f(t, x) = b \tanh(n(t, x) / b) - k x$ that no network can make blow up.

    Each component of the first part lies in $(-b, b)$; the second pulls back to the origin, $k_i > 0$ to be learned, so
    that paths stay within about $b / k$. The network starts small: an untrained field is a pull.

    **Arguments:**

    - `dim`: the length `d` of a state.
    - `width`, `depth`: of the network.
    - `bound`: $b$, in units of the state per unit of time.
    - `pull`: $k$ to begin with, positive, the same for all components; `None` for no pull at all.
    - `time`: whether the field depends on time, taken as one more input: scale times to order one.
    - `out_scale`: by what the usual initial weights of the last layer are multiplied.
    - `activation`: between layers.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1, or a bound or a pull that is not positive.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import BoundedField
        field = BoundedField(dim=2, width=16, depth=2, bound=4.0, key=jax.random.key(0))
        field(0.0, jnp.array([1e6, 0.0]))  # about -1e6 and 0: back
        ```

    Source: Kidger, Foster, Li, Oberhauser and Lyons (2021), Neural SDEs as infinite-dimensional GANs, appendix B (the
    final tanh).
    """

    mlp: eqx.nn.MLP
    bound: float = eqx.field(static=True)
    time: bool = eqx.field(static=True)
    pull: Float[Array, " d"] | None = parameter(constraints.positive, converter=lambda k: k)

    def __init__(
        self,
        dim: int,
        width: int,
        depth: int,
        *,
        key: Key,
        bound: float = 5.0,
        pull: float | None = 1.0,
        time: bool = False,
        out_scale: float = 0.01,
        activation: Callable[[Array], Array] = jax.nn.silu,
    ):
        check_sizes("BoundedField", dim=dim, width=width, depth=depth)
        require(bound > 0, "BoundedField.bound", "must be positive", bound, "pass e.g. 5.0")
        self.mlp = scale_last(eqx.nn.MLP(dim + time, dim, width, depth, activation, key=key), out_scale)
        self.pull = None if pull is None else jnp.full(dim, pull, jnp.result_type(float))
        self.bound, self.time = float(bound), time

    def __call__(self, t: RealScalar, x: State) -> Float[Array, " d"]:
        f = self.bound * jnp.tanh(self.mlp(_inputs(self.time, t, x)) / self.bound)
        return f if self.pull is None else f - self.pull * x


class MatrixDiffusion(eqx.Module):
    r"""A diffusion coefficient $g(t, x) = G + c \tanh n(t, x) \in R^{d \times m}$, for general and for scalar noise.

    $G$ is learned. The network starts small, so that an untrained coefficient is nearly `scale` times the first
    columns of the unit matrix (times ones, if there is one noise).

    **Arguments:**

    - `dim`: the length `d` of a state.
    - `noise`: the number `m` of noises.
    - `width`, `depth`: of the network.
    - `scale`: the size of $G$ to begin with, and the bound $c$ on how far an entry can be from $G$; in units of the
        state per root unit of time.
    - `time`: whether the coefficient depends on time.
    - `out_scale`: by what the usual initial weights of the last layer are multiplied.
    - `activation`: between layers.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1 or a scale that is not positive.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import MatrixDiffusion
        MatrixDiffusion(dim=2, noise=3, width=8, depth=1, key=jax.random.key(0))(0.0, jnp.ones(2)).shape  # (2, 3)
        ```

    Source: Kidger, Foster, Li, Oberhauser and Lyons (2021), Neural SDEs as infinite-dimensional GANs, appendix B.
    """

    mlp: eqx.nn.MLP
    base: Float[Array, "d m"]
    scale: float = eqx.field(static=True)
    time: bool = eqx.field(static=True)

    def __init__(
        self,
        dim: int,
        noise: int,
        width: int,
        depth: int,
        *,
        key: Key,
        scale: float = 0.3,
        time: bool = False,
        out_scale: float = 0.01,
        activation: Callable[[Array], Array] = jax.nn.silu,
    ):
        check_sizes("MatrixDiffusion", dim=dim, noise=noise, width=width, depth=depth)
        require(scale > 0, "MatrixDiffusion.scale", "must be positive", scale, "pass e.g. 0.3")
        self.mlp = scale_last(eqx.nn.MLP(dim + time, dim * noise, width, depth, activation, key=key), out_scale)
        self.base = scale * (jnp.ones((dim, 1)) if noise == 1 else jnp.eye(dim, noise))
        self.scale, self.time = float(scale), time

    def __call__(self, t: RealScalar, x: State) -> Float[Array, "d m"]:
        return self.base + self.scale * jnp.tanh(self.mlp(_inputs(self.time, t, x))).reshape(self.base.shape)
