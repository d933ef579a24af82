"""Gaussian marginals of a posterior, as functions of time: what simulation-free objectives learn."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key, RealScalar
from ._checks import check_sizes, scale_last


__all__ = ["AbstractMarginals", "MarginalMLP"]


class AbstractMarginals(eqx.Module):
    r"""The marginal laws $N(m_t, L_t L_t^\top)$ of a posterior, with $m$ and $L$ differentiable in time.

    They say how the posterior moves too: along the drift that has these marginals and the diffusion of the prior. A
    `LatentSDE` takes an object of this kind in place of a control.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk

        class Straight(sk.nets.AbstractMarginals):  # a new kind: one method
            def __call__(self, t, context):
                return context * t, 0.1 * jnp.eye(context.shape[0])

        Straight()(0.5, jnp.ones(2))[0]  # [0.5, 0.5]
        ```
    """

    @abc.abstractmethod
    def __call__(self, t: RealScalar, context: Float[Array, " c"]) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
        """The mean and a lower triangular root of the covariance, with a positive diagonal."""


class MarginalMLP(AbstractMarginals):
    r"""Gaussian marginals by a network of the time and the context.

    Time enters as $\sin$ and $\cos$ at each frequency. The context must move with time without a jump
    (`BetweenEncoder`), or not at all (`FirstFrames`). Initial deviations are `spread`, and initial means near zero.

    **Arguments:**

    - `dim`: the length `d` of a state.
    - `context`: the length `c` of a context.
    - `width`, `depth`: of the network.
    - `full`: whether components are correlated; a diagonal root otherwise.
    - `spread`: the deviations to begin with.
    - `floor`: what is added to each deviation, so that densities stay bounded.
    - `frequencies`: angular frequencies of the features of time; none, if the marginals are not to know the time.
    - `activation`: between layers; smooth, since the objective needs derivatives in time.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1, a spread that is not above the floor, or a negative floor.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import MarginalMLP
        marginals = MarginalMLP(dim=2, context=3, width=16, depth=2, key=jax.random.key(0))
        mean, root = marginals(0.5, jnp.ones(3))  # (2,), (2, 2)
        ```

    Source: Bartosh, Vetrov and Naesseth (2025), SDE matching; Course and Nair (2023), Amortized
    reparametrization: efficient and scalable variational inference for latent SDEs.
    """

    mlp: eqx.nn.MLP
    full: bool = eqx.field(static=True)
    spread: float = eqx.field(static=True)
    floor: float = eqx.field(static=True)
    frequencies: tuple[float, ...] = eqx.field(static=True)
    dim: int = eqx.field(static=True)

    def __init__(
        self,
        dim: int,
        context: int,
        width: int,
        depth: int,
        *,
        key: Key,
        full: bool = False,
        spread: float = 0.3,
        floor: float = 1e-3,
        frequencies: tuple[float, ...] = (1.0,),
        activation: Callable[[Array], Array] = jax.nn.silu,
    ):
        check_sizes("MarginalMLP", dim=dim, context=context, width=width, depth=depth)
        ok = 0 <= floor < spread
        require(ok, "MarginalMLP.floor, spread", "must be ordered, 0 <= floor < spread", (floor, spread), "pass 0, 0.3")
        outputs = dim + dim + (dim * (dim - 1) // 2 if full else 0)
        mlp = eqx.nn.MLP(2 * len(frequencies) + context, outputs, width, depth, activation, key=key)
        self.mlp = scale_last(mlp, 0.1)
        self.full, self.spread, self.floor, self.dim = full, float(spread), float(floor), dim
        self.frequencies = tuple(float(w) for w in frequencies)

    def __call__(self, t: RealScalar, context: Float[Array, " c"]) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
        angles = jnp.asarray(t, context.dtype) * jnp.asarray(self.frequencies, context.dtype)
        out = self.mlp(jnp.concatenate([jnp.sin(angles), jnp.cos(angles), context]))
        mean, logs, lower = jnp.split(out, [self.dim, 2 * self.dim])
        root = jnp.diag(self.floor + (self.spread - self.floor) * jnp.exp(logs))
        if self.full:
            root = root.at[jnp.tril_indices(self.dim, -1)].set(self.spread * lower)
        return mean, root
