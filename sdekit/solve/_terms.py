"""From a process to Diffrax's terms, in the sense of the solver."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Float

from .._process import AbstractDiffusion, AbstractInterpretation, Additive, Diagonal, Ito, Scalar, Stratonovich
from .._types import Array, RealScalar, State


__all__ = ["noise_dim", "sense_of", "stratonovich_shift", "terms"]


def noise_dim(process: AbstractDiffusion, t: RealScalar, x: State) -> int:
    """The number of Brownian motions `m` that drive a process."""
    found = []
    jax.eval_shape(lambda: found.append(process.diffusion(t, x).in_size()))
    return found[0]


def _along(f, x):
    """`f` at `x`, and its derivative along itself."""
    return jax.jvp(f, (x,), (f(x),))


def stratonovich_shift(
    process: AbstractDiffusion, t: RealScalar, x: State, mixing: Float[Array, "m k"] | None = None
) -> State:
    r"""How far an Ito drift lies above the Stratonovich drift of the same equation, $\frac12 \sum_j (D g_j)\, g_j$.

    **Arguments:**

    - `process`: a diffusion, with columns `g_j` of its diffusion coefficient. Its `structure` decides the cost: nothing
      if additive, one derivative if diagonal or scalar, one a column otherwise.
    - `t`, `x`: a time and a state, shapes `()` and `(d,)`.
    - `mixing`: the matrix `C` of correlated noise, shape `(m, k)`; the columns are then those of `g C`.

    **Returns:** `f_Ito - f_Stratonovich` at `(t, x)`, shape `(d,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.solve import stratonovich_shift
        model = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=0.3)
        stratonovich_shift(model, 0.0, jnp.zeros(1))  # [0.]: additive noise
        ```

    Source: Kloeden and Platen (1992), equation (4.9.11).
    """
    if issubclass(process.structure, Additive):
        return jnp.zeros_like(x)
    if issubclass(process.structure, Diagonal):
        _, dg = _along(lambda x: lx.diagonal(process.diffusion(t, x)), x)
        return dg / 2 if mixing is None else dg / 2 * jnp.sum(mixing**2, axis=1)
    if mixing is None:
        columns = lambda x: process.diffusion(t, x).as_matrix()
    else:
        columns = lambda x: process.diffusion(t, x).as_matrix() @ mixing
    g = columns(x)
    if g.shape[1] == 1 or (issubclass(process.structure, Scalar) and mixing is None):
        return _along(lambda x: columns(x)[:, 0], x)[1] / 2
    own = lambda j, g: jax.jvp(lambda x: columns(x)[:, j], (x,), (g,))[1]
    return jax.vmap(own, in_axes=(0, 1))(jnp.arange(g.shape[1]), g).sum(0) / 2


def sense_of(solver: diffrax.AbstractSolver) -> type[AbstractInterpretation] | None:
    """The sense in which a solver converges, or `None` if it says neither (it is then for additive noise alone)."""
    while isinstance(solver, diffrax.HalfSolver):
        solver = solver.solver
    if isinstance(solver, diffrax.AbstractItoSolver):
        return Ito
    return Stratonovich if isinstance(solver, diffrax.AbstractStratonovichSolver) else None


class DriftField(eqx.Module):
    """The drift as Diffrax calls it, with the correction between the two senses where one is needed."""

    process: AbstractDiffusion
    mixing: Array | None
    shift: int = eqx.field(static=True)

    def __call__(self, t, x, _):
        f = self.process.drift(t, x)
        return f + self.shift * stratonovich_shift(self.process, t, x, self.mixing) if self.shift else f


class DiffusionField(eqx.Module):
    """The diffusion as Diffrax calls it."""

    process: AbstractDiffusion

    def __call__(self, t, x, _):
        return self.process.diffusion(t, x)


class DriftTerm(diffrax.AbstractTerm):
    """`f dt` where a step has the length that the grid says, not the difference of two rounded times."""

    field: DriftField
    width: Any

    def vf(self, t, y, args):
        return self.field(t, y, args)

    def contr(self, t0, t1, **kwargs):
        return t1 - t0 if self.width is None else self.width

    def prod(self, vf, control):
        return jnp.asarray(control, vf.dtype) * vf


def terms(
    process: AbstractDiffusion,
    solver: diffrax.AbstractSolver,
    control: diffrax.AbstractPath,
    mixing: Float[Array, "m k"] | None = None,
    width: Array | None = None,
    corrected: bool | None = None,
) -> diffrax.MultiTerm:
    """Drift and diffusion as Diffrax's terms; the drift corrected if the solver takes integrals in the other sense."""
    shift = 0
    if corrected is None:  # noises that are not Brownian have no quadratic variation to correct, unless one is given
        corrected = isinstance(control, diffrax.AbstractBrownianPath)
    if corrected and not issubclass(process.structure, Additive):
        shift = {(Ito, Stratonovich): -1, (Stratonovich, Ito): 1}.get((process.interpretation, sense_of(solver)), 0)
    drift = DriftTerm(DriftField(process, mixing, shift), width)
    return diffrax.MultiTerm(drift, diffrax.ControlTerm(DiffusionField(process), control))
