"""Explicit Runge-Kutta methods that run backwards nearly as they ran forwards."""

from typing import ClassVar

import diffrax
import numpy as np


__all__ = ["EES25"]


def _tableau(x: float) -> diffrax.ButcherTableau:
    """The family of three-stage methods of order 2 whose inverse is the step backwards, up to order 5 included."""
    low = (1 + 2 * x) / (4 * (1 - x))
    first, second = (4 * x - 1) ** 2 / (4 * (x - 1) * (1 - 4 * x**2)), (1 - x) / (1 - 4 * x**2)
    weights = np.array([x, 0.5, 0.5 - x])
    return diffrax.ButcherTableau(
        a_lower=(np.array([low]), np.array([first, second])),
        b_sol=weights,
        b_error=weights - np.array([1.0, 0.0, 0.0]),
        c=np.array([low, first + second]),
    )


class EES25(diffrax.AbstractERK, diffrax.AbstractStratonovichSolver):
    r"""An explicit and effectively symmetric Runge-Kutta method, of order 2 and near-reversible to order 5.

    A step of length $-h$ along the increments taken backwards undoes a step of length $h$ up to $O(h^6)$, and up to
    sixth powers of the increments of the noise: a solver for `Reversible`. Three evaluations a step, for the
    Stratonovich sense; for Ito's the drift is corrected. As stable as other Runge-Kutta methods, unlike
    `diffrax.ReversibleHeun`, which is not on drifts that damp.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.solve import EES25, Reversible, solve
        model = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=0.3)
        solve(model, jnp.array([0.0, 1.0]), key=jax.random.key(0), dt=0.01, solver=EES25(), adjoint=Reversible())
        ```

    Source: Shmelev and Salvi, *Explicit and effectively symmetric schemes for neural SDEs* (2025): the scheme
    $\mathrm{EES}(2, 5; x)$ at $x = 1/10$.
    """

    tableau: ClassVar[diffrax.ButcherTableau] = _tableau(0.1)
    interpolation_cls: ClassVar = diffrax.ThirdOrderHermitePolynomialInterpolation.from_k

    def order(self, terms):
        return 2

    def strong_order(self, terms):
        return 0.5
