"""Diffusions from networks: of any noise, and around what is known."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist

from .._errors import fault, require
from .._types import Key, Law, RealScalar, State
from ..nets import BoundedDiffusion, BoundedField, ConstantDiffusion, MatrixDiffusion, MLPField
from ..processes import (
    AbstractInterpretation,
    AbstractNoiseStructure,
    Additive,
    Diagonal,
    Diffusion,
    General,
    Ito,
    Scalar,
)


__all__ = ["HybridDrift", "neural_sde"]


def neural_sde(
    dim: int,
    *,
    width: int,
    depth: int,
    key: Key,
    noise: type[AbstractNoiseStructure] = Diagonal,
    interpretation: type[AbstractInterpretation] = Ito,
    noises: int | None = None,
    scale: float = 0.3,
    bound: float = 5.0,
    pull: float | None = 1.0,
    time: bool = False,
    initial: Law | None = None,
) -> Diffusion:
    r"""A neural SDE: a diffusion whose drift and noise are networks, bounded so that no weights make it blow up.

    | `noise` | diffusion coefficient | noises |
    |---|---|---|
    | `Additive` | `ConstantDiffusion` | `d` |
    | `Diagonal` | `BoundedDiffusion`: entry $i$ sees $x_i$ alone | `d` |
    | `Scalar` | `MatrixDiffusion` of one column | 1 |
    | `General` | `MatrixDiffusion` | `noises`, or `d` |

    The drift is a `BoundedField`. Before it has learned anything the model is close to an Ornstein-Uhlenbeck process of
    rate `pull`. Its parts are its fields: replace one by building a `Diffusion` of your own. With fewer noises than
    components, transitions have no density, or nearly none: fit such a model within a `LatentSDE`.

    **Arguments:**

    - `dim`: the length `d` of a state.
    - `width`, `depth`: of the networks.
    - `noise`: `Additive`, `Diagonal`, `Scalar` or `General`, the type itself.
    - `interpretation`: `Ito` or `Stratonovich`.
    - `noises`: how many Brownian motions, for general noise.
    - `scale`: the size of the noise to begin with, in units of the state per root unit of time.
    - `bound`, `pull`: of the drift, as in `BoundedField`.
    - `time`: whether drift and noise depend on time.
    - `initial`: the law of the first state; standard normal if not given.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `Diffusion`: draw with `sample` or `solve`, fit by `TransitionLikelihood`, or within a `LatentSDE`.

    **Raises:** `ValueError` for sizes below 1, a scale, bound or pull that is not positive, or `noises` where the
    structure says how many; `TypeError` for a noise that is none of the four types.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.neural import neural_sde
        from sdekit.processes import General, Stratonovich
        model = neural_sde(2, width=16, depth=1, noise=General, interpretation=Stratonovich, key=jax.random.key(0))
        model.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(1), n=4).xs.shape  # (4, 11, 2)
        ```

    Source: Kidger (2021), On neural differential equations, sections 4.1 and 4.4; Li, Wong, Chen and Duvenaud (2020),
    Scalable gradients for stochastic differential equations.
    """
    first, second = jax.random.split(key)
    require(dim >= 1, "dim", "must be a positive integer", dim, "pass the length of a state")
    require(scale > 0, "scale", "must be positive", scale, "pass e.g. 0.3")
    fits = noises is None or noise is General
    require(fits, "noises", "is for general noise", noises, "leave it out, or pass noise=General")
    if noise is Additive:
        diffusion = ConstantDiffusion(jnp.full(dim, scale))
    elif noise is Diagonal:
        # Half of the way between its bounds to begin with.
        diffusion = BoundedDiffusion(dim, width, depth, low=0.05 * scale, high=1.95 * scale, time=time, key=second)
    elif noise is Scalar or noise is General:
        m = 1 if noise is Scalar else dim if noises is None else noises
        diffusion = MatrixDiffusion(dim, m, width, depth, scale=scale, time=time, key=second)
    else:
        raise TypeError(fault("noise", "must be Additive, Diagonal, Scalar or General", noise, "pass the type itself"))
    drift = BoundedField(dim, width, depth, bound=bound, pull=pull, time=time, key=first)
    law = dist.Normal(jnp.zeros(dim), jnp.ones(dim)).to_event(1) if initial is None else initial
    return Diffusion(drift, diffusion, law, interpretation, noise)


class HybridDrift(eqx.Module):
    """A drift that is what is known plus a network for the rest.

    With a network that is zero to begin with, as `HybridDrift.around` builds it, an untrained model is the known one.
    What is known has parameters if it is a module that declares them; a fit moves them with the network, unless they
    are frozen (`frozen=lambda m: m.drift_field.known`). The two are told apart by the data alone: where the network
    could say what a parameter says, fix one of them.

    **Arguments:**

    - `known`: called as `known(t, x)`, returns `(d,)`: a function, a module, or the `drift` of a process.
    - `network`: likewise; e.g. an `MLPField` with `out_scale=0.0`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.neural import HybridDrift
        spring = lambda t, x: jnp.stack([x[1], -x[0]])
        drift = HybridDrift.around(spring, dim=2, width=16, depth=2, key=jax.random.key(0))
        drift(0.0, jnp.array([1.0, 0.0]))  # [0., -1.]: the network has learned nothing yet
        ```

    Source: Rackauckas et al. (2020), Universal differential equations for scientific machine learning.
    """

    known: Callable[[RealScalar, State], State]
    network: Callable[[RealScalar, State], State]

    @classmethod
    def around(
        cls,
        known: Callable[[RealScalar, State], State],
        *,
        dim: int,
        width: int,
        depth: int,
        key: Key,
        time: bool = False,
    ) -> "HybridDrift":
        """What is known, and a network that starts at exactly zero.

        **Arguments:**

        - `known`: called as `known(t, x)`.
        - `dim`: the length of a state.
        - `width`, `depth`: of the network.
        - `time`: whether the network depends on time.
        - `key`: a JAX key for the initial weights.

        **Returns:** a `HybridDrift`.
        """
        return cls(known, MLPField(dim, width, depth, time=time, out_scale=0.0, key=key))

    def __call__(self, t: RealScalar, x: State) -> State:
        return self.known(t, x) + self.network(t, x)
