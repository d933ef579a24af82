"""A law over problems of inference: generators, grids, wrong labels and paths, to train amortised inference on."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from .._errors import require
from .._types import Array, Key
from ..data import Panel
from ..inference import Simulated
from ..math import counter_uniform, transition_matrix
from ._pair_evidence import FINE, PairEvidence, code_planes, plane_pairs
from ._start import balance


__all__ = ["ChainTruth", "LabelledPaths", "TaskPrior"]

_POINTS, _HORIZON, _TRIES = 100, 10.0, 32
_FIRST, _SECOND = (1, 2), (1, 3, 5, 10)
"""The shapes of the beta laws of the rates."""


class ChainTruth(eqx.Module):
    """What is to be inferred of a chain: its rates and where it starts. States beyond its number are padding.

    !!! example

        ```python
        import jax
        from sdekit.jumps import TaskPrior
        TaskPrior().chain(key=jax.random.key(0)).rates.shape  # (6, 6)
        ```
    """

    rates: Float[Array, "n n"]
    """The rates, 0 on the diagonal, in units of the task: one over a tenth of the span of the paths."""
    present: Bool[Array, "n n"]
    """Which transitions there are."""
    initial: Float[Array, " n"]
    """The law of the first state."""
    states: Bool[Array, " n"]
    """Which states there are."""

    def generator(self) -> Float[Array, "n n"]:
        """The generator, zero for states that are padding."""
        return self.rates - jnp.diag(self.rates.sum(1))


class LabelledPaths(eqx.Module):
    """Paths on a common fine grid, as labels, some of them wrong and some of them not seen.

    !!! example

        ```python
        import jax
        from sdekit.jumps import TaskPrior
        truth, paths = TaskPrior(paths=5).paths_of(key=jax.random.key(0))
        paths.panel(6)
        ```
    """

    labels: Int[Array, "t k"]
    seen: Bool[Array, "t k"]
    noise: Float[Array, ""]
    """The probability that a label is wrong."""

    def unit(self) -> Float[Array, ""]:
        """A tenth of the span, in steps of the grid: the unit of time of the task."""
        steps = jnp.arange(self.labels.shape[0])
        rows = self.seen.any(1)
        last = jnp.where(rows, steps, 0).max()
        first = jnp.where(rows, steps, steps[-1]).min()
        return jnp.maximum(last - first, 1) / _HORIZON

    def panel(self, num_states: int) -> Panel:
        """The paths as a panel in units of the task, padded where paths were seen less often. Not for `jit`."""
        labels, seen = np.asarray(self.labels).T, np.asarray(self.seen).T
        keep = seen.any(1)
        ts = np.arange(labels.shape[1]) / float(self.unit())
        items = [(ts[s], y[s]) for y, s in zip(labels[keep], seen[keep], strict=True)]
        return Panel.from_list([t for t, _ in items], [y for _, y in items], num_states=num_states)


class TaskPrior(eqx.Module):
    r"""The law of tasks of FIM-MJP: a chain, a grid, label noise, paths. Drawn under `jit` and `vmap`.

    Off-diagonal rates are $A_{ij} B_{ij}$: $B_{ij} \sim \mathrm{Beta}(a, b)$ with $a \in \{1, 2\}$ and
    $b \in \{1, 3, 5, 10\}$ anew for each entry; $A$ is full, or, half of the time, each edge is there with probability
    1/2, given that all states can reach each other. The start is the stationary law or, half of the time, a Dirichlet
    law with all parameters 50. Grids are 100 times on [0, 10], of which every first, second, third or fourth is seen,
    or each with probability 1/2 or 1/4. A wrong label is any other, alike.

    A share of the tasks has another unit of time, so that rates are not always below 1.

    **Arguments:**

    - `paths`: the most paths of a task.
    - `fewest`: the fewest (by default `paths`): their number is then log-uniform.
    - `states`: the numbers of states, drawn alike; arrays are padded to the largest.
    - `noises`: the probabilities of a wrong label, drawn alike.
    - `irregular`: the share of tasks with an irregular grid.
    - `stretched`: the share of tasks whose rates are multiplied by a log-uniform number in `[1/stretch, stretch]`.

    **Raises:** `ValueError` for sizes or shares out of range.

    Source: Berghaus, Cvejoski, Seifner, Ojeda and Sanchez (2024), section 3 and appendix; the shapes of the beta laws
    and the share of sparse chains are read off the generators stored with its code.

    !!! example

        ```python
        import jax
        from sdekit.jumps import TaskPrior

        prior = TaskPrior(paths=30, states=(2, 3), noises=(0.01,))
        prior.task(key=jax.random.key(0)).evidence.counts.shape  # (9, 3, 3)
        ```
    """

    paths: int = eqx.field(static=True, default=300)
    fewest: int | None = eqx.field(static=True, default=None)
    states: tuple[int, ...] = eqx.field(static=True, default=(6,))
    noises: tuple[float, ...] = eqx.field(static=True, default=(0.01,))
    irregular: float = eqx.field(static=True, default=0.5)
    stretched: float = eqx.field(static=True, default=0.0)
    stretch: float = eqx.field(static=True, default=10.0)

    def __check_init__(self):
        require(self.paths >= 1, "TaskPrior.paths", "must be positive", self.paths, "pass a number of paths")
        fits = self.fewest is None or 1 <= self.fewest <= self.paths
        require(fits, "TaskPrior.fewest", f"must lie in 1..{self.paths}", self.fewest, "pass at most `paths`")
        fits = len(self.states) > 0 and min(self.states) >= 2
        require(fits, "TaskPrior.states", "must be numbers of at least 2", self.states, "pass e.g. (6,)")
        fits = len(self.noises) > 0 and all(0 <= e < 0.5 for e in self.noises)
        require(fits, "TaskPrior.noises", "must lie in [0, 0.5)", self.noises, "pass e.g. (0.01,)")
        for name in ("irregular", "stretched"):
            share = getattr(self, name)
            require(0 <= share <= 1, f"TaskPrior.{name}", "must lie in [0, 1]", share, "pass a share of the tasks")

    def chain(self, *, key: Key) -> ChainTruth:
        """Draw a chain, in the unit of time in which the horizon is 10."""
        return _chain(self, key)

    def paths_of(self, *, key: Key) -> tuple[ChainTruth, LabelledPaths]:
        """Draw a chain, its rates in units of the task, and its paths as they are seen."""
        return _paths_of(self, key)

    def _seen(self, key: Key) -> Array:
        kind, which, each = jax.random.split(key, 3)
        stride = jax.random.randint(which, (), 1, 5)
        share = jnp.where(stride <= 2, 0.5, 0.25)
        regular = jnp.broadcast_to((jnp.arange(_POINTS) % stride == 0)[:, None], (_POINTS, self.paths))
        random = counter_uniform(each, 0, (_POINTS, self.paths), jnp.float32) < share
        return jnp.where(jax.random.bernoulli(kind, self.irregular), random, regular)

    def task(self, *, key: Key) -> Simulated:
        """Draw a task: what is seen of a chain, as counts of pairs, and the truth, as one item of a record."""
        return _task(self, key)

    def tasks(self, n: int, *, key: Key, chunk: int = 64) -> Simulated:
        """Draw `n` tasks, `chunk` at a time, as a record that `fit` takes."""
        keys = jax.random.split(key, n)
        parts = [_several(self, keys[i : i + chunk]) for i in range(0, n, chunk)]
        return jax.tree.map(lambda *xs: jnp.concatenate(xs), *parts) if len(parts) > 1 else parts[0]


@eqx.filter_jit
def _chain(prior: TaskPrior, key: Key) -> ChainTruth:
    n = max(prior.states)
    keys = jax.random.split(key, 7)
    m = jax.random.choice(keys[0], jnp.asarray(prior.states))
    states = jnp.arange(n) < m
    pairs = states[:, None] & states[None, :] & ~jnp.eye(n, dtype=bool)
    full = jax.random.bernoulli(keys[1])
    present = pairs & (full | _strongly_connected(states, pairs, keys[2]))
    rates = jnp.where(present, _beta(keys[3], (n, n)), 0)
    factor = prior.stretch ** jax.random.uniform(keys[4], minval=-1.0)
    rates = rates * jnp.where(jax.random.bernoulli(jax.random.fold_in(keys[4], 1), prior.stretched), factor, 1)
    still, near = jax.random.bernoulli(keys[5]), _dirichlet(keys[6], states)
    # Padding flows into state 0, so that the stationary law leaves it.
    flow = rates.at[:, 0].add(jnp.where(states, 0, 1))
    law = jnp.clip(balance(flow - jnp.diag(flow.sum(1))), 0, 1)
    return ChainTruth(rates, present, jnp.where(still, law / law.sum(), near), states)


@eqx.filter_jit
def _paths_of(prior: TaskPrior, key: Key) -> tuple[ChainTruth, LabelledPaths]:
    keys = jax.random.split(key, 5)
    truth = _chain(prior, keys[0])
    noise = jax.random.choice(keys[1], jnp.asarray(prior.noises, truth.rates.dtype))
    labels = _labels(truth, noise, prior.paths, key=keys[2])
    low = prior.paths if prior.fewest is None else prior.fewest
    count = low * (prior.paths / low) ** jax.random.uniform(keys[3])
    there = jnp.arange(prior.paths) < jnp.round(count)
    paths = LabelledPaths(labels, prior._seen(keys[4]) & there[None], noise)
    scale = paths.unit() * (_HORIZON / (_POINTS - 1))
    return eqx.tree_at(lambda c: c.rates, truth, truth.rates * scale), paths


@eqx.filter_jit
def _task(prior: TaskPrior, key: Key) -> Simulated:
    truth, paths = _paths_of(prior, key)
    n = max(prior.states)
    pairs = plane_pairs(code_planes(paths.labels, paths.seen, n), FINE)
    gaps = jnp.arange(1, FINE + 1) / paths.unit()
    first = jnp.argmax(paths.seen, 0)
    begins = jnp.take_along_axis(paths.labels, first[None], 0)[0]
    starts = (jax.nn.one_hot(begins, n) * paths.seen.any(0)[:, None]).sum(0)
    return Simulated(PairEvidence.binned(gaps, pairs, starts, truth.states, paths.noise), truth)


@eqx.filter_jit
def _several(prior: TaskPrior, keys: Any) -> Simulated:
    tasks = jax.vmap(lambda k: prior.task(key=k))(keys)
    return Simulated(tasks.evidence, tasks.truth, is_item=False)


def _strongly_connected(states: Array, pairs: Array, key: Key) -> Array:
    """Edges that are there with probability 1/2, given that each state reaches each: the first that fits of many."""
    n = states.shape[0]
    tries = jax.random.bernoulli(key, 0.5, (_TRIES, n, n)) & pairs[None]
    reach = (tries | jnp.eye(n, dtype=bool)[None]).astype(jnp.float32)
    for _ in range(int(np.ceil(np.log2(n)))):
        reach = jnp.minimum(reach @ reach, 1)
    both = states[:, None] & states[None, :]
    fits = ((reach > 0) | ~both[None]).all((1, 2))
    return jnp.where(fits.any(), tries[jnp.argmax(fits)], pairs)


def _beta(key: Key, shape: tuple[int, ...]) -> Array:
    """Beta(a, b) for a random a of 1 and 2 and a random b, as the least or second least of uniform numbers."""
    keys = jax.random.split(key, 4)
    second = jax.random.choice(keys[0], jnp.asarray(_FIRST), shape) == 2
    b = jax.random.choice(keys[1], jnp.asarray(_SECOND, jnp.float32), shape)
    u, v = jax.random.uniform(keys[2], (2, *shape))
    least = 1 - u ** (1 / jnp.where(second, b + 1, b))
    return jnp.where(second, least + (1 - least) * (1 - v ** (1 / b)), least)


def _dirichlet(key: Key, states: Array) -> Array:
    """Dirichlet(50, ..., 50): each gamma number is a sum of 50 exponential ones."""
    gammas = jnp.where(states, jax.random.exponential(key, (50, states.shape[0])).sum(0), 0)
    return gammas / gammas.sum()


def _labels(truth: ChainTruth, noise: Array, paths: int, *, key: Key) -> Int[Array, "t k"]:
    n = truth.states.shape[0]
    P = transition_matrix(truth.generator(), _HORIZON / (_POINTS - 1))
    cumulated = jnp.cumsum(P, 1)[:, :-1]
    m = truth.states.sum()

    def place(cumulated, u):
        return (u[:, None] >= cumulated).sum(1, dtype=jnp.int32)

    def label(x, k):
        u = counter_uniform(key, k, (paths,), jnp.float32, stream=1)
        other = jnp.floor(u / jnp.maximum(noise, 1e-12) * (m - 1)).astype(jnp.int32)
        return jnp.where(u < noise, (x + 1 + jnp.minimum(other, m - 2)) % m, x)

    def step(x, k):
        x = jnp.minimum(place(cumulated[x], counter_uniform(key, k, (paths,), jnp.float32)), m - 1)
        return x, label(x, k)

    u = counter_uniform(key, 0, (paths,), jnp.float32)
    start = jnp.minimum(place(jnp.cumsum(truth.initial)[None, : n - 1], u), m - 1)
    _, rest = jax.lax.scan(step, start, jnp.arange(1, _POINTS))
    return jnp.concatenate([label(start, 0)[None], rest])
