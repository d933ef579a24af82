"""A jump process behind observations."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from .._errors import require
from .._process import AbstractDensity
from .._types import Array, Key, Times
from ..data import AbstractRecord, Panel, Series
from ..inference import AbstractObservation
from ..math import chain_log_prob, chain_smooth, chain_viterbi
from ..paths import Provenance, SampledPath
from ._abstract import AbstractRates, Moves, moves_as_seen, panel_possible
from ._emissions import state_log_probs


__all__ = ["Evidence", "Hidden", "smooth", "viterbi"]


class Hidden(AbstractDensity):
    """A jump process seen at some times through an observation law: a hidden Markov model in continuous time.

    **Arguments:**

    - `process`: a rate model.
    - `observation`: the law of what is seen of a state: an emission of this room (`GaussianEmission`, ...), or any
        observation law of `inference` with a one-hot state.
    - `exact`: states whose observation stands at the exact time of entry, such as death.

    Its record is a `Series`, or a `Panel` whose codes are labels (misclassification). Missing entries count nothing.

    **Raises:** `ValueError` for an unknown state.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.jumps import GaussianEmission, Hidden, RateMatrix

        chain = RateMatrix([[0.0, 1.0], [2.0, 0.0]])
        model = Hidden(chain, GaussianEmission(jnp.array([0.0, 3.0]), jnp.ones(2)))
        path = model.sample(jnp.linspace(0.0, 5.0, 50), key=jax.random.key(0))
        model.log_prob(sk.data.Series(path.ts, path.xs))
        ```
    """

    process: AbstractRates
    observation: AbstractObservation
    exact: tuple[int, ...] = eqx.field(static=True, default=())

    def __check_init__(self):
        for s in self.exact:
            fits = 0 <= s < self.process.num_states
            require(fits, "exact", f"must hold states 0..{self.process.num_states - 1}", s, "count states from 0")

    @property
    def dim(self) -> int:
        return self.process.dim

    def log_prob(self, record: AbstractRecord) -> Float[Array, ""]:
        """The log-likelihood of one series, or of one subject with misclassified states."""
        return chain_log_prob(*arguments(self, record))

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        first, rest = jax.random.split(key)
        states = self.process.draw(ts, key=first)(ts)
        eye = jnp.eye(self.process.num_states, dtype=ts.dtype)
        keys = jax.random.split(rest, ts.shape[0])
        ys = jax.vmap(lambda s, k: self.observation.sample(eye[s], key=k))(states, keys)
        return SampledPath(ts, ys, Provenance("exact"))


class Evidence(eqx.Module):
    """One item as the scans take it: times, how each step was seen, and the log-likelihood of each state.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Panel
        from sdekit.jumps import Evidence, RateMatrix

        panel = Panel(jnp.array([0.0, 1.0]), jnp.array([0, 1]))
        Evidence.of(RateMatrix([[0.0, 1.0], [2.0, 0.0]]), panel).seen
        ```
    """

    ts: Float[Array, " t"]
    kinds: Int[Array, " t-1"]
    inside: Bool[Array, " t-1"]
    seen: Float[Array, "t n"]
    exact: tuple[int, ...] = eqx.field(static=True, default=())

    @classmethod
    def of(cls, model: AbstractRates | Hidden, record: AbstractRecord) -> "Evidence":
        """What one item of a record says under a model."""
        hidden = isinstance(model, Hidden)
        process = model.process if hidden else model
        n = process.num_states
        require(record.is_item, "record", "must be one item", len(record), "index the record, e.g. record[0]")
        if isinstance(record, Panel):
            mask, kinds = record.mask, record.kinds[1:]
            if hidden:
                codes = record.states[:, None].astype(record.ts.dtype)
                seen = state_log_probs(model.observation, codes, mask[:, None], n)
            else:
                fits = record.num_states <= n
                require(fits, "record.num_states", f"must be at most {n}", record.num_states, "build a larger model")
                seen = jnp.where(panel_possible(record, n), 0.0, -jnp.inf).astype(record.ts.dtype)
        elif isinstance(record, Series) and hidden:
            mask, kinds = record.mask.any(1), jnp.zeros(record.ts.shape[0] - 1, int)
            seen = state_log_probs(model.observation, record.ys, record.mask, n)
        else:
            needs = "a Panel or a Series" if hidden else "a Panel"
            raise TypeError(f"`record` must be {needs}, got {type(record).__name__}. Wrap the process in Hidden.")
        positions = jnp.arange(mask.shape[0])
        last = jnp.where(mask, positions, 0).max()
        return cls(record.ts, kinds, positions[1:] <= last, seen, model.exact if hidden else ())

    def steps(self, moves: Moves) -> Float[Array, "t-1 n n"]:
        """The matrices of the likelihood."""
        steps = moves_as_seen(moves, self.kinds[:, None, None], self.inside)
        for s in self.exact:
            # Whoever is found in this state has entered it just then: from where, and at what rate.
            others = jnp.arange(moves.generators.shape[-1]) != s
            column = jnp.einsum("kij,kj->ki", moves.matrices, moves.generators[:, :, s] * others[None])
            steps = steps.at[:, :, s].set(jnp.where(self.inside[:, None], column, steps[:, :, s]))
        return steps


def arguments(model: AbstractRates | Hidden, record: AbstractRecord) -> tuple[Array, Array, Array]:
    """What the scans of `math` take: weights of the first state, matrices, log-likelihoods."""
    process = model.process if isinstance(model, Hidden) else model
    evidence = Evidence.of(model, record)
    ts, covariates = evidence.ts, record.covariates if isinstance(record, Panel) else None
    moves = process.moves(ts, covariates)
    start = process.start(ts[0], None if covariates is None else covariates[0])
    return process.initial.weights(start), evidence.steps(moves), evidence.seen.astype(start.dtype)


def estimate_emission(model: Hidden, data: Panel | Series, laws: Float[Array, "k t n"]) -> Hidden:
    """The model with the emission that its data give, the laws of the states being known."""
    if isinstance(data, Series):
        ys, mask = data.ys, data.mask
    else:
        ys, mask = data.states[..., None].astype(laws.dtype), data.mask[..., None]
    flat = lambda x: x.reshape(-1, x.shape[-1])
    law: Any = model.observation
    return eqx.tree_at(lambda m: m.observation, model, law.estimate(flat(ys), flat(mask), flat(laws)))


def smooth(model: AbstractRates | Hidden, record: AbstractRecord) -> tuple[Float[Array, "t n"], Float[Array, ""]]:
    """The probabilities of the states at each time given all of one item, and its log-likelihood.

    **Arguments:**

    - `model`: a rate model or a `Hidden` one.
    - `record`: one item of a `Panel` or a `Series`.

    **Returns:** probabilities of shape `(t, n)`, and the log-likelihood.

    **Raises:** `TypeError` for another record.

    Source: Rabiner (1989), Proceedings of the IEEE 77(2), equation 27.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Panel
        from sdekit.jumps import RateMatrix, smooth

        panel = Panel(jnp.arange(3.0), jnp.array([0, 0, 1]), jnp.array([True, False, True]))
        smooth(RateMatrix([[0.0, 1.0], [2.0, 0.0]]), panel)[0]  # the second state was not seen
        ```
    """
    laws, _, value = chain_smooth(*arguments(model, record))
    return laws, value


def viterbi(model: AbstractRates | Hidden, record: AbstractRecord) -> Int[Array, " t"]:
    """The most likely states at the times of one item, jointly.

    **Arguments:** as `smooth`.

    **Returns:** states of shape `(t,)`.

    Source: Viterbi (1967), IEEE Transactions on Information Theory 13(2).

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.jumps import GaussianEmission, Hidden, RateMatrix, viterbi

        model = Hidden(RateMatrix([[0.0, 1.0], [2.0, 0.0]]), GaussianEmission(jnp.array([0.0, 3.0]), jnp.ones(2)))
        viterbi(model, sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 2.9, 3.1])))  # 0, 1, 1
        ```
    """
    return chain_viterbi(*arguments(model, record))[0]
