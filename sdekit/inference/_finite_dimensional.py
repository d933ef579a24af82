"""Training by proper scoring rules on finite-dimensional marginals: no likelihood, no critic."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from .._errors import require
from .._types import Array, Key, PyTree
from ..data import AbstractRecord, Series
from ._drawn import draw_states, require_least, series_of_one_grid
from ._objective import AbstractObjective


__all__ = ["AbstractDiscrepancy", "Distance", "FiniteDimensionalMatching", "GaussianDiscrepancy"]


class AbstractDiscrepancy(eqx.Module):
    r"""A function $\rho(x, y)$ of two vectors, for the score $E \rho(X, y) - \frac12 E \rho(X, X')$ of a law at $y$.

    The score is strictly proper where $\rho$ is strictly of negative type.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk

        class Root(sk.inference.AbstractDiscrepancy):  # a new one: one method
            def __call__(self, x, y):
                return jnp.sum((x - y) ** 2 + 1e-6, axis=-1) ** 0.25

        Root()(jnp.zeros(2), jnp.ones(2))
        ```

    Source: Gneiting and Raftery (2007), Strictly proper scoring rules, theorem 4.
    """

    @abc.abstractmethod
    def __call__(self, x: Float[Array, "*n k"], y: Float[Array, "*n k"]) -> Float[Array, "*n"]:
        """The discrepancies over the last axis."""


class Distance(AbstractDiscrepancy):
    r"""The Euclidean distance: the energy score, and the energy distance of laws.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        sk.inference.Distance()(jnp.zeros(2), jnp.array([3.0, 4.0]))  # 5
        ```

    Source: Szekely and Rizzo (2013), Energy statistics; Gneiting and Raftery (2007), equation 22.
    """

    def __call__(self, x: Float[Array, "*n k"], y: Float[Array, "*n k"]) -> Float[Array, "*n"]:
        square = jnp.sum((x - y) ** 2, axis=-1)
        return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)


class GaussianDiscrepancy(AbstractDiscrepancy):
    r"""$-\sum_l e^{-|x - y|^2 / (2 l^2)}$, a mean over lengths: the squared maximum mean discrepancy of laws.

    Bounded, so that outliers pull little; but nothing is learned from draws that are many lengths away.

    **Arguments:**

    - `lengths`: the lengths of the kernels, in the unit of the data, positive.

    **Raises:** `ValueError` for no length, or one that is not positive.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        sk.inference.GaussianDiscrepancy((1.0, 4.0))(jnp.zeros(2), jnp.ones(2))
        ```

    Source: Gretton et al. (2012), A kernel two-sample test, lemma 6.
    """

    lengths: tuple[float, ...] = eqx.field(static=True, default=(1.0,))

    def __check_init__(self):
        ok = len(self.lengths) > 0 and all(length > 0 for length in self.lengths)
        remedy = "pass e.g. (0.5, 1.0, 2.0)"
        require(ok, "GaussianDiscrepancy.lengths", "must be positive numbers", self.lengths, remedy)

    def __call__(self, x: Float[Array, "*n k"], y: Float[Array, "*n k"]) -> Float[Array, "*n"]:
        square = jnp.sum((x - y) ** 2, axis=-1)
        return -jnp.mean(jnp.stack([jnp.exp(-0.5 * square / length**2) for length in self.lengths]), axis=0)


class FiniteDimensionalMatching(AbstractObjective):
    r"""How far the laws of a process at a few times at once are from those of the data, by a proper score.

    $$E_S \Big[ E\,\rho(X_S, y_S) - \tfrac12 E\,\rho(X_S, X'_S) \Big], \qquad X_S = (X_{t_1}, \dots, X_{t_k}),$$

    over sets $S$ of `times` rows, drawn anew at each step. Two continuous Markov processes with the same laws at all
    pairs of times are the same, so pairs (`times=2`) suffice to train a neural SDE that is observed whole; more times
    serve processes with a memory, 1 only matches marginals. All series of a batch stand at the same times; a series is
    left out of the sets in which it lacks a value. Costs $O(\text{paths} (\text{paths} + \text{series}))$ a set.

    **Arguments:**

    - `paths`: paths drawn a step, at least 2.
    - `sets`: how many sets of rows a step.
    - `times`: how many rows in a set.
    - `discrepancy`: the $\rho$ of the score.
    - `whiten`: whether to measure discrepancies after the linear map that makes the covariance of the data at the rows
        of a set the identity. Values at near times differ by little, and that little tells the diffusion coefficient:
        otherwise it is hardly heard.
    - `steps`: for diffusions, how many steps of the solver in each gap; `None` for the model's own draws.
    - `window`: how many rows in succession the rows of a set are drawn from; all if `None`. The laws at near times say
        everything of a Markov process, and where a series is longer than its memory most pairs of all rows say little.

    **Raises:** `ValueError` for fewer than two paths, or one set, time or step, or a set larger than a series or its
    window; `TypeError` when called on a model that draws no `SampledPath`, or on a record that is not a `Series`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import FiniteDimensionalMatching

        data = sk.data.load("ou", n=32, ts=jnp.linspace(0.0, 2.0, 9), key=jax.random.key(0))
        model = sk.processes.OrnsteinUhlenbeck(rate=0.3)
        objective = FiniteDimensionalMatching(paths=32, sets=4)
        sk.fit(model, objective, data, key=jax.random.key(1), steps=2, progress=False).history["score"]
        ```

    Source: Zhang, Viktorov, Jung and Pitler (2025), Efficient training of neural stochastic differential equations by
    matching finite dimensional distributions; Issa, Horvath, Lemercier and Salvi (2023), Non-adversarial training of
    neural SDEs with signature kernel scores, for scores as losses.
    """

    paths: int = eqx.field(static=True, default=64)
    sets: int = eqx.field(static=True, default=16)
    times: int = eqx.field(static=True, default=2)
    discrepancy: AbstractDiscrepancy = eqx.field(default_factory=Distance)
    whiten: bool = eqx.field(static=True, default=False)
    steps: int | None = eqx.field(static=True, default=None)
    window: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        require_least(
            "FiniteDimensionalMatching",
            paths=(self.paths, 2), sets=(self.sets, 1), times=(self.times, 1), steps=(self.steps, 1),
            window=(self.window, self.times),
        )  # fmt: skip

    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The score of a batch.

        **Arguments:**

        - `model`: a process.
        - `batch`: a `Series`, one or stacked, all at the same times.
        - `key`: a JAX key.

        **Returns:** the score, lower is better, a mean over sets; and itself as the metric `score`.
        """
        batch, ts = series_of_one_grid(batch)
        total = ts.shape[0]
        remedy = "pass a smaller number"
        require(self.times <= total, "FiniteDimensionalMatching.times", f"is more than the {total} rows of a series",
                self.times, remedy)  # fmt: skip
        drawing, choosing = jax.random.split(key)
        xs = draw_states(model, ts, key=drawing, n=self.paths, steps=self.steps)
        sets = jax.vmap(lambda k: self._rows(total, k))(jax.random.split(choosing, self.sets))
        score = jnp.mean(jax.lax.map(lambda rows: self._score(xs, batch, rows), sets))
        return score, {"score": score}

    def _rows(self, total: int, key: Key) -> Int[Array, " k"]:
        """One set of rows: from all, or from a window about a row, moved inside where it would stand out."""
        about, choosing = jax.random.split(key)
        length = total if self.window is None else min(self.window, total)
        first = jnp.clip(jax.random.randint(about, (), 0, total) - length // 2, 0, total - length)
        return first + jnp.sort(jax.random.choice(choosing, length, (self.times,), replace=False))

    def _score(self, xs: Float[Array, "n t d"], batch: Series, rows: Array) -> Float[Array, ""]:
        n, size = xs.shape[0], self.times * xs.shape[2]
        mine = xs[:, rows].reshape(n, size)
        seen = batch.mask[:, rows].all((1, 2))
        theirs = jnp.where(seen[:, None], batch.ys[:, rows].reshape(-1, size), 0).astype(mine.dtype)
        if self.whiten:
            root = _root(theirs, seen)
            white = lambda x: jax.scipy.linalg.solve_triangular(root, x.T, lower=True).T
            mine, theirs = white(mine), white(theirs)
        across = jax.vmap(lambda x: self.discrepancy(jnp.broadcast_to(x, theirs.shape), theirs))(mine).mean(0)
        # Pairs of different paths.
        within = jax.vmap(lambda x: self.discrepancy(jnp.broadcast_to(x, mine.shape), mine))(mine)
        within = (jnp.sum(within) - jnp.sum(jnp.diagonal(within))) / (n * (n - 1))
        count = jnp.sum(seen)
        return jnp.where(count > 0, jnp.sum(jnp.where(seen, across, 0)) / jnp.maximum(count, 1) - 0.5 * within, 0)


def _root(ys: Float[Array, "n k"], seen: Array) -> Float[Array, "k k"]:
    """A lower triangular root of the covariance of the observed rows, and the identity where they do not say."""
    count = jnp.maximum(jnp.sum(seen), 1)
    centred = jnp.where(seen[:, None], ys - jnp.sum(ys, axis=0)[None] / count, 0)
    cov = centred.T @ centred / count
    size = jnp.mean(jnp.diagonal(cov))
    cov = cov + jnp.sqrt(jnp.finfo(ys.dtype).eps) * size * jnp.eye(ys.shape[1], dtype=ys.dtype)
    enough = (jnp.sum(seen) > ys.shape[1]) & (size > 0)
    return jnp.linalg.cholesky(jnp.where(enough, cov, jnp.eye(ys.shape[1], dtype=ys.dtype)))
