r"""The process that a field generates: one knob from the flow to the diffusion, in both directions."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import lineax as lx
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Float

from .._errors import require
from .._parameters import law_field, parameter
from .._process import AbstractDiffusion, AbstractGridded, AbstractInterpretation, AbstractNoiseStructure, Additive, Ito
from .._types import Array, Key, Law, RealScalar, State, Times, as_float, is_concrete
from ..paths import SampledPath
from ..solve import solve
from ._field import Field
from ._path import AffinePath


__all__ = ["GenerativeDiffusion", "base_law"]


def _knob(epsilon: Any) -> Any:
    return epsilon if callable(epsilon) else as_float(epsilon)


def base_law(path: AffinePath, dim: int, dtype=None) -> Law:
    r"""The law at the end of a one-sided path that is noise: $N(\kappa m, \gamma^2 I)$.

    Exact where the coefficient of the data is 0 there, and what generation begins with where it is only small.

    **Arguments:**

    - `path`: a one-sided path.
    - `dim`: the length `d` of a state.
    - `dtype`: of the states.

    **Returns:** a law of event shape `(d,)`.

    **Raises:** `ValueError` for a path with two ends, or one without noise at that end.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.base_law(si.variance_exploding(), 2).variance  # [2500., 2500.]
        ```
    """
    remedy = "pass the law of the other end yourself"
    require(path.one_sided and path.gamma is not None, "path", "must have an end that is noise", path, remedy)
    assert path.gamma is not None
    t = jnp.asarray(path.base_time, dtype)
    scale = path.gamma(t)
    if is_concrete(scale):
        require(float(scale) > 0, "path", "has no noise at its end", path, "pass the law of that end yourself")
    mean = jnp.zeros(dim, t.dtype) if path.kappa is None else path.kappa(t) * path.mean
    return dist.Normal(mean, jnp.full(dim, scale)).to_event(1)


class GenerativeDiffusion(AbstractDiffusion, AbstractGridded):
    r"""$dX = (b + \epsilon s)\,dt + \sqrt{2\epsilon}\,dW$: the same law at each time for every $\epsilon(t) \ge 0$.

    With $\epsilon = 0$ it is the probability flow and needs no score; with `path.diffusivity` Anderson's reverse of
    the diffusion. Backwards, at the time $\tau = 1 - t$, the drift is $-b + \epsilon s$. `sample` takes the default
    solver; `solve(process, ts, key=key, n=n, solver=diffrax.Euler(), steps=k)` any other, with as many evaluations of
    the field as the solver has stages.

    **Arguments:**

    - `field`: a `Field`.
    - `epsilon`: $\epsilon$, a number or a function of the time of the path.
    - `initial`: the law to begin with; `base_law` of the path, if it is one-sided.
    - `dim`: the length of a state; from `initial` if that is given.
    - `backward`: whether to begin at time 1 of the path; `None` for wherever the data are not.

    **Raises:** `ValueError` for a negative `epsilon`, one above 0 with a field that tells no score, or no law to begin
    with; times outside [0, 1] raise in `sample`, and give a `SolveError` in `solve`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        import sdekit.interpolants as si
        data = dist.Normal(jnp.array([1.0]), 0.5).to_event(1)
        field = si.exact_field(si.one_sided_linear(), law1=data)
        process = si.GenerativeDiffusion(field, epsilon=1.0, dim=1)
        process.sample(jnp.array([0.0, 1.0]), key=jax.random.key(0), n=100).xs[:, -1].mean()  # near 1
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), corollary 2.10; Song et al. (2021), equations (6) and (13).
    """

    field: Field
    deterministic: bool = eqx.field(static=True)
    backward: bool = eqx.field(static=True)
    epsilon: Float[Array, ""] | Callable[[RealScalar], Array] = parameter(trainable=False, converter=_knob)
    initial: Law = law_field()
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(
        self,
        field: Field,
        epsilon: RealScalar | Callable[[RealScalar], Array] = 0.0,
        initial: Law | None = None,
        *,
        dim: int | None = None,
        backward: bool | None = None,
    ):
        known = not callable(epsilon) and is_concrete(epsilon)
        if known:
            remedy = "pass 0 for the flow without noise, or a positive number"
            require(bool(np.asarray(epsilon) >= 0), "epsilon", "must not be negative", epsilon, remedy)
        if initial is None:
            remedy = "pass dim=, or initial="
            require(dim is not None, "dim", "must be given where `initial` is not", dim, remedy)
            assert dim is not None
            initial = base_law(field.path, dim)
        self.field, self.epsilon, self.initial = field, _knob(epsilon), initial
        self.deterministic = bool(known and np.asarray(epsilon) == 0)
        self.backward = field.path.base_time == 1.0 if backward is None else backward
        x = jnp.zeros(initial.event_shape)
        eqx.filter_eval_shape(lambda: self.drift(jnp.asarray(0.5), x))

    @property
    def dim(self) -> int:
        return self.initial.event_shape[0]

    def time(self, tau: RealScalar) -> RealScalar:
        """The time of the path at a time of the process."""
        return 1 - tau if self.backward else tau

    def _epsilon(self, t: RealScalar) -> Array:
        return self.epsilon(t) if callable(self.epsilon) else self.epsilon

    def drift(self, t: RealScalar, x: State) -> State:
        t, sign = self.time(t), -1 if self.backward else 1
        if self.deterministic:
            return sign * self.field.velocity(t, x)
        b, s = self.field.velocity_and_score(t, x)
        return sign * b + jnp.asarray(self._epsilon(t), x.dtype) * s

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        if self.deterministic:
            return lx.DiagonalLinearOperator(jnp.zeros_like(x))
        scale = jnp.sqrt(2 * jnp.asarray(self._epsilon(self.time(t)), x.dtype))
        return lx.DiagonalLinearOperator(jnp.broadcast_to(scale, x.shape))

    def on_grid(self, ts: np.ndarray) -> "GenerativeDiffusion":
        """The process itself, once the times are known to lie in [0, 1]."""
        inside = bool(ts[0] >= -1e-6 and ts[-1] <= 1 + 1e-6)
        require(inside, "ts", "must lie in [0, 1]", ts, "the path begins at 0 and ends at 1")
        return self

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        path = solve(self, ts, key=key)
        assert isinstance(path, SampledPath)  # there is no event to stop it
        return path
