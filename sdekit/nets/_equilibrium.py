"""A layer whose output is a fixed point: as deep as it needs to be, with gradients that keep no layers."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import optimistix as optx
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key
from ._checks import check_sizes


__all__ = ["ContractiveCell", "DeepEquilibrium"]


class ContractiveCell(eqx.Module):
    r"""A layer $(z, x) \mapsto \tanh(W z + U x + b)$ that contracts in $z$: it has one fixed point.

    The rows of $W$ are scaled down where the sum of their moduli is above `contraction`, so that two states come closer
    by that factor in the largest entry.

    **Arguments:**

    - `inputs`: the length of `x`.
    - `size`: the length of `z`.
    - `contraction`: the factor, in (0, 1). Nearer to 1 the cell can do more, and takes longer.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1 or a factor outside of (0, 1).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import ContractiveCell
        ContractiveCell(inputs=3, size=4, key=jax.random.key(0))(jnp.zeros(4), jnp.ones(3)).shape  # (4,)
        ```

    Source: El Ghaoui, Gu, Travacca, Askari and Tsai (2021), Implicit deep learning, section 2.3.
    """

    within: Float[Array, "w w"]
    inward: eqx.nn.Linear
    contraction: float = eqx.field(static=True)

    def __init__(self, inputs: int, size: int, *, key: Key, contraction: float = 0.9):
        check_sizes("ContractiveCell", inputs=inputs, size=size)
        ok = 0 < contraction < 1
        require(ok, "ContractiveCell.contraction", "must lie in (0, 1)", contraction, "pass e.g. 0.9")
        first, second = jax.random.split(key)
        self.within = jax.random.normal(first, (size, size)) / size
        self.inward = eqx.nn.Linear(inputs, size, key=second)
        self.contraction = float(contraction)

    def __call__(self, z: Float[Array, " w"], x: Float[Array, " i"]) -> Float[Array, " w"]:
        sums = jnp.abs(self.within).sum(1, keepdims=True)
        w = self.within / jnp.maximum(sums / self.contraction, 1)
        return jnp.tanh(w @ z + self.inward(x))


class DeepEquilibrium(eqx.Module):
    r"""The fixed point $z^* = c(z^*, x)$ of a cell, as a layer.

    Gradients come from the implicit function theorem, $\partial z^* = (I - \partial_z c)^{-1} \partial c$, by one
    linear solve: memory does not grow with the number of iterations.

    **Arguments:**

    - `cell`: from a state `(w,)` and an input `(i,)` to a state `(w,)`; a `ContractiveCell` has a fixed point always.
    - `size`: the length `w`.
    - `rtol`, `atol`: to which tolerance the fixed point is found.
    - `solver`: an Optimistix fixed-point or root finder; plain iteration if not given.
    - `max_steps`: the most iterations.

    **Raises:** `ValueError` for tolerances or steps that are not positive; `RuntimeError` where no fixed point is found
    in that many steps.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import ContractiveCell, DeepEquilibrium
        layer = DeepEquilibrium(ContractiveCell(inputs=3, size=4, key=jax.random.key(0)), size=4)
        layer(jnp.ones(3)).shape  # (4,)
        ```

    Source: Bai, Kolter and Koltun (2019), Deep equilibrium models, theorem 1.
    """

    cell: Callable[[Float[Array, " w"], Float[Array, " i"]], Float[Array, " w"]]
    size: int = eqx.field(static=True)
    rtol: float = eqx.field(static=True, default=1e-4)
    atol: float = eqx.field(static=True, default=1e-6)
    solver: optx.AbstractFixedPointSolver | optx.AbstractRootFinder | None = None
    max_steps: int = eqx.field(static=True, default=1000)

    def __check_init__(self):
        for name in ("size", "rtol", "atol", "max_steps"):
            value = getattr(self, name)
            require(value > 0, f"DeepEquilibrium.{name}", "must be positive", value, "pass a number above 0")

    def __call__(self, x: Float[Array, " i"]) -> Float[Array, " w"]:
        solver = optx.FixedPointIteration(self.rtol, self.atol) if self.solver is None else self.solver
        # Small and dense: a direct solve, rather than one that looks for structure that is not there.
        adjoint = optx.ImplicitAdjoint(lx.AutoLinearSolver(well_posed=True))
        found = optx.fixed_point(
            lambda z, args: args[0](z, args[1]),
            solver,
            jnp.zeros(self.size, x.dtype),
            (self.cell, x),
            adjoint=adjoint,
            max_steps=self.max_steps,
        )
        return found.value
