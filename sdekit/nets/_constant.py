"""A constant positive diffusion coefficient."""

from jaxtyping import Array, Float

from .._parameters import AbstractParametric, constraints, parameter
from .._types import RealScalar, State, as_vector


__all__ = ["ConstantDiffusion"]


class ConstantDiffusion(AbstractParametric):
    """A diffusion coefficient `(t, x) -> (d,)` that is constant, diagonal and positive; `fit` keeps it positive.

    **Arguments:**

    - `scale`: the noise of each component, positive, a number or shape `(d,)`, in units of the state per root unit of
        time.

    **Raises:** `ValueError` if `scale` is not positive.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.nets import ConstantDiffusion, MLPField
        from sdekit.processes import Additive, Diffusion
        model = Diffusion(
            drift=MLPField(dim=2, width=16, depth=2, key=jax.random.key(0)),
            diffusion=ConstantDiffusion(scale=jnp.array([0.1, 0.2])),
            initial=dist.Normal(jnp.zeros(2), jnp.ones(2)).to_event(1),
            structure=Additive,
        )
        path = model.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(1))
        ```
    """

    scale: Float[Array, " d"] = parameter(constraints.positive, converter=as_vector)

    def __call__(self, t: RealScalar, x: State) -> Float[Array, " d"]:
        return self.scale
