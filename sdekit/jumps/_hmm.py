"""Hidden Markov models in discrete time, and what they say exactly of what is seen."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from .._errors import require
from .._parameters import constraints, parameter
from .._process import AbstractDensity
from .._types import Array, Key, Times
from ..data import AbstractRecord, Series
from ..inference import AbstractObservation
from ..math import chain_expectations, chain_log_prob, chain_viterbi, lane_expectations
from ..paths import Provenance, SampledPath
from ._emissions import AbstractEmission, state_log_probs
from ._start import balance


__all__ = ["BaumWelchFit", "HiddenMarkov", "baum_welch"]

_BLOCK = 192
"""A chain of many steps is cut into blocks of about this many."""


class HiddenMarkov(AbstractDensity):
    """A Markov chain in discrete time behind observations. Times only count the steps.

    **Arguments:**

    - `first`: the law of the first state, shape `(n,)`.
    - `matrix`: the transition matrix, shape `(n, n)`, rows that sum to one.
    - `observation`: the law of what is seen, as in `Hidden`.

    **Raises:** `ValueError` for a row that is not a law, or shapes that do not fit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import GaussianEmission, HiddenMarkov

        law = GaussianEmission(jnp.array([0.0, 3.0]), jnp.ones(2))
        model = HiddenMarkov(jnp.array([0.5, 0.5]), jnp.array([[0.9, 0.1], [0.2, 0.8]]), law)
        model.sample(jnp.arange(100.0), key=jax.random.key(0)).xs.shape  # (100, 1)
        ```
    """

    first: Float[Array, " n"] = parameter(constraints.simplex)
    matrix: Float[Array, "n n"] = parameter(constraints.simplex)
    observation: AbstractObservation = parameter(converter=lambda law: law)

    def __check_init__(self):
        n = self.first.shape[-1]
        shape = self.matrix.shape
        require(shape == (n, n), "matrix", f"must have shape ({n}, {n})", self.matrix, "pass one row a state")

    dim = 1

    @property
    def num_states(self) -> int:
        return self.first.shape[0]

    def stationary(self) -> Float[Array, " n"]:
        """The stationary law of the chain."""
        return balance(self.matrix - jnp.eye(self.num_states, dtype=self.matrix.dtype))

    def _arguments(self, record: AbstractRecord):
        if not isinstance(record, Series):
            raise TypeError(f"`record` must be a Series, got {type(record).__name__}. Pass a Series.")
        require(record.is_item, "record", "must be one series", len(record), "index the record, e.g. record[0]")
        n = self.num_states
        seen = state_log_probs(self.observation, record.ys, record.mask, n)
        return self.first, jnp.broadcast_to(self.matrix[None], (seen.shape[0] - 1, n, n)), seen

    def log_prob(self, record: AbstractRecord) -> Float[Array, ""]:
        """The log-likelihood of one series."""
        return chain_log_prob(*self._arguments(record))

    def viterbi(self, record: AbstractRecord) -> Int[Array, " t"]:
        """The most likely states, jointly."""
        return chain_viterbi(*self._arguments(record))[0]

    def smooth(self, record: AbstractRecord) -> Float[Array, "t n"]:
        """The probabilities of the states at each time, given the whole series."""
        first, steps, seen = self._arguments(record)
        return chain_expectations(first, self.matrix, seen, _blocks(steps.shape[0]))[0]

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        start, rest = jax.random.split(key)
        logs = jnp.log(self.matrix)
        eye = jnp.eye(self.num_states, dtype=self.matrix.dtype)
        s0 = jax.random.categorical(start, jnp.log(self.first))

        def step(s, k):
            move, look = jax.random.split(k)
            return jax.random.categorical(move, logs[s]), self.observation.sample(eye[s], key=look)

        _, ys = jax.lax.scan(step, s0, jax.random.split(rest, ts.shape[0]))
        return SampledPath(ts, ys, Provenance("exact"))


@dataclasses.dataclass(frozen=True)
class BaumWelchFit:
    """What `baum_welch` returns.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.jumps import GaussianEmission, HiddenMarkov, baum_welch

        law = GaussianEmission(jnp.array([0.0, 3.0]), jnp.ones(2))
        model = HiddenMarkov(jnp.array([0.5, 0.5]), jnp.array([[0.9, 0.1], [0.2, 0.8]]), law)
        series = sk.data.Series(jnp.arange(6.0), jnp.array([0.1, 0.2, 2.8, 3.1, 0.0, -0.1]))
        baum_welch(model, series, steps=3).log_prob
        ```
    """

    model: HiddenMarkov
    log_prob: float
    """The log-likelihood under the model."""
    history: np.ndarray
    """The log-likelihood before each step."""


def baum_welch(model: HiddenMarkov, data: Series, *, steps: int = 100, tolerance: float = 0.0) -> BaumWelchFit:
    """Fit a hidden Markov model in discrete time by expectation and maximisation.

    **Arguments:**

    - `model`: the model to start from, with an emission of this room.
    - `data`: series of equally many steps, one or a stack; missing entries count nothing.
    - `steps`: the most steps.
    - `tolerance`: stop when a step gains less than so much log-likelihood.

    **Returns:** a `BaumWelchFit`.

    **Raises:** `TypeError` for an observation law without an estimate in closed form.

    Source: Baum, Petrie, Soules and Weiss (1970), Annals of Mathematical Statistics 41(1).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.jumps import GaussianEmission, HiddenMarkov, baum_welch

        law = GaussianEmission(jnp.array([0.0, 3.0]), jnp.ones(2))
        truth = HiddenMarkov(jnp.array([0.5, 0.5]), jnp.array([[0.9, 0.1], [0.2, 0.8]]), law)
        path = truth.sample(jnp.arange(500.0), key=jax.random.key(0))
        baum_welch(truth, sk.data.Series(path.ts, path.xs), steps=10).model.matrix
        ```
    """
    if not isinstance(model.observation, AbstractEmission):
        name = type(model.observation).__name__
        raise TypeError(f"`model.observation` must be an emission of sdekit.jumps, got {name}. Others go to fit.")
    model, value, history, count = _run(model, data.stack(), steps, jnp.asarray(tolerance))
    return BaumWelchFit(model, float(value), np.asarray(history)[: int(count)])


def _blocks(steps: int) -> int:
    return min(max(1, steps // _BLOCK), 1024)


def _in_lanes(x: Array, blocks: int, length: int) -> Array:
    """What was seen, first the first and then step by step of all blocks, so that blocks lie side by side in memory."""
    fill = jnp.zeros((blocks * length + 1 - x.shape[0], x.shape[1]), x.dtype)
    rest = jnp.concatenate([x[1:], fill]).reshape(blocks, length, -1)
    return jnp.concatenate([x[:1], rest.transpose(1, 0, 2).reshape(-1, x.shape[1])])


def _expect(model: HiddenMarkov, ys: Array, mask: Array, real: Array):
    """Laws of the states in the order of `_in_lanes`, expected transitions and log-likelihood, of each item."""
    n, law = model.num_states, model.observation
    assert isinstance(law, AbstractEmission)
    lanes = lambda x: x[1:].reshape(*real.shape, -1)

    def one(item):
        ys, mask = item
        # States apart, lanes side by side: what follows runs along the lanes.
        seen = jax.vmap(jax.vmap(law.log_probs, out_axes=-1))(lanes(ys), lanes(mask))
        start = law.log_probs(ys[0], mask[0])
        first, laws, moves, value = lane_expectations(model.first, model.matrix, start, seen, real)
        return jnp.concatenate([first[None], laws.transpose(0, 2, 1).reshape(-1, n)]), moves, value

    # A long series fills the lanes by itself; under vmap both ways into its blocks would be taken.
    return jax.lax.map(one, (ys, mask)) if real.shape[1] > 1 else jax.vmap(one)((ys, mask))


@eqx.filter_jit
def _run(model, data, steps: int, tolerance):
    arrays, static = eqx.partition(model, eqx.is_array)
    flat = lambda x: x.reshape(-1, x.shape[-1])
    t = data.ys.shape[1]
    blocks = _blocks(t - 1)
    length = -(-(t - 1) // blocks)
    ys, mask = (jax.vmap(lambda x: _in_lanes(x, blocks, length))(x) for x in (data.ys, data.mask))
    real = jnp.arange(blocks)[None] * length + jnp.arange(length)[:, None] < t - 1

    def body(carry):
        i, arrays, history, _ = carry
        model = eqx.combine(arrays, static)
        laws, moves, values = _expect(model, ys, mask, real)
        tiny = jnp.finfo(laws.dtype).tiny
        moves = moves.sum(0)
        total = moves.sum(1, keepdims=True)
        matrix = jnp.where(total > 0, moves / jnp.where(total > 0, total, 1), model.matrix)
        law = model.observation.estimate(flat(ys), flat(mask), flat(laws))
        first = jnp.maximum(laws[:, 0].mean(0), tiny)
        new = eqx.tree_at(lambda m: (m.first, m.matrix, m.observation), model, (first, matrix, law))
        value = values.sum()
        gain = value - jnp.where(i > 0, history[jnp.maximum(i - 1, 0)], -jnp.inf)
        return i + 1, eqx.filter(new, eqx.is_array), history.at[i].set(value), gain

    more = lambda c: (c[0] < steps) & (c[3] >= tolerance)
    inf = jnp.full((), jnp.inf, model.matrix.dtype)
    start = (jnp.zeros((), int), arrays, jnp.zeros(steps, model.matrix.dtype), inf)
    count, arrays, history, _ = jax.lax.while_loop(more, body, start)
    found = eqx.combine(arrays, static)
    return found, _expect(found, ys, mask, real)[2].sum(), history, count
