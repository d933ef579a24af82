"""The discrete flashing ratchet."""

import jax.numpy as jnp
from jaxtyping import ArrayLike

from .._types import as_float
from ._rates import RateMatrix
from ._start import AbstractStart, Stationary


__all__ = ["flashing_ratchet"]


def flashing_ratchet(
    potential: ArrayLike = 1.0,
    switching: ArrayLike = 1.0,
    off: ArrayLike = 1.0,
    initial: AbstractStart = Stationary(),  # noqa: B008
) -> RateMatrix:
    r"""Three sites on a ring, with a potential that is switched on and off: six states, out of equilibrium.

    States 0 to 2 are the sites with the potential on, where $q_{ij} = e^{-(V_j - V_i)/2}$ with $V_i = i V$; states 3
    to 5 the same sites with it off, where all rates are `off`; a site's two states switch at rate `switching`.

    **Arguments:**

    - `potential`: V.
    - `switching`: r.
    - `off`: b.
    - `initial`: the law of the first state.

    **Returns:** a `RateMatrix`.

    Source: Roldan and Parrondo (2010), Physical Review Letters 105, 150607; in this form Seifner and Sanchez (2023).

    !!! example

        ```python
        from sdekit.jumps import entropy_rate, flashing_ratchet
        entropy_rate(flashing_ratchet(1.0))  # 0.179194
        ```
    """
    site = jnp.arange(3)
    on = jnp.exp(-(site[None, :] - site[:, None]) * as_float(potential) / 2)
    flat = jnp.full((3, 3), as_float(off))
    switch = jnp.eye(3) * as_float(switching)
    rates = jnp.block([[on, switch], [switch, flat]])
    return RateMatrix(rates * (1 - jnp.eye(6)), initial)
