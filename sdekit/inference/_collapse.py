"""Where a latent SDE pays for its posterior, and whether its latent state says anything about the data."""

import dataclasses
from typing import NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import require
from .._types import Array, Key
from ..data import Series
from ..noise import Grid
from ..paths import SampledPath
from ..solve import solve
from ._latent import LatentSDE


__all__ = ["CollapseTable", "KLRates", "kl_rates", "posterior_collapse"]

ACTIVE = 0.01
"""The share of the variance of a component above which it is called active."""


class KLRates(NamedTuple):
    """Where along time, and in which component of the noise, a posterior differs from its prior.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.inference import KLRates
        rates = KLRates(jnp.arange(3.0), jnp.array([[1.0], [0.5]]))
        (jnp.diff(rates.ts)[:, None] * rates.values).sum()  # the divergence of the paths
        ```
    """

    ts: Float[Array, "*n t"]
    """The rows of the series, which bound the gaps."""
    values: Float[Array, "*n t-1 m"]
    """Nats per unit of time in each gap, for each component of the noise."""


def _walk(model: LatentSDE, series: Series, key: Key, steps: int):
    """A path of the posterior and one of the prior on the same noise, and what each gap cost."""
    posterior, prior = model.posterior(series), model.prior(series.ts[0])
    law, where = model.start(model.encoder(series), series.ts[0]), model.placement()
    times = Grid(series.ts, steps).times()
    first, rest = jax.random.split(key)
    white = jax.random.normal(first, jnp.shape(law.loc), where.mean.dtype)
    start = where(jnp.asarray(law.loc) + jnp.asarray(law.scale_tril) @ white)
    run = lambda p, x0: cast(SampledPath, solve(p, times, key=rest, x0=x0, steps=1, solver=model.solver)).xs
    xs = run(posterior, jnp.append(start, jnp.zeros(1, start.dtype)))
    free = run(prior, where(white))

    def control(t, state):
        x, z, _ = posterior.parts(state)
        return posterior.control(t, x, z)

    energy = 0.5 * jax.vmap(control)(times[:-1], xs[:-1]) ** 2
    d = model.base.dim
    return xs[::steps, :d], free[::steps, :d], energy.reshape(-1, steps, energy.shape[1]).mean(1)


@eqx.filter_jit
def _survey(model: LatentSDE, data: Series, key: Key, n: int, steps: int):
    def one(series, key):
        walk = lambda i: _walk(model, series, jax.random.fold_in(key, i), steps)
        xs, free, rates = jax.vmap(walk)(jnp.arange(n))
        return (xs - free).mean(0), xs.var(0), rates.mean(0)

    return jax.vmap(one)(data, jax.random.split(key, len(data)))


def kl_rates(model: LatentSDE, data: Series, *, key: Key, n: int = 32, steps: int = 8) -> KLRates:
    r"""The rate $\frac12 E\, u_i^2$ at which the divergence of the paths grows, in each gap of a series.

    **Arguments:**

    - `model`: the model.
    - `data`: a series, or a stack.
    - `key`: a JAX key.
    - `n`: how many paths a series.
    - `steps`: how many steps in each gap.

    **Returns:** a `KLRates`, with a leading axis if `data` has one.

    **Raises:** `ValueError` for fewer than one path.

    !!! example

        ```python
        from sdekit.inference import kl_rates

        def dearest_gap(model, series, key):  # a LatentSDE and a Series
            return kl_rates(model, series, key=key).values.sum(-1).argmax()
        ```
    """
    require(n >= 1, "n", "must be a positive number of paths", n, "pass n >= 1")
    _, _, rates = _survey(model, data.stack(), key, n, steps)
    return KLRates(data.ts, rates[0] if data.is_item else rates)


