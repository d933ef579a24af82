"""Linear stochastic differential equations: matrix Ornstein-Uhlenbeck, constant and time-dependent coefficients."""

from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import lineax as lx
import numpy as np
import numpyro.distributions as dist
from jaxtyping import ArrayLike, Float

from .._errors import fault, require
from .._parameters import law_field, parameter
from .._process import (
    AbstractBridged,
    AbstractExactDiffusion,
    AbstractInterpretation,
    AbstractLinearGaussian,
    AbstractMarginal,
    AbstractNoiseStructure,
    AbstractStationary,
    Additive,
    Ito,
)
from .._types import Array, Law, RealScalar, State, as_float, as_vector, is_concrete
from ..math import affine_van_loan, linear_moments
from ._bridge import GaussianBridge
from ._linear_gaussian import gaussian, push
from ._stable import to_dtype


__all__ = ["LinearSDE", "MatrixOrnsteinUhlenbeck", "TimeDependentLinearSDE"]


def _square(owner: str, name: str, x: ArrayLike, dtype) -> Float[Array, "d d"]:
    shape = np.shape(x)
    ok = len(shape) == 2 and shape[0] == shape[1] and shape[0] > 0
    require(ok, f"{owner}.{name}", "must be a square matrix", x, "pass an array of shape (d, d)")
    return jnp.asarray(x, dtype)


def _vector(owner: str, name: str, x: ArrayLike, d: int, dtype) -> Float[Array, " d"]:
    require(
        np.shape(x) in ((), (1,), (d,)), f"{owner}.{name}", f"must have shape ({d},)", x, "pass one entry a component"
    )
    return jnp.broadcast_to(jnp.asarray(x, dtype), (d,))


def _columns(owner: str, name: str, x: ArrayLike, d: int, dtype) -> Float[Array, "d m"]:
    """A noise coefficient `(d, m)`; a number or a vector stands for a diagonal matrix."""
    shape = np.shape(x)
    if len(shape) < 2:
        return jnp.diag(_vector(owner, name, x, d, dtype))
    problem, remedy = f"must have shape ({d}, m)", "pass a column for each Brownian motion"
    require(len(shape) == 2 and shape[0] == d and shape[1] > 0, f"{owner}.{name}", problem, x, remedy)
    return jnp.asarray(x, dtype)


# Compiled once here, so that a call outside `jit` does not compile the loops inside anew.


@eqx.filter_jit
def _constant(matrix, offset, scale, h):
    return affine_van_loan(matrix, offset, scale @ scale.T, h)


@eqx.filter_jit
def _moving(matrix, offset, scale, t0, t1, steps):
    return linear_moments(matrix, offset, lambda t: scale(t) @ scale(t).T, t0, t1, steps)


class LinearSDE(AbstractExactDiffusion, AbstractLinearGaussian, AbstractMarginal, AbstractBridged):
    r"""$dX = (F X + b)\,dt + L\,dW$ with constant coefficients, stable or not.

    The transition is $N(e^{Fh}x + \int_0^h e^{Fs}b\,ds,\; \int_0^h e^{Fs} L L^\top e^{F^\top s} ds)$. $L$ may have
    fewer columns than rows (noise on a velocity alone).

    **Arguments:**

    - `matrix`: $F$, shape `(d, d)`, per unit of time.
    - `offset`: $b$, a number or shape `(d,)`.
    - `scale`: $L$, shape `(d, m)`; a number or a vector stands for a diagonal matrix.
    - `initial`: the law at the first time (at time 0, for `marginal`), Gaussian or fixed; 0 by default.

    **Raises:** `ValueError` if the shapes do not fit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import LinearSDE
        oscillator = LinearSDE(matrix=jnp.array([[0.0, 1.0], [-4.0, -0.5]]), scale=jnp.array([[0.0], [1.0]]))
        path = oscillator.sample(jnp.linspace(0.0, 5.0, 51), key=jax.random.key(0))
        A, b, Q = oscillator.discretise(0.0, 0.1)
        ```

    Source: Sarkka and Solin (2019), Applied Stochastic Differential Equations, chapter 6.
    """

    matrix: Float[Array, "d d"] = parameter()
    offset: Float[Array, " d"] = parameter(converter=as_vector)
    scale: Float[Array, "d m"] = parameter()
    initial: Law = law_field()
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(self, matrix: ArrayLike, offset: ArrayLike = 0.0, scale: ArrayLike = 1.0, initial: Law | None = None):
        dtype = to_dtype(matrix, offset, scale)
        self.matrix = _square("LinearSDE", "matrix", matrix, dtype)
        d = self.matrix.shape[0]
        self.offset = _vector("LinearSDE", "offset", offset, d, dtype)
        self.scale = _columns("LinearSDE", "scale", scale, d, dtype)
        self.initial = dist.Delta(jnp.zeros_like(self.offset), event_dim=1) if initial is None else initial

    @property
    def dim(self) -> int:
        return self.matrix.shape[0]

    def drift(self, t: RealScalar, x: State) -> State:
        return self.matrix @ x + self.offset

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.MatrixLinearOperator(self.scale)

    def discretise(self, t0, t1):
        return _constant(self.matrix, self.offset, self.scale, as_float(t1 - t0))

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = self.discretise(t0, t1)
        return gaussian(a @ x + b, q)

    def marginal(self, t: RealScalar) -> Law:
        return push(self.initial, *self.discretise(0.0, t), "LinearSDE")

    def bridge(self, t0: RealScalar, x0: State, t1: RealScalar, x1: State) -> GaussianBridge:
        return GaussianBridge(self, t0, x0, t1, x1)


