"""Families of drifts for references: what iterative refinement chooses from."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._parameters import AbstractParametric, constraints, parameter
from .._process import Additive
from .._types import Array, RealScalar, State, as_vector
from ..nets import ConstantDiffusion
from ..processes import Diffusion


__all__ = ["LinearVortex", "PotentialGradient", "PredatorPrey", "RepressilatorField", "Spring", "with_noise"]


def with_noise(field: Callable[[RealScalar, State], State], scale: ArrayLike, dim: int | None = None) -> Diffusion:
    r"""The diffusion $dX = f(t, X)\,dt + \sigma\,dW$ of a drift field: a reference for bridges, started at 0.

    **Arguments:**

    - `field`: called as `field(t, x)`; a module carries its parameters.
    - `scale`: $\sigma > 0$, a number or shape `(d,)`.
    - `dim`: the number of components; needed where `scale` is a number.

    **Returns:** a `Diffusion`.

    !!! example

        ```python
        from sdekit import bridges
        reference = bridges.with_noise(bridges.PredatorPrey(), scale=0.1, dim=2)
        ```
    """
    scale = as_vector(scale)
    scale = jnp.broadcast_to(scale, (scale.shape[0] if dim is None else dim,))
    initial = dist.Delta(jnp.zeros_like(scale), event_dim=1)
    return Diffusion(field, ConstantDiffusion(scale), initial, structure=Additive)


class PredatorPrey(AbstractParametric):
    r"""$(\alpha x - \beta x y,\; \gamma x y - \delta y)$, linear in its four parameters, which may have any sign.

    **Arguments:**

    - `birth`, `predation`, `conversion`, `death`: $\alpha, \beta, \gamma, \delta$; all 0 (no drift) by default.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.bridges import PredatorPrey
        PredatorPrey(1.0, 0.4, 0.1, 0.4)(0.0, jnp.array([5.0, 4.0]))  # [-3., 0.4]
        ```

    Source: Shen, Berlinghieri and Broderick (2025), arXiv 2408.06277, section 5.
    """

    birth: Float[Array, ""] = parameter(default=0.0)
    predation: Float[Array, ""] = parameter(default=0.0)
    conversion: Float[Array, ""] = parameter(default=0.0)
    death: Float[Array, ""] = parameter(default=0.0)

    def __call__(self, t: RealScalar, x: State) -> State:
        met = x[0] * x[1]
        return jnp.stack([self.birth * x[0] - self.predation * met, self.conversion * met - self.death * x[1]])


class RepressilatorField(AbstractParametric):
    r"""A clock of three genes, each repressing the next: $\beta / (1 + (x_{i-1}/k)^n) - \gamma x_i$.

    **Arguments:**

    - `production`: $\beta$; 0 by default.
    - `decay`: $\gamma$; 0 by default.
    - `threshold`: $k > 0$.
    - `exponent`: $n > 0$.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.bridges import RepressilatorField
        RepressilatorField(10.0, 1.0, 1.0, 3.0)(0.0, jnp.array([1.0, 1.0, 2.0]))
        ```

    Source: Elowitz and Leibler (2000), A synthetic oscillatory network of transcriptional regulators.
    """

    production: Float[Array, ""] = parameter(default=0.0)
    decay: Float[Array, ""] = parameter(default=0.0)
    threshold: Float[Array, ""] = parameter(constraints.positive, default=1.0)
    exponent: Float[Array, ""] = parameter(constraints.positive, default=1.0)

    def __call__(self, t: RealScalar, x: State) -> State:
        # Noise may carry a concentration below 0, where there is nothing to repress with.
        level = jnp.maximum(jnp.roll(x, 1), 1e-8) / self.threshold
        return self.production / (1 + level**self.exponent) - self.decay * x


class LinearVortex(AbstractParametric):
    r"""A linear flow in the plane, $(a y + b, -c x + d)$: a vortex with a centre, at first without any drift.

    **Arguments:**

    - `matrix`: $(a, c)$; `offset`: $(b, d)$; 0 by default.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.bridges import LinearVortex
        LinearVortex(jnp.array([1.0, 1.0]))(0.0, jnp.array([1.0, 0.0]))  # [0., -1.]
        ```

    Source: Shen, Berlinghieri and Broderick (2025), arXiv 2408.06277, section 5 (its class, in linear coordinates).
    """

    turn: Float[Array, "2"] = parameter(converter=as_vector)
    offset: Float[Array, "2"] = parameter(converter=as_vector)

    def __init__(
        self, turn: ArrayLike | Sequence[float] = (0.0, 0.0), offset: ArrayLike | Sequence[float] = (0.0, 0.0)
    ):
        self.turn, self.offset = (as_vector(np.asarray(v, float)) for v in (turn, offset))
        for name, v in (("turn", self.turn), ("offset", self.offset)):
            require(v.shape == (2,), f"LinearVortex.{name}", "must have shape (2,)", v, "the flow is in the plane")

    def __call__(self, t: RealScalar, x: State) -> State:
        return jnp.stack([self.turn[0] * x[1], -self.turn[1] * x[0]]) + self.offset


class Spring(AbstractParametric):
    r"""Positions and velocities: $(v, -k x - c v)$, the state $(x, v)$. A reference whose paths are smooth.

    **Arguments:**

    - `stiffness`: $k$; 0 by default, free motion.
    - `damping`: $c$; 0 by default.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.bridges import Spring
        Spring(stiffness=2.0)(0.0, jnp.array([1.0, 0.5]))  # [0.5, -2.]
        ```

    Source: Chen et al. (2023), Deep momentum multi-marginal Schroedinger bridge, NeurIPS (phase space); Shen,
    Berlinghieri and Broderick (2025), arXiv 2408.06277 (a spring).
    """

    stiffness: Float[Array, ""] = parameter(default=0.0)
    damping: Float[Array, ""] = parameter(default=0.0)

    def __call__(self, t: RealScalar, x: State) -> State:
        place, speed = jnp.split(x, 2)
        return jnp.concatenate([speed, -self.stiffness * place - self.damping * speed])


class PotentialGradient(eqx.Module):
    r"""$-\nabla U(x)$ of a potential, a network say: cells that roll down a landscape.

    **Arguments:**

    - `potential`: a module from a state `(d,)` to a number.

    !!! example

        ```python
        import equinox as eqx, jax, jax.numpy as jnp
        from sdekit.bridges import PotentialGradient
        net = eqx.nn.MLP(2, "scalar", 16, 2, jax.nn.softplus, key=jax.random.key(0))
        PotentialGradient(net)(0.0, jnp.zeros(2)).shape  # (2,)
        ```

    Source: Weinreb et al. (2018), Fundamental limits on dynamic inference from single-cell snapshots.
    """

    potential: Callable[[State], Any]

    def __call__(self, t: RealScalar, x: State) -> State:
        return -jax.grad(self.potential)(x)
