"""Linear Hawkes processes with exponential kernels."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import expm
from jaxtyping import Array, Float, Int

from .._errors import require
from .._parameters import constraints, parameter
from .._types import RealScalar, as_float, as_vector
from ..data import Events
from ._autoregressive import AbstractRecurrent
from ._decayed import decayed
from ._ergodic import AbstractErgodic
from ._excitation import AbstractExcitation, DenseExcitation, as_excitation
from ._hazards import DecayingHazard


__all__ = ["AbstractLinearHawkes", "ExponentialHawkes", "ExponentialSumHawkes"]


class AbstractLinearHawkes(AbstractErgodic):
    r"""$\lambda_i(t) = \mu_i + \sum_{t_n < t} \Phi_{i k_n} g_{i k_n}(t - t_n)$, densities `g`: a branching process.

    Immigrants come at rates $\mu$; each event of kind `j` has $\Phi_{ij}$ children of kind `i` on average, at delays of
    density $g_{ij}$. Stable when the spectral radius of $\Phi$ is below 1. The window starts with no past.

    !!! example

        ```python
        from sdekit.points import AbstractLinearHawkes, ExponentialHawkes
        isinstance(ExponentialHawkes(0.5, 0.6, 1.5), AbstractLinearHawkes)  # True
        ```
    """

    base: eqx.AbstractVar[Float[Array, " k"]]

    @abc.abstractmethod
    def branching_matrix(self) -> Float[Array, "k k"]:
        """The mean numbers of children."""

    @abc.abstractmethod
    def delays(
        self, child: Int[np.ndarray, " n"], parent: Int[np.ndarray, " n"], rng: np.random.Generator
    ) -> np.ndarray:
        """Delays of children of given kinds after parents of given kinds, drawn in NumPy for the cluster sampler."""

    def long_run_rate(self) -> Float[Array, " k"]:
        left = jnp.eye(self.dim, dtype=self.base.dtype) - self.branching_matrix()
        return jnp.linalg.solve(left, self.base)

    def long_run_covariance(self) -> Float[Array, "k k"]:
        # Hawkes (1971): the Bartlett spectrum at frequency 0.
        left = jnp.eye(self.dim, dtype=self.base.dtype) - self.branching_matrix()
        half = jnp.linalg.solve(left, jnp.diag(jnp.sqrt(self.long_run_rate())))
        return half @ half.T

    def spectral_radius(self) -> float:
        """The growth of a generation of children over its parents; at 1 or above, the process explodes."""
        return float(np.abs(np.linalg.eigvals(np.asarray(self.branching_matrix()))).max())


def _decay(x):
    x = as_float(x)
    return jnp.reshape(x, (1, 1)) if np.ndim(x) == 0 else x


class ExponentialHawkes(AbstractLinearHawkes, AbstractRecurrent):
    r"""The Hawkes process with kernels $\Phi_{ij} \beta_{ij} e^{-\beta_{ij} s}$.

    With one decay for all, memory is one number a kind; with a matrix of them, one a pair.

    **Arguments:**

    - `base`: $\mu$, shape `()` or `(k,)`.
    - `branching`: $\Phi$, a number, shape `(k, k)`, or an `AbstractExcitation` (low rank, sparse).
    - `decay`: $\beta$, a number, `(1, k)` for one a kind that excites, or `(k, k)`.

    **Raises:** `ValueError` for shapes that do not fit, or parameters out of their domain.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.points import ExponentialHawkes
        hawkes = ExponentialHawkes([0.2, 0.1], [[0.3, 0.1], [0.2, 0.4]], 1.5)
        hawkes.sample(jnp.array([0.0, 50.0]), key=jax.random.key(0), n=3)
        ```

    Source: Hawkes (1971), Spectra of some self-exciting and mutually exciting point processes.
    """

    base: Float[Array, " k"] = parameter(constraints.positive, converter=as_vector)
    branching: AbstractExcitation = eqx.field(converter=as_excitation)
    decay: Float[Array, "r c"] = parameter(constraints.positive, converter=_decay)

    mark_law = None

    def __check_init__(self):
        k, shape = self.dim, np.shape(self.decay)
        fits = len(shape) == 2 and shape[0] in (1, k) and shape[1] in (1, k)
        require(
            fits, "decay", f"must be a number, or of shape (1, {k}) or ({k}, {k})", self.decay, "one for all, or each"
        )
        size = jax.eval_shape(self.branching.matrix).shape
        require(size == (k, k), "branching", f"must have shape ({k}, {k})", size, "a row for each kind in `base`")
        dense = shape == (1, 1) or isinstance(self.branching, DenseExcitation)
        remedy = "pass one number, or the full matrix of branching"
        require(dense, "decay", "must be one number for this branching", self.decay, remedy)

    @property
    def dim(self) -> int:
        return self.base.shape[0]

    @property
    def _rows(self) -> int:
        return np.shape(self.decay)[0]

    def branching_matrix(self):
        return self.branching.matrix()

    def delays(self, child, parent, rng):
        beta = np.broadcast_to(np.asarray(self.decay), (self.dim, self.dim))
        return rng.standard_exponential(len(child)) / (beta[0, 0] if beta.size == 1 else beta[child, parent])

    def start(self, t0, room):
        return jnp.zeros((self._rows, self.dim), self.base.dtype)

    def advance(self, state, gap, mark):
        return state * jnp.exp(-self.decay * gap) + jax.nn.one_hot(mark, self.dim, dtype=state.dtype)[None]

    def contexts(self, record: Events):
        kinds = self.marks_of(record)
        jumps = jax.nn.one_hot(kinds, self.dim, dtype=self.base.dtype)[:, None, :]
        jumps = jnp.broadcast_to(jumps, (record.length, self._rows, self.dim))
        after = decayed(record.gaps(), jumps, self.decay)
        return jnp.concatenate([jnp.zeros((1, self._rows, self.dim), after.dtype), after])

    def next_event(self, context):
        if np.shape(self.decay) == (1, 1):
            excess = self.branching.apply(context[0] * self.decay[0, 0])[:, None]
        else:
            excess = self.branching.matrix() * (self.decay * context)
        return DecayingHazard(self.base, excess, self.decay)

    def expected_counts(self, length: RealScalar) -> Float[Array, " k"]:
        """The mean number of events of each kind on a window of this length, from no past: exact, by an exponential."""
        beta = jnp.broadcast_to(self.decay, (self.dim, self.dim))
        return _mean_counts(self.base, self.branching_matrix()[None] * jnp.ones((1, 1, 1)), beta[None], length)


class ExponentialSumHawkes(AbstractLinearHawkes, AbstractRecurrent):
    r"""The Hawkes process with kernels $\sum_m \Phi_{mij} \beta_m e^{-\beta_m s}$.

    **Arguments:**

    - `base`: $\mu$, shape `()` or `(k,)`.
    - `branching`: $\Phi$, shape `(m,)` for one kind, or `(m, k, k)`.
    - `decays`: $\beta$, shape `(m,)`.

    **Raises:** `ValueError` for shapes that do not fit, or parameters out of their domain.

    !!! example

        ```python
        from sdekit.points import ExponentialSumHawkes
        ExponentialSumHawkes(0.2, [0.4, 0.4], [1.0, 20.0]).long_run_rate()  # [1.]
        ```
    """

    base: Float[Array, " k"] = parameter(constraints.positive, converter=as_vector)
    branching: Float[Array, "m k k"] = parameter(
        constraints.nonnegative, converter=lambda x: as_float(x)[:, None, None] if np.ndim(x) == 1 else as_float(x)
    )
    decays: Float[Array, " m"] = parameter(constraints.positive, converter=as_vector)

    mark_law = None

    def __check_init__(self):
        size = (np.shape(self.decays)[0], self.dim, self.dim)
        fits = np.shape(self.branching) == size
        require(fits, "branching", f"must have shape {size}", self.branching, "a matrix for each of `decays`")

    @property
    def dim(self) -> int:
        return self.base.shape[0]

    def branching_matrix(self):
        return self.branching.sum(axis=0)

    def delays(self, child, parent, rng):
        share = np.asarray(self.branching)[:, child, parent].cumsum(axis=0)
        which = (rng.random(len(child)) * share[-1] > share).sum(axis=0)
        return rng.standard_exponential(len(child)) / np.asarray(self.decays)[which]

    def start(self, t0, room):
        return jnp.zeros((self.decays.shape[0], self.dim), self.base.dtype)

    def advance(self, state, gap, mark):
        fade = jnp.exp(-self.decays * gap)[:, None]
        return state * fade + jax.nn.one_hot(mark, self.dim, dtype=state.dtype)[None]

    def contexts(self, record: Events):
        kinds = self.marks_of(record)
        jumps = jax.nn.one_hot(kinds, self.dim, dtype=self.base.dtype)[:, None, :]
        shape = (self.decays.shape[0], self.dim)
        after = decayed(record.gaps(), jnp.broadcast_to(jumps, (record.length, *shape)), self.decays[:, None])
        return jnp.concatenate([jnp.zeros((1, *shape), after.dtype), after])

    def next_event(self, context):
        excess = jnp.einsum("mij,mj->im", self.branching, self.decays[:, None] * context)
        return DecayingHazard(self.base, excess, self.decays[None])

    def expected_counts(self, length: RealScalar) -> Float[Array, " k"]:
        """The mean number of events of each kind on a window of this length, from no past: exact, by an exponential."""
        beta = self.decays[:, None, None] * jnp.ones((1, self.dim, self.dim))
        return _mean_counts(self.base, self.branching, beta, length)


def _mean_counts(base, branching, beta, length):
    """Linear equations of the means: `x' = lambda - beta x` for each mode, `lambda = mu + sum branching beta x`."""
    m, k, _ = branching.shape
    dtype = base.dtype
    modes = m * k * k
    weights = (branching * beta).reshape(m, k, k)
    # The mode (m, i, j) is fed by events of kind j and feeds kind i.
    feeds = jnp.einsum("mij,il->lmij", weights, jnp.eye(k, dtype=dtype)).reshape(k, modes)
    fed = jnp.broadcast_to(jnp.eye(k, dtype=dtype)[None, None], (m, k, k, k)).reshape(modes, k)
    size = modes + k + 1
    a = jnp.zeros((size, size), dtype)
    a = a.at[:modes, :modes].set(fed @ feeds - jnp.diag(beta.reshape(-1)))
    a = a.at[:modes, -1].set(fed @ base)
    a = a.at[modes:-1, :modes].set(feeds)
    a = a.at[modes:-1, -1].set(base)
    return expm(a * length)[modes:-1, -1]