class MatrixOrnsteinUhlenbeck(
    AbstractExactDiffusion, AbstractLinearGaussian, AbstractMarginal, AbstractStationary, AbstractBridged
):
    r"""$dX = K(\mu - X)\,dt + L\,dW$ with a matrix of rates. Starts stationary by default.

    The stationary law is $N(\mu, S)$ with $K S + S K^\top = L L^\top$. The eigenvalues of $K$ must have positive real
    parts; this is checked at construction, not while `fit` moves $K$.

    **Arguments:**

    - `rate`: $K$, shape `(d, d)`, per unit of time.
    - `mean`: $\mu$, a number or shape `(d,)`.
    - `scale`: $L$, shape `(d, m)`; a number or a vector stands for a diagonal matrix.
    - `start`: the law at the first time (at time 0, for `marginal`), Gaussian or fixed; `None` for the stationary law,
        which then moves with the parameters.

    **Raises:** `ValueError` if the shapes do not fit or $K$ is not stable.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.processes import MatrixOrnsteinUhlenbeck
        process = MatrixOrnsteinUhlenbeck(rate=jnp.array([[1.0, -2.0], [2.0, 1.0]]))
        path = process.sample(jnp.linspace(0.0, 5.0, 51), key=jax.random.key(0))
        process.stationary().covariance_matrix  # 0.5 times the identity
        ```

    Source: Gardiner (2009), Stochastic Methods, section 4.5.6.
    """

    rate: Float[Array, "d d"] = parameter()
    mean: Float[Array, " d"] = parameter(converter=as_vector)
    scale: Float[Array, "d m"] = parameter()
    start: Law | None = law_field()
    """The law at the first time; `None` for the stationary law, which then moves with the parameters."""
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __init__(self, rate: ArrayLike, mean: ArrayLike = 0.0, scale: ArrayLike = 1.0, start: Law | None = None):
        owner, dtype = "MatrixOrnsteinUhlenbeck", to_dtype(rate, mean, scale)
        self.rate = _square(owner, "rate", rate, dtype)
        d = self.rate.shape[0]
        self.mean = _vector(owner, "mean", mean, d, dtype)
        self.scale = _columns(owner, "scale", scale, d, dtype)
        self.start = start
        if is_concrete(self.rate) and np.isfinite(self.rate).all():
            slowest = float(np.linalg.eigvals(np.asarray(self.rate, np.float64)).real.min())
            problem = "must have eigenvalues with positive real parts; the least"
            remedy = "use LinearSDE for a system that does not return to its mean"
            require(slowest > 0, f"{owner}.rate", problem, slowest, remedy)

    @property
    def dim(self) -> int:
        return self.rate.shape[0]

    @property
    def initial(self) -> Law:
        return self.stationary() if self.start is None else self.start

    def drift(self, t: RealScalar, x: State) -> State:
        return self.rate @ (self.mean - x)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.MatrixLinearOperator(self.scale)

    def stationary(self) -> Law:
        d, eye = self.dim, jnp.eye(self.dim, dtype=self.rate.dtype)
        lyapunov = jnp.kron(self.rate, eye) + jnp.kron(eye, self.rate)
        spread = jnp.linalg.solve(lyapunov, (self.scale @ self.scale.T).ravel()).reshape(d, d)
        return gaussian(self.mean, (spread + spread.T) / 2)

    def discretise(self, t0, t1):
        return _constant(-self.rate, self.rate @ self.mean, self.scale, as_float(t1 - t0))

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = self.discretise(t0, t1)
        return gaussian(a @ x + b, q)

    def marginal(self, t: RealScalar) -> Law:
        if self.start is None:
            return self.stationary()
        return push(self.start, *self.discretise(0.0, t), "MatrixOrnsteinUhlenbeck")

    def bridge(self, t0: RealScalar, x0: State, t1: RealScalar, x1: State) -> GaussianBridge:
        return GaussianBridge(self, t0, x0, t1, x1)


