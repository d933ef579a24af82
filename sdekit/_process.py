"""The words for laws over paths. Every family speaks through these classes; the engines know nothing else.

Abstract or final: a class here is never instantiated, and a final class is never subclassed.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from ._draws import draw_many, draw_one
from ._errors import require, require_times
from ._mesh import require_mesh
from ._parameters import AbstractParametric
from ._structure import (
    AbstractInterpretation,
    AbstractNoiseStructure,
    Additive as Additive,
    Diagonal as Diagonal,
    General as General,
    Ito as Ito,
    Scalar as Scalar,
    Stratonovich as Stratonovich,
)
from ._types import Array, Key, Law, RealScalar, State, Times, is_concrete
from .data import AbstractRecord, Series
from .paths import AbstractPath, Provenance, SampledPath


__all__ = [
    "AbstractBridged",
    "AbstractConditioned",
    "AbstractDensity",
    "AbstractDiffusion",
    "AbstractExactDiffusion",
    "AbstractGaussianProcess",
    "AbstractGridded",
    "AbstractInterpretation",
    "AbstractJumpProcess",
    "AbstractLinearGaussian",
    "AbstractMarginal",
    "AbstractNoiseStructure",
    "AbstractPointProcess",
    "AbstractProcess",
    "AbstractRoomed",
    "AbstractStationary",
    "AbstractTransition",
    "Additive",
    "Diagonal",
    "General",
    "Ito",
    "Scalar",
    "Stratonovich",
]


class AbstractProcess(AbstractParametric):
    """A law over paths.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        sk.processes.BrownianMotion().sample(jnp.arange(11.0), key=jax.random.key(0), n=5).xs.shape  # (5, 11, 1)
        ```
    """

    dim: eqx.AbstractVar[int]
    """The length `d` of a state."""

    @abc.abstractmethod
    def draw(self, ts: Times, *, key: Key) -> AbstractPath:
        """One path at the times `ts`. What a final class implements; users call `sample`."""

    def sample(
        self, ts: Times, *, key: Key, n: int | None = None, chunk: int | None = None, mesh: Mesh | None = None
    ) -> AbstractPath:
        """Draw paths.

        **Arguments:**

        - `ts`: increasing times, shape `(t,)`, in the model's unit of time.
        - `key`: a JAX key.
        - `n`: how many paths; `None` for one path without a leading axis. Path `i` depends on `(key, i)` alone.
        - `chunk`: how many paths to hold in memory at a time (on each device); `None` for all.
        - `mesh`: a `jax.sharding.Mesh` with an axis "data", over which the `n` paths are laid: the same
          paths, up to rounding.

        **Returns:** a path, its states of shape `(t, d)` or `(n, t, d)`.

        **Raises:** `ValueError` for times that do not increase, `n < 1`, or a mesh whose devices do not divide `n`.
        """
        require_times(ts)
        process = self
        if isinstance(self, AbstractGridded) and is_concrete((self, ts)):
            process = self.on_grid(np.asarray(ts))
        if n is None:
            require(mesh is None, "mesh", "needs a number of paths", n, "pass n as well, or drop the mesh")
            path = draw_one(process, jnp.asarray(ts), key)
        else:
            require(n >= 1, "n", "must be a positive number of paths", n, "pass n >= 1, or n=None for a single path")
            path = draw_many(process, jnp.asarray(ts), key, n, chunk, require_mesh(mesh, n, "n"))
        if isinstance(process, AbstractRoomed) and is_concrete(path):
            larger = process.enlarged(path)
            if larger is not None:
                return larger.sample(ts, key=key, n=n, chunk=chunk, mesh=mesh)
        return path


class AbstractGridded(AbstractProcess):
    """A process that draws faster once it knows the times.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        isinstance(sk.processes.BrownianMotion(), sk.processes.AbstractGridded)  # False
        ```
    """

    @abc.abstractmethod
    def on_grid(self, ts: np.ndarray) -> AbstractProcess:
        """The same law, made ready to draw at just these times.

        `sample` calls it where the times and the parameters are known, that is, outside of `jit`.
        """


class AbstractRoomed(AbstractProcess):
    """A process that draws paths of an unknown length into room of a fixed size, and again where the room was full.

    !!! example

        ```python
        import sdekit as sk
        issubclass(sk.processes.AbstractRoomed, sk.processes.AbstractProcess)
        ```
    """

    @abc.abstractmethod
    def enlarged(self, path: AbstractPath) -> AbstractProcess | None:
        """The same process with more room, if some path did not fit; else `None`. `sample` then draws again."""


class AbstractMarginal(AbstractProcess):
    """A process whose law at one time is known.

    !!! example

        ```python
        import sdekit as sk
        sk.processes.BrownianMotion(scale=2.0).marginal(1.5).variance  # [6.]
        ```
    """

    @abc.abstractmethod
    def marginal(self, t: RealScalar) -> Law:
        """The law of the state at time `t`, event shape `(d,)`."""


class AbstractTransition(AbstractProcess):
    """A Markov process whose transition law is known.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        sk.processes.OrnsteinUhlenbeck(rate=1.0).transition(0.0, 1.0, jnp.array([2.0])).mean  # [0.7358]
        ```
    """

    @abc.abstractmethod
    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        """The law of the state at `t1` given the state `x` at `t0 < t1`, event shape `(d,)`."""


class AbstractStationary(AbstractProcess):
    """A process with a stationary law.

    !!! example

        ```python
        import sdekit as sk
        sk.processes.OrnsteinUhlenbeck(rate=0.5).stationary().variance  # [1.]
        ```
    """

    @abc.abstractmethod
    def stationary(self) -> Law:
        """The stationary law of the state, event shape `(d,)`."""


class AbstractBridged(AbstractProcess):
    """A process that can be pinned at both ends.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        sk.processes.BrownianMotion().bridge(0.0, jnp.zeros(1), 1.0, jnp.ones(1)).dim  # 1
        ```
    """

    @abc.abstractmethod
    def bridge(self, t0: RealScalar, x0: State, t1: RealScalar, x1: State) -> AbstractProcess:
        """The process on `[t0, t1]` given its states at `t0` and `t1`."""


class AbstractDensity(AbstractProcess):
    """A process whose observations have a density in closed form.

    !!! example

        ```python
        import sdekit as sk
        model = sk.Observed(sk.processes.BrownianMotion(), sk.GaussianObservation(0.1))
        isinstance(model, sk.processes.AbstractDensity)
        ```
    """

    @abc.abstractmethod
    def log_prob(self, record: AbstractRecord) -> Float[Array, ""]:
        """The log-density of one item of a record. Missing entries are integrated out, never filled."""


class AbstractConditioned(AbstractProcess):
    """A process that can be conditioned on observations in closed form.

    !!! example

        ```python
        import sdekit as sk
        model = sk.Observed(sk.processes.BrownianMotion(), sk.GaussianObservation(0.1))
        isinstance(model, sk.processes.AbstractConditioned)
        ```
    """

    @abc.abstractmethod
    def condition(self, series: Series) -> AbstractProcess:
        """The process given one series: what forecasting and interpolation sample from."""


class AbstractDiffusion(AbstractProcess):
    r"""The solution of $dX = f(t, X)\,dt + g(t, X)\,dW$, in the sense of `interpretation`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        sk.processes.OrnsteinUhlenbeck(rate=2.0, mean=1.0).drift(0.0, jnp.zeros(1))  # [2.]
        ```
    """

    initial: eqx.AbstractVar[Law]
    """The law of the state at the first time."""
    interpretation: eqx.AbstractVar[type[AbstractInterpretation]]
    structure: eqx.AbstractVar[type[AbstractNoiseStructure]]

    @abc.abstractmethod
    def drift(self, t: RealScalar, x: State) -> State:
        """The drift `f(t, x)`, shape `(d,)`."""

    @abc.abstractmethod
    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        """The diffusion `g(t, x)` as a linear operator from noise `(m,)` to state `(d,)`."""


class AbstractExactDiffusion(AbstractDiffusion, AbstractTransition):
    """A diffusion drawn from its transition law: no step, no discretisation error.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        sk.processes.BrownianMotion().sample(jnp.array([0.0, 9.0]), key=jax.random.key(0)).made.solver  # 'exact'
        ```
    """

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return draw_chain(self, self.initial, ts, key=key)


def draw_chain(process: AbstractTransition, initial: Law, ts: Times, *, key: Key) -> SampledPath:
    """A path of a Markov process from its transition law and the law of its state at `ts[0]`."""
    # States take the dtype of the model and the times: laws draw in the widest one that is enabled.
    floats = [v for v in jax.tree.leaves((process, initial, ts)) if eqx.is_inexact_array(v)]
    dtype = jnp.result_type(*floats)
    start, rest = jax.random.split(key)
    x0 = jnp.asarray(initial.sample(start), dtype)

    def step(x, inputs):
        t0, t1, k = inputs
        x = jnp.asarray(process.transition(t0, t1, x).sample(k), dtype)
        return x, x

    _, xs = jax.lax.scan(step, x0, (ts[:-1], ts[1:], jax.random.split(rest, ts.shape[0] - 1)))
    return SampledPath(ts, jnp.concatenate([x0[None], xs]), Provenance("exact"))


class AbstractLinearGaussian(AbstractTransition):
    r"""A Markov process with linear Gaussian transitions $X_{t_1} \mid x \sim N(A x + b, Q)$.

    !!! example

        ```python
        import sdekit as sk
        a, b, q = sk.processes.OrnsteinUhlenbeck(rate=1.0).discretise(0.0, 1.0)
        ```
    """

    initial: eqx.AbstractVar[Law]

    @abc.abstractmethod
    def discretise(
        self, t0: RealScalar, t1: RealScalar
    ) -> tuple[Float[Array, "d d"], Float[Array, " d"], Float[Array, "d d"]]:
        """`A, b, Q` of the transition from `t0` to `t1`."""


class AbstractGaussianProcess(AbstractProcess):
    """A scalar Gaussian process, given by its mean and covariance (`d = 1`).

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        sk.processes.GaussianProcess(sk.processes.Matern32()).mean(jnp.arange(3.0))  # [0., 0., 0.]
        ```
    """

    @abc.abstractmethod
    def mean(self, ts: Times) -> Float[Array, " t"]:
        """The mean at each time."""

    @abc.abstractmethod
    def covariance(self, ss: Float[Array, " s"], ts: Times) -> Float[Array, "s t"]:
        """The covariance of the states at `ss` and at `ts`."""


class AbstractJumpProcess(AbstractProcess):
    """A Markov jump process on finitely many states.

    !!! example

        ```python
        import sdekit as sk
        issubclass(sk.processes.AbstractJumpProcess, sk.processes.AbstractProcess)
        ```
    """

    @abc.abstractmethod
    def rates(self, t: RealScalar) -> Float[Array, "s s"]:
        """The generator at time `t`: off-diagonal rates, rows that sum to zero."""


class AbstractPointProcess(AbstractProcess):
    """A law over event times (and marks) on a window. `dim` is the number of kinds of events.

    !!! example

        ```python
        import sdekit as sk
        issubclass(sk.processes.AbstractPointProcess, sk.processes.AbstractProcess)
        ```
    """

    @abc.abstractmethod
    def intensity(self, t: RealScalar, history: AbstractRecord) -> Float[Array, " m"]:
        """The conditional intensity of each mark at `t`, given the events before `t`."""

    @abc.abstractmethod
    def compensator(self, a: RealScalar, b: RealScalar, history: AbstractRecord) -> Float[Array, " m"]:
        """The integral of the intensity over `[a, b]`."""
