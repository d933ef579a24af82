"""The evidence lower bound of a latent SDE, and its importance-weighted form."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, cast

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from .._errors import check_traced, require
from .._types import Array, Key, Times
from ..data import AbstractRecord, Series
from ..paths import SampledPath
from ..solve import ExponentialIntegrator, solve
from ._bound import PathBound, bound_metrics, check_weight, last_weight, latent_batch
from ._latent import LatentSDE
from ._objective import AbstractScheduled
from ._start import gaussian_start_kl


__all__ = ["ELBO"]


class ELBO(AbstractScheduled):
    r"""Minus the evidence lower bound of a `LatentSDE`, a mean over series.

    $$E_Q\Big[\sum_i \log p(y_i \mid X_{t_i})\Big] - w \Big(E_Q \tfrac12 \int |u|^2 dt + KL(q_0 \| p_0)\Big)$$

    or, with `importance`, $E \log \frac1K \sum_k \exp(\ell_k)$ with
    $\ell = \sum_i \log p(y_i \mid X_{t_i}) - \int u \cdot dB - \frac12 \int |u|^2 dt - \log\frac{q_0}{p_0}$, which
    grows with `paths` to the evidence.

    Each series is solved on its own times, with `steps` equal steps in each gap: an observation is met by a state of
    the path, not by a line between two of them; series of different times are one program of fixed length; and padded
    rows meet no observation and have no control, so that they change nothing. Where gaps are very unequal, `dt`
    divides each as it needs, by a loop that is as long as the longest series of the batch asks for.

    **Arguments:**

    - `paths`: paths a series.
    - `importance`: whether to weight them.
    - `kl_weight`: the weight `w` of the divergences, or a schedule of it by the step (`optax.linear_schedule(0, 1,
        400)`). Outside a fit and in validation it is that of step $2^{30}$. The metrics are those of `w = 1` always.
    - `steps`: how many steps in each gap between the rows of a series.
    - `grade`: how long each step of a gap is against the one before, in (0, 1]. Below 1 they shorten towards the next
        row. What the noise does in the last step before an observation, no control can answer: where that is not small
        against the observation's own noise, the bound is loose. Rough noise (of order $h^H$ in a step $h$) and exact
        observations want 0.5 or so.
    - `shared`: whether all series of a batch stand at the same times, which then need be looked at once: much faster
        for drivers with modes.
    - `dt`: the longest step, instead of `steps`.
    - `solver`: as in `solve`.

    **Raises:** `ValueError` for fewer than one path or step, or a negative weight; `TypeError` when called on a model
    that is not a `LatentSDE`, or on a record that is not a `Series`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import optax
        import sdekit as sk
        from sdekit.inference import ELBO, LatentSDE
        from sdekit.nets import ControlMLP, FirstFrames, GaussianHead

        keys = jax.random.split(jax.random.key(0), 4)
        model = LatentSDE(
            base=sk.processes.OrnsteinUhlenbeck(rate=1.0),
            observation=sk.GaussianObservation(0.1),
            encoder=FirstFrames(dim=1, frames=3, width=8, depth=1, size=4, key=keys[0]),
            control=ControlMLP(dim=1, noise=1, context=4, width=8, depth=1, key=keys[1]),
            head=GaussianHead(context=4, n=1, width=8, depth=1, key=keys[2]),
        )
        data = sk.data.load("ou", n=4, ts=jnp.linspace(0.0, 1.0, 5), key=keys[3])
        objective = ELBO(kl_weight=optax.linear_schedule(0.0, 1.0, 10), steps=2)
        fit = sk.fit(model, objective, data, key=keys[3], steps=2, progress=False)
        fit.history["elbo"]
        ```

    Source: Li, Wong, Chen and Duvenaud (2020), eq. (10); Burda, Grosse and Salakhutdinov (2016), Importance weighted
    autoencoders, eq. (8).
    """

    paths: int = eqx.field(static=True, default=1)
    importance: bool = eqx.field(static=True, default=False)
    kl_weight: Any = 1.0
    steps: int = eqx.field(static=True, default=8)
    grade: float = eqx.field(static=True, default=1.0)
    shared: bool = eqx.field(static=True, default=False)
    dt: float | None = eqx.field(static=True, default=None)
    solver: diffrax.AbstractSolver | ExponentialIntegrator | None = None

    def __check_init__(self):
        require(self.paths >= 1, "ELBO.paths", "must be a positive number of paths", self.paths, "pass paths >= 1")
        require(self.steps >= 1, "ELBO.steps", "must be a positive number of steps", self.steps, "pass steps >= 1")
        ok = 0 < self.grade <= 1 and (self.grade == 1 or self.dt is None)
        require(ok, "ELBO.grade", "must lie in (0, 1], and be 1 with `dt`", self.grade, "pass e.g. 0.5 without `dt`")
        check_weight("ELBO.kl_weight", self.kl_weight)

    def at(self, step: Int[Array, ""] | int) -> "ELBO":
        """The bound with the weight of step `step`."""
        if not isinstance(self.kl_weight, Callable):
            return self
        return dataclasses.replace(self, kl_weight=self.kl_weight(step))

    def look(self, model: LatentSDE, series: Series, *, key: Key) -> PathBound:
        """The parts of the bound of one series.

        **Arguments:**

        - `model`: the model.
        - `series`: one series.
        - `key`: a JAX key. Path `i` depends on `(key, i)` alone.

        **Returns:** a `PathBound`, one number for each of `paths` paths.
        """
        posterior = model.posterior(series, martingale=self.importance)
        law, where = model.start(model.encoder(series), series.ts[0]), model.placement()
        mean, root = jnp.asarray(law.loc), jnp.asarray(law.scale_tril)
        times, steps, every = series.ts, self.steps if self.dt is None else None, 1
        if self.grade < 1:
            times, steps, every = graded_times(series.ts, self.steps, self.grade), 1, self.steps

        def one(i):
            first, rest = jax.random.split(jax.random.fold_in(key, i))
            white = jax.random.normal(first, mean.shape, mean.dtype)
            eps = mean + root @ white
            x0 = jnp.concatenate([where(eps), jnp.zeros(posterior.weighed, where.mean.dtype)])
            found = solve(posterior, times, key=rest, x0=x0, solver=self.solver, steps=steps, dt=self.dt)
            xs = cast(SampledPath, found).xs
            states, costs = xs[::every, : model.base.dim], xs[-1, -posterior.weighed :]
            seen = jax.vmap(model.observation.log_prob)(states, series.ys, series.mask).sum()
            ratio = 0.5 * (eps @ eps - white @ white) - jnp.sum(jnp.log(jnp.diagonal(root)))
            return seen, costs[0], costs[1] if self.importance else jnp.zeros_like(costs[0]), ratio

        return PathBound(*jax.vmap(one)(jnp.arange(self.paths)), gaussian_start_kl(law))

    def _bounds(self, model: LatentSDE, batch: Series, keys: Key) -> PathBound:
        if not self.shared:
            return jax.vmap(lambda s, k: self.look(model, s, key=k))(batch, keys)
        remedy = "leave out shared=True"
        ts = batch.ts[0]
        ts = check_traced(ts, jnp.any(batch.ts != ts[None]), "batch.ts", "must be alike for all series", remedy)
        parts = lambda s: (s.ts, s.ys, s.mask)
        one = lambda ys, mask, k: self.look(model, eqx.tree_at(parts, batch, (ts, ys, mask)), key=k)
        return jax.vmap(one)(batch.ys, batch.mask, keys)

    def _value(self, bound: PathBound, weight: Any) -> Float[Array, ""]:
        if self.importance:
            logs = bound.log_likelihood - weight * (bound.energy + bound.martingale + bound.log_start)
            return jax.nn.logsumexp(logs) - math.log(self.paths)
        return jnp.mean(bound.log_likelihood - weight * bound.energy) - weight * bound.kl_start

    def __call__(
        self, model: LatentSDE, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The loss of a batch.

        **Arguments:**

        - `model`: a `LatentSDE`.
        - `batch`: a `Series`, one or stacked.
        - `key`: a JAX key.

        **Returns:** minus the bound, a mean over series; and, means over series too, `elbo` (the bound with weight 1),
        `log_likelihood`, `kl_path`, `kl_start`, and `elbo_per_value`, the bound over the mean number of observed
        values.
        """
        batch = latent_batch(model, batch)
        bounds = self._bounds(model, batch, jax.random.split(key, len(batch)))
        weight = last_weight(self.kl_weight)
        value = lambda w: jax.vmap(lambda b: self._value(b, w))(bounds).mean()
        return -value(weight), bound_metrics(bounds, value(1.0), batch)


def graded_times(ts: Times, steps: int, grade: float) -> Times:
    """The times with each gap divided into steps that shorten towards its end."""
    lengths = grade ** np.arange(steps)
    part = (np.cumsum(lengths) - lengths) / np.sum(lengths)
    inner = ts[:-1, None] + jnp.diff(ts)[:, None] * jnp.asarray(part, ts.dtype)[None]
    return jnp.append(inner.ravel(), ts[-1])