class TimeDependentLinearSDE(AbstractExactDiffusion, AbstractLinearGaussian, AbstractMarginal, AbstractBridged):
    r"""$dX = (F(t) X + b(t))\,dt + L(t)\,dW$.

    Transitions are Gaussian. Their moments come from the fourth-order Magnus method with `steps` steps: exact for
    constant coefficients, with an error of order $(h/\text{steps})^4$ otherwise, which doubling `steps` shows.

    **Arguments:**

    - `matrix`: $F$, a function of time (or a module) that returns shape `(d, d)`.
    - `offset`: $b$, a function of time that returns shape `(d,)`.
    - `scale`: $L$, a function of time that returns shape `(d, m)`.
    - `initial`: the law at the first time (at time 0, for `marginal`), Gaussian or fixed.
    - `steps`: how many Magnus steps to take in a transition.

    **Raises:** `ValueError` naming the function whose result has the wrong shape.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.processes import TimeDependentLinearSDE
        seasonal = TimeDependentLinearSDE(
            matrix=lambda t: -jnp.eye(1),
            offset=lambda t: jnp.sin(t)[None],
            scale=lambda t: 0.2 * jnp.eye(1),
            initial=dist.Delta(jnp.zeros(1), event_dim=1),
        )
        path = seasonal.sample(jnp.linspace(0.0, 10.0, 51), key=jax.random.key(0))
        ```

    Source: Sarkka and Solin (2019), Applied Stochastic Differential Equations, section 6.1; see
    `sdekit.math.linear_moments`.
    """

    matrix: Callable[[RealScalar], Float[Array, "d d"]]
    offset: Callable[[RealScalar], Float[Array, " d"]]
    scale: Callable[[RealScalar], Float[Array, "d m"]]
    initial: Law = law_field()
    steps: int = eqx.field(static=True, default=8)
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    def __post_init__(self):
        owner = "TimeDependentLinearSDE"
        problem, remedy = "must have event shape (d,)", "make its components independent by `.to_event(1)`"
        require(len(self.initial.event_shape) == 1, f"{owner}.initial", problem, self.initial.event_shape, remedy)
        d = self.dim
        for name, shape in (("matrix", (d, d)), ("offset", (d,)), ("scale", (d, None))):
            time = jnp.zeros((), jnp.result_type(float))
            found = eqx.filter_eval_shape(getattr(self, name), time)
            got = np.shape(found)
            if len(got) != len(shape) or any(s not in (None, g) for s, g in zip(shape, got, strict=True)):
                want = str(shape).replace("None", "m")
                message = fault(
                    f"{owner}.{name}", f"must return shape {want}", got, "check what it returns at one time"
                )
                raise ValueError(message)
        require(self.steps >= 1, f"{owner}.steps", "must be positive", self.steps, "pass steps >= 1")

    @property
    def dim(self) -> int:
        return self.initial.event_shape[0]

    def drift(self, t: RealScalar, x: State) -> State:
        t = as_float(t)
        return self.matrix(t) @ x + self.offset(t)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        return lx.MatrixLinearOperator(self.scale(as_float(t)))

    def discretise(self, t0, t1):
        return _moving(self.matrix, self.offset, self.scale, as_float(t0), as_float(t1), self.steps)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = self.discretise(t0, t1)
        return gaussian(a @ x + b, q)

    def marginal(self, t: RealScalar) -> Law:
        return push(self.initial, *self.discretise(0.0, t), "TimeDependentLinearSDE")

    def bridge(self, t0: RealScalar, x0: State, t1: RealScalar, x1: State) -> GaussianBridge:
        return GaussianBridge(self, t0, x0, t1, x1)
