"""Rates in one look: a network that reads counts of pairs and answers with a law of the generator."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from .._types import Array, Key, PyTree
from ..inference import AbstractAmortised, AbstractParameterLaw
from ..nets import PairNetwork
from ._gibbs import GammaPrior
from ._pair_evidence import PairEvidence
from ._rates import RateMatrix
from ._start import AbstractStart, Conditional


__all__ = ["AmortisedRates", "RateLaw"]

_BINS = 9


class RateLaw(AbstractParameterLaw):
    r"""Independent laws of the rates of a chain: absent with some probability, else gamma; and the law of its start.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import RateLaw

        pairs = jnp.ones((2, 2))
        law = RateLaw(0.3 * pairs, 4.0 * pairs, 2.0 * pairs, jnp.array([0.7, 0.3]), jnp.ones(2, bool))
        law.mean, law.deviation
        ```
    """

    level: Float[Array, "n n"]
    """Means of the rates that are there."""
    shape: Float[Array, "n n"]
    """Shapes of their gamma laws."""
    presence: Float[Array, "n n"]
    """Probabilities, as logits, that the transitions are there."""
    initial: Float[Array, " n"]
    """Probabilities of the first state."""
    states: Bool[Array, " n"]

    @property
    def pairs(self) -> Bool[Array, "n n"]:
        """The pairs of two different states."""
        return self.states[:, None] & self.states[None, :] & ~jnp.eye(self.states.shape[0], dtype=bool)

    @property
    def mean(self) -> Float[Array, "n n"]:
        """The means of the rates, 0 on the diagonal."""
        return jnp.where(self.pairs, jax.nn.sigmoid(self.presence) * self.level, 0)

    @property
    def deviation(self) -> Float[Array, "n n"]:
        """The standard deviations of the rates."""
        p = jax.nn.sigmoid(self.presence)
        return jnp.where(self.pairs, self.level * jnp.sqrt(p * (1 / self.shape + 1 - p)), 0)

    def log_prob(self, truth: PyTree) -> Float[Array, ""]:
        """The log-density of rates, of which there are, and minus the cross entropy of the law of the first state."""
        there = truth.present & self.pairs
        rate = jnp.where(there, truth.rates, 1)
        scaled = self.shape * rate / self.level
        density = self.shape * jnp.log(scaled) - jnp.log(rate) - scaled - jax.lax.lgamma(self.shape)
        rates = jnp.where(there, density + jax.nn.log_sigmoid(self.presence), jax.nn.log_sigmoid(-self.presence))
        start = jnp.where(self.states, truth.initial * jnp.log(jnp.where(self.states, self.initial, 1)), 0)
        return jnp.where(self.pairs, rates, 0).sum() + start.sum()

    def prior(self, unit: float = 1.0, *, weight: float = 1.0) -> tuple[RateMatrix, GammaPrior]:
        """A chain with the means as its rates, and gamma laws with the same means and deviations, for `em`.

        **Arguments:**

        - `unit`: the unit of time that the rates are in, as `PairEvidence.of` returns it.
        - `weight`: by what shapes and rates are multiplied: the means stay, at a weight below 1 they say less.

        **Returns:** the chain, conditional on its first state, and a prior of its rates.
        """
        n = int(np.asarray(self.states).sum())
        mean, deviation = (np.asarray(x, float)[:n, :n] / unit for x in (self.mean, self.deviation))
        off = ~np.eye(n, dtype=bool)
        mean, deviation = np.maximum(mean, 1e-6 / unit), np.maximum(deviation, 1e-6 / unit)
        model = RateMatrix(jnp.asarray(np.where(off, mean, 0), self.level.dtype), Conditional())
        shape = weight * (mean / deviation)[off] ** 2
        cast: Any = lambda x: jnp.asarray(x, self.level.dtype)
        return model, GammaPrior(cast(shape), cast(weight * (mean / deviation**2)[off]))

    def model(self, unit: float = 1.0, initial: AbstractStart | None = None) -> RateMatrix:
        """The chain of the means, with rates in the unit of the data.

        **Arguments:**

        - `unit`: as in `prior`.
        - `initial`: the law of its first state; `Conditional()`, if not given.
        """
        chain = self.prior(unit)[0]
        return chain if initial is None else eqx.tree_at(lambda m: m.initial, chain, initial)


class AmortisedRates(AbstractAmortised):
    """A network from counts of pairs to a law of the rates: zero-shot inference, after training on a `TaskPrior`.

    It reads `PairEvidence` and no order of the states: renaming them renames the answer. Before the network, counts
    are freed from wrong labels, of known probability, and each interval gives a first estimate of the generator,
    $2 (P - I)(P + I)^{-1} / t$; the network weighs these and shrinks them.

    **Arguments:**

    - `width`, `depth`: the size of the `PairNetwork`.
    - `key`: a JAX key for the initial weights.

    Source: the statement of the problem and the heads, Berghaus et al. (2024), section 4; counts in the place of their
    encoder of paths are ours.

    !!! example

        ```python
        import jax
        from sdekit.jumps import AmortisedRates, TaskPrior

        tasks = TaskPrior(paths=20, states=(3,)).tasks(2, key=jax.random.key(0))
        model = AmortisedRates(width=8, depth=1, key=jax.random.key(1))
        # sk.fit(model, sk.inference.AmortisedLikelihood(), tasks, key=key) trains it.
        model(tasks[0].evidence).mean
        ```
    """

    network: PairNetwork

    def __init__(self, width: int = 48, depth: int = 3, *, key: Key):
        self.network = PairNetwork(
            4 * _BINS + 2, 2 * _BINS + 3, 2 * _BINS + 5, out_pairs=3, out_nodes=1, width=width, depth=depth, key=key
        )

    def __call__(self, evidence: PairEvidence) -> RateLaw:
        return _read(self.network, evidence)


@eqx.filter_jit
def _read(network: PairNetwork, evidence: PairEvidence) -> RateLaw:
    dtype = network.enter.weight.dtype
    evidence = jax.tree.map(lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, evidence)
    pairs, nodes, whole, crude = jax.lax.stop_gradient(features(evidence))
    heads, starts = network(pairs, nodes, whole, evidence.states)
    level = (jnp.maximum(crude, 0) + 0.05) * jnp.exp(jnp.clip(heads[..., 0], -8, 8))
    shape = jnp.exp(jnp.clip(heads[..., 1], -4, 8))
    start = jax.nn.softmax(jnp.where(evidence.states, starts[:, 0], -jnp.inf))
    return RateLaw(level, shape, heads[..., 2], start, evidence.states)


def features(evidence: PairEvidence) -> tuple[Array, Array, Array, Array]:
    """What the network reads, of pairs, states and the whole, and a first estimate of the rates, shape `(n, n)`."""
    counts, times, states = evidence.counts, evidence.intervals, evidence.states
    n, m = states.shape[0], states.sum()
    both = (states[:, None] & states[None, :]).astype(counts.dtype)
    eye = jnp.eye(n, dtype=counts.dtype)
    # Wrong labels: the law of a label is E = d I + c 1 1'; its inverse is (I - c 1 1') / d.
    c = evidence.noise / jnp.maximum(m - 1, 1)
    d = 1 - c * m
    clean = (eye - c * both) / d
    true = jnp.einsum("ki,bkl,lj->bij", clean, counts, clean)
    rows = true.sum(2)
    known = (rows > 0.5) & states[None]
    P = jnp.where(known[..., None], true / jnp.where(known, rows, 1)[..., None], eye[None])
    P = jnp.clip(P, -0.2, 1.2)
    safe = jnp.where(times > 0, times, 1)
    half = jnp.linalg.solve((P + eye[None]).swapaxes(1, 2), (P - eye[None]).swapaxes(1, 2)).swapaxes(1, 2)
    Q = jnp.clip(2 * jnp.nan_to_num(half) / safe[:, None, None], -30, 30) * both[None]
    weight = jnp.where(known, rows, 0) * (times / (0.1 + times) ** 2)[:, None]
    crude = (weight[..., None] * Q).sum(0) / jnp.maximum(weight.sum(0), 1e-6)[:, None]
    bins_last = lambda x: jnp.moveaxis(x, 0, -1)
    logs = lambda x: jnp.log1p(jnp.maximum(x, 0)) / 4
    pairs = [jnp.arcsinh(5 * Q), P - eye[None], logs(counts), logs(true)]
    extra = jnp.stack([eye, jnp.arcsinh(5 * crude)], -1)
    pairs = jnp.concatenate([*map(bins_last, pairs), extra], -1) * both[..., None]
    begins = evidence.starts / jnp.maximum(evidence.starts.sum(), 1)
    nodes = [logs(rows).T, logs(counts.sum(1)).T, begins[:, None], logs(evidence.starts)[:, None],
             weight.sum(0)[:, None] / jnp.maximum(weight.sum(), 1e-6)]  # fmt: skip
    number = jnp.log1p(evidence.starts.sum())[None] / 4
    noise = evidence.noise[None]
    mixing = jnp.arcsinh(5 * jnp.abs(jnp.diagonal(crude)).sum() / jnp.maximum(m, 1))[None]
    whole = [logs(counts.sum((1, 2))), times, number, noise * 5, jnp.sqrt(noise), m[None] / 6, mixing]
    return pairs, jnp.concatenate(nodes, -1), jnp.concatenate(whole), crude
