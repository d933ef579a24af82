"""The evidence lower bound of a latent SDE without a solve: its posterior is known by its marginals."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from .._errors import fault, require
from .._types import Array, Key
from ..data import AbstractRecord, Series
from ._bound import PathBound, bound_metrics, check_weight, last_weight, latent_batch
from ._latent import LatentSDE
from ._matched import Matched
from ._objective import AbstractScheduled
from ._start import gaussian_start_kl


__all__ = ["SDEMatching"]


class SDEMatching(AbstractScheduled):
    r"""Minus the evidence lower bound of a `LatentSDE` whose posterior is given by its marginals, without a solve.

    $$\sum_i E_{q_{t_i}} \log p(y_i \mid x) - w \Big(\int E_{q_t} \tfrac12 |u(t, x)|^2 dt + KL(q_0 \| p_0)\Big)$$

    with $u$ the control under which the prior diffusion has the marginals $q_t = N(m_t, L_t L_t^\top)$ of
    `LatentSDE.control` (see `MarginalMLP`). The integral is a mean over times, one drawn in each of `times` equal parts
    of the series up to its last observation: the estimate has no error of a step. Everything is evaluated at once, in
    parallel over times. It is the bound that `ELBO` estimates by a solve, and the fitted model draws, smooths and
    forecasts as any other.

    **Arguments:**

    - `times`: how many times, drawn anew at each step of a fit.
    - `rows`: how many rows of a series to look at, drawn anew too, each weighted by how many it stands for; `None` for
        all. For long series.
    - `paths`: how many states at each time and at each observation.
    - `kl_weight`: as in `ELBO`.

    **Raises:** `ValueError` for fewer than one time or path, or a negative weight; `TypeError` when called on a model
    that is not a `LatentSDE` with marginals, or on a record that is not a `Series`.

    !!! example

        ```python
        import equinox as eqx
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import LatentSDE, SDEMatching
        from sdekit.nets import BetweenEncoder, MarginalMLP

        keys = jax.random.split(jax.random.key(0), 3)
        encoder = BetweenEncoder(dim=1, width=4, size=4, key=keys[0])
        model = LatentSDE(
            base=sk.processes.OrnsteinUhlenbeck(rate=1.0),
            observation=sk.GaussianObservation(0.1),
            encoder=encoder,
            control=MarginalMLP(dim=1, context=encoder.size, width=8, depth=1, key=keys[1]),
        )
        data = sk.data.load("ou", n=4, ts=jnp.linspace(0.0, 1.0, 5), key=keys[2])
        loss, metrics = eqx.filter_jit(SDEMatching(times=8))(model, data, key=keys[2])
        metrics["elbo"]  # or `sk.fit(model, SDEMatching(times=8), data, ...)`
        ```

    Source: Bartosh, Vetrov and Naesseth (2025), SDE matching: scalable and simulation-free training of latent
    stochastic differential equations; Course and Nair (2023), Amortized reparametrization: efficient and scalable
    variational inference for latent SDEs, for additive noise.
    """

    times: int = eqx.field(static=True, default=8)
    rows: int | None = eqx.field(static=True, default=None)
    paths: int = eqx.field(static=True, default=1)
    kl_weight: Any = 1.0

    def __check_init__(self):
        require(self.times >= 1, "SDEMatching.times", "must be a positive number", self.times, "pass times >= 1")
        require(self.paths >= 1, "SDEMatching.paths", "must be a positive number", self.paths, "pass paths >= 1")
        ok = self.rows is None or self.rows >= 1
        require(ok, "SDEMatching.rows", "must be a positive number", self.rows, "pass rows >= 1, or None for all")
        check_weight("SDEMatching.kl_weight", self.kl_weight)

    def at(self, step: Int[Array, ""] | int) -> "SDEMatching":
        """The bound with the weight of step `step`."""
        if not isinstance(self.kl_weight, Callable):
            return self
        return dataclasses.replace(self, kl_weight=self.kl_weight(step))

    def look(self, model: LatentSDE, series: Series, *, key: Key) -> PathBound:
        """The parts of the bound of one series.

        **Arguments:**

        - `model`: a model with marginals.
        - `series`: one series.
        - `key`: a JAX key. Draw `i` depends on `(key, i)` alone.

        **Returns:** a `PathBound`, one number for each of `paths` draws; those at different times are independent, and
        no path goes through them.
        """
        context = model.encoder(series)
        matched = model.steered(series, context)
        if not isinstance(matched, Matched):
            remedy = "build the model with control=MarginalMLP(...)"
            raise TypeError(fault("LatentSDE.control", "must be marginals", type(model.control).__name__, remedy))
        first, length = series.ts[0], matched.end - series.ts[0]

        def one(i):
            when, moving, seeing, choosing = jax.random.split(jax.random.fold_in(key, i), 4)
            part = jnp.arange(self.times) + jax.random.uniform(when, (self.times,), series.ts.dtype)
            ts = first + length * part / self.times
            control = jax.vmap(matched.control)(ts, _draw(matched, ts, moving))
            some, share = self._some(series, choosing)
            states = _draw(matched, some.ts, seeing)
            seen = share * jax.vmap(model.observation.log_prob)(states, some.ys, some.mask).sum()
            return seen, 0.5 * length * jnp.sum(control**2) / self.times

        seen, energy = jax.vmap(one)(jnp.arange(self.paths))
        zero = jnp.zeros_like(energy)
        return PathBound(seen, energy, zero, zero, gaussian_start_kl(model.start(context, first)))

    def _some(self, series: Series, key: Key) -> tuple[Series, float]:
        """Rows of a series, and how many each stands for: one drawn in each of equal parts."""
        total = series.ts.shape[0]
        if self.rows is None or self.rows >= total:
            return series, 1.0
        part = jnp.arange(self.rows) + jax.random.uniform(key, (self.rows,), series.ts.dtype)
        places = jnp.minimum((part * (total / self.rows)).astype(int), total - 1)
        parts = lambda s: (s.ts, s.ys, s.mask)
        return eqx.tree_at(parts, series, tuple(a[places] for a in parts(series))), total / self.rows

    def __call__(
        self, model: LatentSDE, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The loss of a batch.

        **Arguments:** as of `ELBO`.

        **Returns:** minus the bound, a mean over series, and the metrics of `ELBO`.
        """
        batch = latent_batch(model, batch)
        bounds = jax.vmap(lambda s, k: self.look(model, s, key=k))(batch, jax.random.split(key, len(batch)))
        value = lambda w: jnp.mean(bounds.log_likelihood - w * bounds.energy) - w * jnp.mean(bounds.kl_start)
        return -value(last_weight(self.kl_weight)), bound_metrics(bounds, value(1.0), batch)


def _draw(matched: Matched, ts, key):
    """A state at each time, independent of each other."""
    mean, root = jax.vmap(matched.at)(ts)
    white = jax.random.normal(key, mean.shape, mean.dtype)
    return mean + jnp.einsum("tij,tj->ti", root, white)
