"""Diffusions without closed-form transitions, and diffusions from users' functions."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np

from .._errors import fault, require
from .._parameters import law_field
from .._process import (
    AbstractDiffusion,
    AbstractInterpretation,
    AbstractNoiseStructure,
    Diagonal,
    General,
    Ito,
    Scalar,
)
from .._types import Key, Law, RealScalar, State, Times
from ..paths import SampledPath
from ..solve import solve


__all__ = ["AbstractNumericalDiffusion", "Diffusion"]


class AbstractNumericalDiffusion(AbstractDiffusion):
    """A diffusion that is drawn by `sdekit.solve.solve`, with its default solver and step.

    Draws have a discretisation error. Call `solve(process, ts, key=key, dt=...)` to choose the step, the solver or the
    noise.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import DoubleWell
        path = DoubleWell().sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        ```
    """

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        path = solve(self, ts, key=key)
        assert isinstance(path, SampledPath)  # there is no event to stop it
        return path


class Diffusion(AbstractNumericalDiffusion):
    r"""A diffusion $dX = f(t, X)\,dt + g(t, X)\,dW$ from functions or modules.

    Modules (networks, `ConstantDiffusion`) carry their parameters into `fit`; plain functions have none.

    **Arguments:**

    - `drift`: $f$, called as `drift(t, x)` with shapes `()` and `(d,)`; returns shape `(d,)`.
    - `diffusion`: $g$, called as `diffusion(t, x)`; returns a vector `(d,)` for diagonal noise, a matrix `(d, m)`, or a
        Lineax operator from `(m,)` to `(d,)`.
    - `initial`: the law of the state at the first time, event shape `(d,)`.
    - `interpretation`: `Ito` or `Stratonovich`.
    - `structure`: what is known of `g`: `Additive` (does not depend on `x`), `Diagonal`, `Scalar` or `General`. It
        decides which solver is used; a claim that does not hold gives wrong paths.

    **Raises:** `ValueError` naming the function whose result has the wrong shape, or a structure that the shape
    contradicts. The functions are evaluated for their shapes alone, at time 0.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.processes import Diagonal, Diffusion
        pendulum = Diffusion(
            drift=lambda t, x: jnp.stack([x[1], -jnp.sin(x[0])]),
            diffusion=lambda t, x: 0.1 * jnp.ones(2),
            initial=dist.Delta(jnp.array([1.0, 0.0]), event_dim=1),
            structure=Diagonal,
        )
        path = pendulum.sample(jnp.linspace(0.0, 5.0, 26), key=jax.random.key(0))
        ```
    """

    drift_field: Callable[[RealScalar, State], State]
    diffusion_field: Callable[[RealScalar, State], Any]
    interpretation: type[AbstractInterpretation] = eqx.field(static=True)
    structure: type[AbstractNoiseStructure] = eqx.field(static=True)
    initial: Law = law_field()

    def __init__(
        self,
        drift: Callable[[RealScalar, State], State],
        diffusion: Callable[[RealScalar, State], Any],
        initial: Law,
        interpretation: type[AbstractInterpretation] = Ito,
        structure: type[AbstractNoiseStructure] = General,
    ):
        _check_kind("interpretation", interpretation, AbstractInterpretation, "Ito or Stratonovich")
        _check_kind("structure", structure, AbstractNoiseStructure, "Additive, Diagonal, Scalar or General")
        shape = getattr(initial, "event_shape", None)
        ok = shape is not None and len(shape) == 1 and initial.batch_shape == ()
        remedy = "make the components independent by `.to_event(1)`, or pass `Delta(x, event_dim=1)`"
        require(ok, "Diffusion.initial", "must be a law of states, event shape (d,) and no batch", shape, remedy)
        self.drift_field, self.diffusion_field = drift, diffusion
        self.initial, self.interpretation, self.structure = initial, interpretation, structure
        self._check_shapes()

    def _check_shapes(self):
        d = self.dim
        x = jax.eval_shape(self.initial.sample, jax.random.key(0))
        t = jax.ShapeDtypeStruct((), x.dtype)
        f = eqx.filter_eval_shape(self.drift_field, t, x)
        problem = f"must return an array of shape ({d},), the event shape of `initial`"
        require(np.shape(f) == (d,), "Diffusion.drift", problem, f, "keep the state a vector, also for d = 1")
        g = eqx.filter_eval_shape(self.diffusion_field, t, x)
        if isinstance(g, lx.AbstractLinearOperator):
            rows, columns = g.out_size(), g.in_size()
            diagonal = isinstance(g, lx.DiagonalLinearOperator)
            square = g.out_structure().shape == (rows,)
        else:
            shape = np.shape(g)
            square, diagonal = len(shape) in (1, 2), len(shape) == 1
            rows, columns = (shape[0], shape[-1]) if square else (0, 0)
        problem = f"must return a vector ({d},), a matrix ({d}, m) or an operator onto ({d},)"
        require(square and rows == d, "Diffusion.diffusion", problem, g, "give one row to each component")
        if issubclass(self.structure, Diagonal):
            remedy = f"return a vector ({d},), or a `lineax.DiagonalLinearOperator`, or use structure=General"
            require(diagonal, "Diffusion.diffusion", "must be diagonal for structure=Diagonal", g, remedy)
        if issubclass(self.structure, Scalar):
            remedy = f"return shape ({d}, 1), or use another structure"
            require(columns == 1, "Diffusion.diffusion", "must have one column for structure=Scalar", g, remedy)

    @property
    def dim(self) -> int:
        return self.initial.event_shape[0]

    def drift(self, t: RealScalar, x: State) -> State:
        return self.drift_field(t, x)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        g: Any = self.diffusion_field(t, x)
        if isinstance(g, lx.AbstractLinearOperator):
            return g
        return lx.DiagonalLinearOperator(g) if jnp.ndim(g) == 1 else lx.MatrixLinearOperator(g)


def _check_kind(name: str, value: Any, base: type, which: str) -> None:
    if not (isinstance(value, type) and issubclass(value, base)):
        raise TypeError(fault(f"Diffusion.{name}", f"must be one of the types {which}", value, "pass the type itself"))
