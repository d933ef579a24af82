"""Networks for the two halves of a latent SDE: the control of its posterior, and a bounded diffusion."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key, RealScalar, State
from ..noise import AbstractDriver, BrownianDriver
from ._activations import lipswish
from ._checks import check_sizes, scale_last


__all__ = ["AffineControl", "BoundedDiffusion", "ControlMLP"]


class ControlMLP(eqx.Module):
    r"""A control $u(t, x, z, c) \in R^m$ as a multi-layer perceptron: what shifts the noise of a posterior.

    Inputs are $\sin$ and $\cos$ of the time at each frequency, the state, the modes of the driver in units of their
    stationary standard deviations ($z_j \sqrt{1 + 2 \gamma_j}$), and the context. The last layer is zero to begin with:
    $u = 0$, and the posterior starts as the prior.

    **Arguments:**

    - `dim`: the length `d` of a state; 0 for a control that does not look at it.
    - `noise`: the number `m` of noises.
    - `context`: the length `c` of a context.
    - `width`, `depth`: of the network.
    - `driver`: the driver of the noise, for its rates and how many modes it has; Brownian, without any, if not given.
    - `frequencies`: angular frequencies of the features of time; none, if the control is not to know the time.
    - `activation`: between layers.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import ControlMLP
        control = ControlMLP(dim=2, noise=2, context=3, width=16, depth=2, key=jax.random.key(0))
        control(0.0, jnp.ones(2), jnp.zeros((2, 0)), jnp.ones(3))  # [0., 0.]
        ```

    Source: Li, Wong, Chen and Duvenaud (2020), Scalable gradients for stochastic differential equations; Daems, Opper,
    Crevecoeur and Birdal (2024), Variational inference for SDEs driven by fractional noise, eq. (12), for modes.
    """

    mlp: eqx.nn.MLP
    rates: tuple[float, ...] = eqx.field(static=True)
    """The rate of each mode, 0 for those that never move."""
    frequencies: tuple[float, ...] = eqx.field(static=True)

    def __init__(
        self,
        dim: int,
        noise: int,
        context: int,
        width: int,
        depth: int,
        *,
        key: Key,
        driver: AbstractDriver | None = None,
        frequencies: Sequence[float] = (1.0,),
        activation: Callable[[Array], Array] = jax.nn.silu,
    ):
        require(dim >= 0, "ControlMLP.dim", "must not be negative", dim, "pass the length of a state")
        check_sizes("ControlMLP", noise=noise, context=context, width=width, depth=depth)
        self.rates = _mode_rates(driver)
        self.frequencies = tuple(float(w) for w in frequencies)
        inputs = 2 * len(self.frequencies) + dim + noise * len(self.rates) + context
        mlp = eqx.nn.MLP(inputs, noise, width, depth, activation, key=key)
        self.mlp = scale_last(mlp, 0.0)

    def __call__(
        self, t: RealScalar, x: State, z: Float[Array, "m j"], context: Float[Array, " c"]
    ) -> Float[Array, " m"]:
        angles = jnp.asarray(t, x.dtype) * jnp.asarray(self.frequencies, x.dtype)
        parts = [jnp.sin(angles), jnp.cos(angles), x]
        if self.rates:
            parts.append(_standardised(z, self.rates))
        return self.mlp(jnp.concatenate([*parts, context.astype(x.dtype)]))


class AffineControl(eqx.Module):
    r"""A control that is affine in the state and the modes, $u = K(t, c)\,(x, z) + k(t, c)$, its gains by a network.

    The posterior of a linear Gaussian model has a control of this form, with gains that grow as an observation comes
    near; a perceptron of all inputs at once is slow to learn the product. Gains are zero to begin with.

    **Arguments:** as `ControlMLP`.

    **Raises:** `ValueError` for sizes below 1.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import AffineControl
        control = AffineControl(dim=2, noise=2, context=3, width=16, depth=2, key=jax.random.key(0))
        control(0.0, jnp.ones(2), jnp.zeros((2, 0)), jnp.ones(3))  # [0., 0.]
        ```

    Source: Archambeau, Opper, Shen, Cornford and Shawe-Taylor (2007), Variational inference for diffusion processes,
    for linear posteriors; here amortised.
    """

    gains: ControlMLP
    """A `ControlMLP` of no state, with an output for each gain."""
    rates: tuple[float, ...] = eqx.field(static=True)
    noise: int = eqx.field(static=True)

    def __init__(
        self,
        dim: int,
        noise: int,
        context: int,
        width: int,
        depth: int,
        *,
        key: Key,
        driver: AbstractDriver | None = None,
        frequencies: Sequence[float] = (1.0,),
        activation: Callable[[Array], Array] = jax.nn.silu,
    ):
        check_sizes("AffineControl", dim=dim, noise=noise)
        self.rates, self.noise = _mode_rates(driver), noise
        columns = dim + noise * len(self.rates) + 1
        self.gains = ControlMLP(
            0, noise * columns, context, width, depth, key=key, frequencies=frequencies, activation=activation
        )

    def __call__(
        self, t: RealScalar, x: State, z: Float[Array, "m j"], context: Float[Array, " c"]
    ) -> Float[Array, " m"]:
        gains = self.gains(t, x[:0], z[:, :0], context).reshape(self.noise, -1)
        return gains @ jnp.concatenate([x, _standardised(z, self.rates), jnp.ones(1, x.dtype)])


def _mode_rates(driver: AbstractDriver | None) -> tuple[float, ...]:
    """The rate of each mode, 0 for those that never move."""
    driver = BrownianDriver() if driver is None else driver
    rates = np.append(np.asarray(driver.rates, np.float64), np.zeros(driver.still))
    return tuple(float(rate) for rate in rates)


def _standardised(z: Float[Array, "m j"], rates: tuple[float, ...]) -> Float[Array, " mj"]:
    """Modes in units of about their standard deviation."""
    return (z * jnp.asarray(np.sqrt(1 + 2 * np.asarray(rates))[None], z.dtype)).ravel()


class BoundedDiffusion(eqx.Module):
    r"""A diagonal diffusion coefficient between two bounds: entry $i$ is $l + (h - l)\,\sigma(n_i(t, x_i))$.

    Each component has a small network of its own that sees that component alone, as `structure=Diagonal` asks.

    **Arguments:**

    - `dim`: the length `d` of a state.
    - `width`, `depth`: of each network.
    - `low`, `high`: the bounds, `0 <= low < high`, in units of the state per root unit of time. A floor above 0 keeps
        the posterior's control bounded.
    - `time`: whether the coefficient depends on time.
    - `activation`: between layers.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1 or bounds out of order.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import BoundedDiffusion
        field = BoundedDiffusion(dim=2, width=8, depth=1, low=0.05, high=1.0, key=jax.random.key(0))
        field(0.0, jnp.zeros(2))  # two numbers between 0.05 and 1
        ```

    Source: Li, Wong, Chen and Duvenaud (2020), Scalable gradients for stochastic differential equations, appendix 9.
    """

    mlps: eqx.nn.MLP
    """One network a component, stacked."""
    low: float = eqx.field(static=True)
    high: float = eqx.field(static=True)
    time: bool = eqx.field(static=True)

    def __init__(
        self,
        dim: int,
        width: int,
        depth: int,
        *,
        key: Key,
        low: float = 0.01,
        high: float = 1.0,
        time: bool = False,
        activation: Callable[[Array], Array] = lipswish,
    ):
        check_sizes("BoundedDiffusion", dim=dim, width=width, depth=depth)
        ok = 0 <= low < high
        require(ok, "BoundedDiffusion.low, high", "must be ordered, 0 <= low < high", (low, high), "pass 0.01, 1.0")
        one = lambda k: eqx.nn.MLP(1 + time, 1, width, depth, activation, key=k)
        self.mlps = eqx.filter_vmap(one)(jax.random.split(key, dim))
        self.low, self.high, self.time = float(low), float(high), time

    def __call__(self, t: RealScalar, x: State) -> Float[Array, " d"]:
        def one(mlp, value):
            inputs = jnp.stack([value, jnp.asarray(t, x.dtype)]) if self.time else value[None]
            return mlp(inputs)[0]

        out = eqx.filter_vmap(one)(self.mlps, x)
        return self.low + (self.high - self.low) * jax.nn.sigmoid(out)
