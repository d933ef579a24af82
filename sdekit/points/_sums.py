"""What a likelihood of exponential Hawkes processes needs of the data when decays are fixed."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._errors import fault, require
from .._types import as_vector
from ..data import Events
from ._decayed import decayed


__all__ = ["HawkesSums", "sum_of_logs"]


class HawkesSums(eqx.Module):
    r"""The data as exponential Hawkes processes of fixed decays see them: the likelihood becomes linear algebra.

    With decays $\beta_m$ an intensity is $\lambda_i(t_n) = \mu_i + \sum_{mj} \Phi_{mij} f_{nmj}$ and a compensator
    $\mu_i T + \sum_{mj} \Phi_{mij} c_{mj}$; the features `f` and covers `c` do not depend on what is estimated. The
    log-likelihood is concave in $(\mu, \Phi)$, its gradient analytic.

    **Arguments:**

    - `record`: one sequence or a stack; kinds are its marks.
    - `decays`: shape `()` or `(m,)`.

    **Raises:** `TypeError` for a record that is not `Events`; `ValueError` for real marks or decays that are not
    positive.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import HawkesSums
        sums = HawkesSums(Events(jnp.array([0.5, 1.2]), jnp.array([0, 1]), t1=2.0), 1.5)
        sums.log_prob(jnp.ones(2), jnp.full((1, 2, 2), 0.3))
        ```

    Source: Ogata (1978), The asymptotic behaviour of maximum likelihood estimators for stationary point processes.
    """

    features: tuple[Float[Array, "m*k n"], ...]
    """A column for each event of one kind, the kinds in turn."""
    cover: Float[Array, " m*k"]
    length: Float[Array, ""]
    """The length of all windows together."""
    decays: Float[Array, " m"]

    def __init__(self, record: Events, decays: ArrayLike):
        if not isinstance(record, Events):
            raise TypeError(fault("record", "must be Events", type(record).__name__, "see Events.from_list"))
        discrete = record.marks is None or record.num_marks is not None
        require(discrete, "record.marks", "must be kinds, not real numbers", record.marks, "drop or bin the marks")
        decays = as_vector(decays)
        require(bool((np.asarray(decays) > 0).all()), "decays", "must be positive", decays, "pass numbers above 0")
        kinds, dim = _kinds(record), record.num_marks or 1
        features, cover, length = _pass(record.stack(), kinds, decays, dim)
        # Grouped on the host: how many there are of each kind is a shape.
        flat = np.asarray(features).reshape(-1, len(decays) * dim)
        at = np.where(np.asarray(record.stack().mask), np.asarray(kinds), dim).ravel()
        order = np.argsort(at, kind="stable")
        ends = np.searchsorted(at[order], np.arange(dim + 1))
        self.features = tuple(
            jnp.asarray(np.ascontiguousarray(flat[order[a:b]].T)) for a, b in itertools.pairwise(ends)
        )
        self.cover, self.length, self.decays = cover, length, decays

    def log_prob(self, base: Float[Array, " k"], branching: Float[Array, "m k k"]) -> Float[Array, ""]:
        """The log-likelihood, with its analytic gradient in both arguments.

        **Arguments:**

        - `base`: $\\mu$, shape `(k,)`.
        - `branching`: $\\Phi$, shape `(m, k, k)`.

        **Returns:** a scalar.
        """
        return _log_prob(self, base, branching)


def _kinds(record: Events) -> Array:
    stacked = record.stack()
    return jnp.zeros(stacked.ts.shape, int) if stacked.marks is None else stacked.marks  # pyright: ignore


@eqx.filter_jit
def _pass(record, kinds, decays, dim):
    def one(item, kind):
        shape = (item.length, decays.shape[0], dim)
        here = jax.nn.one_hot(jnp.where(item.mask, kind, -1), dim, dtype=item.ts.dtype)
        jumps = jnp.broadcast_to(here[:, None, :], shape)
        gaps = item.gaps()
        after = decayed(gaps, jumps, decays[:, None])
        before = (after - jumps) * decays[None, :, None]
        left = -jnp.expm1(-decays[None] * (item.t1 - item.ts)[:, None])
        cover = jnp.einsum("nm,nk->mk", left, here)
        return before.reshape(item.length, -1), cover.reshape(-1)

    features, cover = jax.vmap(one)(record, kinds)
    return features, cover.sum(axis=0), (record.t1 - record.t0).sum()


@jax.custom_jvp
def sum_of_logs(rates: Float[Array, " n"]) -> Float[Array, ""]:
    """The sum of logarithms, four numbers to a logarithm in float64, whose range allows for it."""
    if rates.dtype != jnp.float64:
        return jnp.log(rates).sum()
    rest = -rates.shape[0] % 4
    return jnp.log(jnp.pad(rates, (0, rest), constant_values=1.0).reshape(4, -1).prod(axis=0)).sum()


sum_of_logs.defjvps(lambda t, _, rates: (t / rates).sum())


def _parts(sums, base, branching):
    """The log-likelihood and its gradients; features grouped by kind, so that each kind is two products."""
    m, k, _ = branching.shape
    weights = jnp.swapaxes(branching, 0, 1).reshape(k, m * k)
    # One vector of rates, so that logarithms and quotients are one loop each.
    sizes = [columns.shape[1] for columns in sums.features]
    rates = jnp.concatenate([base[i] + weights[i] @ columns for i, columns in enumerate(sums.features)])
    total = sum_of_logs(rates) - base.sum() * sums.length - (weights @ sums.cover).sum()
    parts = jnp.split(1 / rates, np.cumsum(sizes)[:-1])
    slopes = jnp.stack([part.sum() for part in parts]) - sums.length
    rises = jnp.stack([columns @ part for columns, part in zip(sums.features, parts, strict=True)]) - sums.cover[None]
    return total, slopes, jnp.swapaxes(rises.reshape(k, m, k), 0, 1)


@jax.custom_vjp
def _log_prob(sums, base, branching):
    return _parts(sums, base, branching)[0]


def _forward(sums, base, branching):
    total, slope, rise = _parts(sums, base, branching)
    return total, (sums, slope, rise)


def _backward(residuals, cotangent):
    sums, slope, rise = residuals
    return jax.tree.map(jnp.zeros_like, sums), cotangent * slope, cotangent * rise


_log_prob.defvjp(_forward, _backward)
