"""From a process to Diffrax's terms, in the sense of the solver."""

from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Float

from .._process import AbstractDiffusion, AbstractInterpretation, Additive, Diagonal, Ito, Scalar, Stratonovich
from .._types import Array, RealScalar, State


__all__ = ["Held", "noise_dim", "sense_of", "stratonovich_shift", "terms"]


class Held(diffrax.AbstractBrownianPath):
    """The noise of the step in hand, already drawn. Diffrax asks for it by times; it is known by number."""

    value: Any

    @property
    def levy_area(self) -> type:
        return type(self.value)

    @property
    def t0(self):
        return -jnp.inf

    @property
    def t1(self):
        return jnp.inf

    def evaluate(self, t0, t1=None, left=True, use_levy=False):
        return self.value if use_levy else self.value.W


def noise_dim(process: AbstractDiffusion, t: RealScalar, x: State) -> int:
    """The number of Brownian motions `m` that drive a process."""
    found = []
    jax.eval_shape(lambda: found.append(process.diffusion(t, x).in_size()))
    return found[0]


def stratonovich_shift(
    process: AbstractDiffusion, t: RealScalar, x: State, mixing: Float[Array, "m k"] | None = None
) -> State:
    r"""What a Stratonovich drift lacks against an Ito drift, $\frac12 \sum_j (D g_j)\, g_j$.

    **Arguments:**

    - `process`: a diffusion, with columns `g_j` of its diffusion coefficient.
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
        g, dg = jax.jvp(*_along(lambda x: lx.diagonal(process.diffusion(t, x)), x))
        return dg / 2 if mixing is None else dg / 2 * jnp.sum(mixing**2, axis=1)
    columns = lambda x: process.diffusion(t, x).as_matrix()
    if mixing is not None:
        columns = lambda x: process.diffusion(t, x).as_matrix() @ mixing
    if issubclass(process.structure, Scalar) and mixing is None:
        return jax.jvp(*_along(lambda x: columns(x)[:, 0], x))[1] / 2
    own = lambda j, g: jax.jvp(lambda x: columns(x)[:, j], (x,), (g,))[1]
    g = columns(x)
    return jax.vmap(own, in_axes=(0, 1))(jnp.arange(g.shape[1]), g).sum(0) / 2


def _along(f, x):
    """The arguments of a derivative of `f` at `x` along `f` itself."""
    return f, (x,), (f(x),)


def sense_of(solver: diffrax.AbstractSolver) -> type[AbstractInterpretation] | None:
    """The sense in which a solver converges, or `None` if it says neither."""
    while isinstance(solver, diffrax.HalfSolver):
        solver = solver.solver
    if isinstance(solver, diffrax.AbstractItoSolver):
        return Ito
    return Stratonovich if isinstance(solver, diffrax.AbstractStratonovichSolver) else None


class Drift(diffrax.ODETerm):
    """A drift whose step has the length that the grid says, not the difference of two rounded times."""

    width: Any = None

    def contr(self, t0, t1, **kwargs):
        return t1 - t0 if self.width is None else self.width


def terms(
    process: AbstractDiffusion,
    solver: diffrax.AbstractSolver,
    control: diffrax.AbstractPath,
    mixing: Any,
    width: Any = None,
) -> diffrax.MultiTerm:
    """Drift and diffusion as Diffrax's terms; the drift corrected if the solver takes integrals in the other sense."""
    sense = sense_of(solver)
    rough = isinstance(control, diffrax.AbstractBrownianPath)
    shift = 0
    if rough and not issubclass(process.structure, Additive) and sense is not None:
        shift = {(Ito, Stratonovich): -1, (Stratonovich, Ito): 1}.get((process.interpretation, sense), 0)

    def drift(t, x, _):
        f = process.drift(t, x)
        return f + shift * stratonovich_shift(process, t, x, mixing) if shift else f

    diffusion = lambda t, x, _: process.diffusion(t, x)
    return diffrax.MultiTerm(Drift(drift, width), diffrax.ControlTerm(diffusion, control))
