"""What kind of law a process starts from."""

import jax.numpy as jnp
import numpyro.distributions as dist

from .._errors import fault
from .._types import Law, State


__all__ = ["components", "fixed_state"]


def components(law: Law) -> Law:
    """The law under `to_event`: that of each component, for independent components."""
    while isinstance(law, dist.Independent):
        law = law.base_dist
    return law


def fixed_state(law: Law, owner: str) -> State:
    """The state that a `Delta` law gives.

    **Raises:** `ValueError` for any other law: the marginal is then a mixture without a closed form.
    """
    base = components(law)
    if isinstance(base, dist.Delta):
        return jnp.asarray(base.v)
    problem = "must be Delta for a marginal in closed form"
    raise ValueError(fault(f"{owner}.initial", problem, base, "draw samples instead, or fix the start"))