@dataclasses.dataclass(frozen=True)
class CollapseTable:
    """What `posterior_collapse` returns. Prints as Markdown.

    !!! example

        ```python
        import numpy as np
        from sdekit.inference import CollapseTable
        table = CollapseTable(signal=np.array([0.9, 0.0]), kl_path=np.array([12.0, 0.1]), kl_start=np.array([1.0, 0.0]))
        table.active  # [True, False]
        ```
    """

    signal: np.ndarray
    """For each component of the state, the share of its variance under the posterior that the data explain: how far
    the data move its mean, against its spread given the data. Shape `(d,)`."""
    kl_path: np.ndarray
    """For each component of the noise, the divergence of the paths in nats, a mean over series. Shape `(m,)`."""
    kl_start: np.ndarray
    """For each random number of the start, its divergence taken alone, a mean over series. Shape `(k,)`."""

    @property
    def active(self) -> np.ndarray:
        """Which components of the state the data move by more than a hundredth of their variance."""
        return self.signal > ACTIVE

    @property
    def units(self) -> int:
        """How many components are active."""
        return int(self.active.sum())

    def to_markdown(self) -> str:
        """A row for each component of the state, of the noise and of the start."""
        lines = ["| component | signal | active | path KL | start KL |", "|---|---|---|---|---|"]
        for i in range(max(len(self.signal), len(self.kl_path), len(self.kl_start))):
            cell = lambda values, form: form(values[i]) if i < len(values) else ""
            number = lambda v: f"{v:.3g}"
            cells = [
                cell(self.signal, number), cell(self.active, lambda v: "yes" if v else "no"),
                cell(self.kl_path, number), cell(self.kl_start, number),
            ]  # fmt: skip
            lines.append(f"| {i} | " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.to_markdown()


def posterior_collapse(model: LatentSDE, data: Series, *, key: Key, n: int = 32, steps: int = 8) -> CollapseTable:
    r"""Whether the posterior has fallen back to the prior, component by component.

    Each posterior path is drawn beside a prior path on the same noise, so that their difference is the work of the data
    alone: it is exactly zero for a collapsed posterior. With $\delta$ its mean over paths, the signal of a component is
    $\overline{\delta^2} / (\overline{\delta^2} + \overline{Var})$, over all series and observed rows. The mean over `n`
    paths leaves a bias of order $1/n$ in $\delta^2$.

    **Arguments:** as `kl_rates`.

    **Returns:** a `CollapseTable`.

    **Raises:** `ValueError` for fewer than two paths.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import LatentSDE, posterior_collapse
        from sdekit.nets import ControlMLP, GRUEncoder

        model = LatentSDE(  # not trained: its posterior is its prior
            base=sk.processes.OrnsteinUhlenbeck(rate=1.0),
            observation=sk.GaussianObservation(0.1),
            encoder=GRUEncoder(dim=1, width=8, size=4, key=jax.random.key(0)),
            control=ControlMLP(dim=1, noise=1, context=4, width=8, depth=1, key=jax.random.key(1)),
        )
        series = sk.data.Series(jnp.array([0.0, 0.4, 1.0]), jnp.array([0.1, 0.5, 0.3]))
        posterior_collapse(model, series, key=jax.random.key(2)).units  # 0
        ```

    Source: Burda, Grosse and Salakhutdinov (2016), Importance weighted autoencoders, section 5.2, for active units.
    """
    require(n >= 2, "n", "must be at least 2 for a variance", n, "pass n >= 2")
    stack = data.stack()
    shift, variance, rates = _survey(model, stack, key, n, steps)
    seen = stack.mask.any(-1)[..., None]
    mean = lambda x: np.asarray(jnp.sum(jnp.where(seen, x, 0), (0, 1)) / jnp.maximum(seen.sum(), 1))
    square, variance = mean(shift**2), mean(variance)
    total = square + variance
    path = (jnp.diff(stack.ts, axis=1)[..., None] * rates).sum(1).mean(0)
    start = eqx.filter_jit(jax.vmap(lambda s: _each(model.start(model.encoder(s), s.ts[0]))))(stack).mean(0)
    return CollapseTable(
        np.where(total > 0, square / np.where(total > 0, total, 1), 0), np.asarray(path), np.asarray(start)
    )


def _each(law):
    """The divergence of each number's own law from the standard normal one."""
    mean, variance = jnp.asarray(law.loc), jnp.sum(jnp.asarray(law.scale_tril) ** 2, axis=1)
    return 0.5 * (mean**2 + variance - 1 - jnp.log(variance))
