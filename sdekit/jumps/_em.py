"""Maximum likelihood by expectation and maximisation, for rates, starts and emissions at once."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import fault, require
from .._types import Array
from ..data import AbstractRecord, Panel
from ..math import chain_log_prob, transition_matrices, transition_matrix
from ._abstract import Moves
from ._covariates import CovariateRates
from ._em_covariates import run_covariates
from ._emissions import AbstractEmission
from ._gibbs import GammaPrior
from ._hidden import Evidence, Hidden, estimate_emission
from ._rates import RateMatrix
from ._start import Stationary, estimate_start, is_free


__all__ = ["EMFit", "em", "pair_counts"]


@dataclasses.dataclass(frozen=True)
class EMFit:
    """What `em` returns.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Panel
        from sdekit.jumps import Conditional, RateMatrix, em

        panel = Panel(jnp.arange(6.0), jnp.array([0, 0, 1, 1, 0, 0]))
        em(RateMatrix([[0.0, 1.0], [1.0, 0.0]], Conditional()), panel).model.generator()
        ```
    """

    model: Any
    log_prob: float
    """The log-likelihood of all data under the model; with a prior, plus the log-density of the log-rates."""
    steps: int
    converged: bool
    """Whether the last step gained less than the tolerance."""
    jumps: np.ndarray
    """The expected numbers of jumps between each two states, given the data, before the last step; shape `(n, n)`."""
    times: np.ndarray
    """The expected times spent in each state, shape `(n,)`."""


def pair_counts(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """How often each pair of states was seen at each distinct interval: all that a panel of snapshots has to say.

    Intervals that differ by rounding alone, by less than a part in a million, count as one. Computed in NumPy.

    **Arguments:**

    - `panel`: a panel whose observations are snapshots of single states.

    **Returns:** intervals, shape `(g,)`, and counts, shape `(g, n, n)`.

    **Raises:** `ValueError` for exact times or sets of states.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Panel
        from sdekit.jumps import pair_counts
        pair_counts(Panel(jnp.arange(4.0), jnp.array([0, 1, 1, 0])))
        ```
    """
    require(_plain(panel), "panel", "must hold snapshots of single states", panel, "use log_prob or em")
    panel = panel.stack()
    ts, states, mask = (np.asarray(x) for x in (panel.ts, panel.states, panel.mask))
    gaps, before, after = [], [], []
    for t, s, m in zip(ts, states, mask, strict=True):
        t, s = t[m], s[m]
        gaps.append(np.diff(t))
        before.append(s[:-1])
        after.append(s[1:])
    gaps, before, after = np.concatenate(gaps).astype(float), np.concatenate(before), np.concatenate(after)
    where, place = _distinct(gaps)
    n = panel.num_states
    counts = np.zeros((len(where), n, n))
    np.add.at(counts, (place, before, after), 1)
    return where, counts


def _distinct(gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intervals up to rounding, and the place of each in the list."""
    order = np.argsort(gaps, kind="stable")
    ranked = gaps[order]
    new = np.diff(ranked, prepend=-np.inf) > 1e-6 * np.maximum(np.abs(ranked), 1e-300)
    label = np.cumsum(new) - 1
    place = np.empty(len(gaps), int)
    place[order] = label
    return ranked[new], place


def _plain(record: AbstractRecord) -> bool:
    if not isinstance(record, Panel):
        return False
    later = np.asarray(record.stack().kinds)[:, 1:]
    return not later.any() and bool((np.asarray(record.states) < record.num_states).all())


def em(
    model: RateMatrix | CovariateRates | Hidden,
    data: AbstractRecord,
    *,
    prior: GammaPrior | None = None,
    steps: int = 1000,
    tolerance: float = 1e-9,
) -> EMFit:
    r"""Fit rates, and what is seen of them, by expectation and maximisation. No step lowers the likelihood.

    The expected numbers of jumps and times of stay given the data are derivatives of the log-likelihood in the entries
    of the generator, taken as free: $E[N_{ij}] = q_{ij}\,\partial \ell / \partial q_{ij}$ and $E[T_i] = \partial \ell /
    \partial q_{ii}$. That is the integral of Van Loan for all pairs of states at once, in one backward pass, and it
    holds for snapshots, exact times, sets of states and hidden states alike. New rates are $E[N_{ij}] / E[T_i]$.

    Panels of snapshots are reduced to counts at distinct intervals first, so that the cost of a step does not depend on
    the number of paths. Runs on the device in one loop; not for use under `jit`.

    With a prior the mode of the posterior is found, in the coordinates of the logarithms of the rates: new rates are
    $(\alpha + E[N_{ij}]) / (\beta + E[T_i])$, which for whole paths is also the mean of the posterior, and no step
    lowers $\ell + \sum (\alpha \log q - \beta q)$.

    Where rates depend on covariates (`CovariateRates`), $E[N_{ij}]$ and $E[T_i]$ are found for each interval between
    observations, and new rates and effects maximise $\sum E[N_{ij}] \log q_{ij}(z) - E[T_i]\,q_{ij}(z)$: a Poisson
    regression, by Newton's steps.

    **Arguments:**

    - `model`: the model to start from: a `RateMatrix`, a `CovariateRates`, or `Hidden` around one with an emission of
        this room. Its start is `Conditional` or `Given`; a free one is estimated.
    - `data`: a panel, or a series for a hidden model; an item or a stack.
    - `prior`: gamma laws of the rates, one for all or one a group of tied transitions; none, if not given.
    - `steps`: the most steps.
    - `tolerance`: stop when a step gains less than `tolerance` times the log-likelihood.

    **Returns:** an `EMFit`.

    **Raises:** `TypeError` for another model; `ValueError` for a stationary start, a prior of another number of rates
    or with covariates, a panel that lacks them, or if the data are impossible under the model, naming the first such
    item.

    Source: Bladt and Sorensen (2005), Journal of the Royal Statistical Society B 67(3); Hobolth and Jensen (2005),
    Statistical Applications in Genetics and Molecular Biology 4(1); Van Loan (1978).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.jumps import Conditional, em, flashing_ratchet

        truth = flashing_ratchet(1.0)
        panel = truth.sample(jnp.array([0.0, 2.5]), key=jax.random.key(0), n=20).to_panel(jnp.linspace(0.0, 2.5, 20))
        em(flashing_ratchet(0.0, initial=Conditional()), panel).log_prob
        ```
    """
    hidden = isinstance(model, Hidden)
    process = model.process if hidden else model
    known = isinstance(process, RateMatrix | CovariateRates)
    if not known or (hidden and not isinstance(model.observation, AbstractEmission)):
        remedy = "pass a RateMatrix, CovariateRates, or Hidden around one with an emission; other models go to fit"
        raise TypeError(fault("model", "has no steps in closed form", type(model).__name__, remedy))
    fixed = not isinstance(process.initial, Stationary)
    require(fixed, "model.initial", "must not be Stationary: its estimate has no closed form", process.initial,
            "use Conditional() or Given(...)")  # fmt: skip
    records: Any = data
    started: Any = model
    limits = jnp.asarray(steps), jnp.asarray(tolerance)
    if isinstance(process, CovariateRates):
        _require_covariates(process, data, prior)
        found = run_covariates(started, records.stack(), *limits)
    else:
        whole = is_free(process) or hidden or not _plain(data)
        problem = _Items.of(model, records) if whole else _Counts.of(process, records)
        found = _run(model, problem, _spread(prior, process), *limits)
    new, value, count, gain, (jumps, times) = found
    if not np.isfinite(float(value)):
        _explain(model, data)
    jumps, times = np.asarray(jumps), np.asarray(times)
    return EMFit(new, float(value), int(count), bool(gain <= tolerance * abs(value)), jumps, times)


def _require_covariates(process: CovariateRates, data: AbstractRecord, prior: GammaPrior | None) -> None:
    require(prior is None, "prior", "must be None where rates depend on covariates", prior, "use fit, or no prior")
    c = len(process.names)
    found = data.covariates if isinstance(data, Panel) else None
    if found is None:
        raise ValueError(fault("data.covariates", f"must hold {c} covariates", data, "pass a Panel with covariates="))
    require(found.shape[-1] == c, "data.covariates", f"must hold {c} columns", found.shape, "one a covariate")


def _spread(prior: GammaPrior | None, process: RateMatrix) -> tuple[Array, Array] | None:
    """A shape and a rate for each rate of the model."""
    if prior is None:
        return None
    m, dtype = process.values.shape, process.values.dtype
    for name in ("shape", "rate"):
        given = jnp.shape(getattr(prior, name))
        require(given in ((), m), f"prior.{name}", f"must be a number or have shape {m}", given, "one a rate")
    return jnp.broadcast_to(jnp.asarray(prior.shape, dtype), m), jnp.broadcast_to(jnp.asarray(prior.rate, dtype), m)


class _Counts(eqx.Module):
    """A panel of snapshots as counts at distinct intervals."""

    gaps: Float[Array, " g"]
    counts: Float[Array, "g n n"]
    first: Float[Array, " n"]

    @classmethod
    def of(cls, process: RateMatrix, panel: Panel) -> "_Counts":
        n, dtype = process.num_states, process.values.dtype
        require(panel.num_states <= n, "data.num_states", f"must be at most {n}", panel.num_states, "a larger model")
        gaps, counts = pair_counts(panel)
        more = n - panel.num_states
        counts = np.pad(counts, ((0, 0), (0, more), (0, more)))
        stack = panel.stack()
        states, mask = np.asarray(stack.states), np.asarray(stack.mask)
        first = states[np.arange(len(states)), mask.argmax(1)][mask.any(1)]
        first = np.bincount(first, minlength=n)
        return cls(jnp.asarray(gaps, dtype), jnp.asarray(counts, dtype), jnp.asarray(first, dtype))

    def value(self, Q, weights, _seen):
        P = _matrices(Q, self.gaps)
        some = self.counts > 0
        logs = jnp.where(some, jnp.log(jnp.where(some, P, 1)), 0)
        start = jnp.where(self.first > 0, jnp.log(jnp.where(self.first > 0, weights, 1)), 0)
        return (self.counts * logs).sum() + (self.first * start).sum()

    def seen(self, _model):
        return jnp.zeros(())

    def observation(self, model, _laws):
        return model


def _matrices(Q: Array, gaps: Array) -> Array:
    """Few intervals one by one, many from a table."""
    one_by_one = gaps.shape[0] <= 32
    return jax.vmap(lambda t: transition_matrix(Q, t))(gaps) if one_by_one else transition_matrices(Q, gaps)


class _Items(eqx.Module):
    """Items as the scans take them, with the distinct intervals between them."""

    data: Any
    gaps: Float[Array, " g"]
    place: Any

    @classmethod
    def of(cls, model: Any, data: Any) -> "_Items":
        data = data.stack()
        ts = np.asarray(data.ts, float)
        gaps = np.diff(ts, axis=1)
        where, place = _distinct(gaps.ravel())
        return cls(data, jnp.asarray(where, data.ts.dtype), jnp.asarray(place.reshape(gaps.shape)))

    def value(self, Q, weights, seen):
        evidence, logs = seen
        P = _matrices(Q, self.gaps)
        n = Q.shape[0]

        def one(item, place, log):
            stays = jnp.diff(item.ts)[:, None] * jnp.diagonal(Q)[None]
            moves = Moves(P[place], jnp.broadcast_to(Q[None], (place.shape[0], n, n)), stays)
            return chain_log_prob(weights, item.steps(moves), log)

        return jax.vmap(one)(evidence, self.place, logs).sum()

    def seen(self, model):
        evidence = jax.vmap(lambda item: Evidence.of(model, item))(self.data)
        return evidence, evidence.seen.astype(self.gaps.dtype)

    def observation(self, model: Any, laws: Array) -> Any:
        return estimate_emission(model, self.data, laws) if isinstance(model, Hidden) else model


@eqx.filter_jit
def _run(model, problem, prior, steps, tolerance):
    process_of: Any = lambda m: m.process if isinstance(m, Hidden) else m
    arrays, static = eqx.partition(model, eqx.is_array)

    def expect(model):
        process = process_of(model)
        Q = process.generator()
        weights = process.initial.weights(Q)
        seen = problem.seen(model)
        if isinstance(problem, _Counts):
            value, (dQ, dw) = jax.value_and_grad(lambda Q, w: problem.value(Q, w, seen), (0, 1))(Q, weights)
            return value, dQ, dw * weights, None
        evidence, logs = seen
        f = lambda Q, w, logs: problem.value(Q, w, (evidence, logs))
        value, (dQ, dw, laws) = jax.value_and_grad(f, (0, 1, 2))(Q, weights, logs)
        return value, dQ, dw * weights, laws

    before_data = lambda model: _log_prior(prior, process_of(model).values)

    def improve(model, dQ, first, laws):
        process = process_of(model)
        Q = process.generator()
        times = jnp.diagonal(dQ)
        jumps = jnp.where(jnp.eye(Q.shape[0], dtype=bool), 0, Q * dQ)
        new = eqx.tree_at(lambda p: p.values, process, _rates(process, prior, jumps, times))
        new = estimate_start(new, first)
        if isinstance(model, Hidden):
            model = problem.observation(eqx.tree_at(lambda m: m.process, model, new), laws)
        else:
            model = new
        return model, (jumps, times)

    def body(carry):
        i, arrays, before, _, _ = carry
        value, dQ, first, laws = expect(eqx.combine(arrays, static))
        value = value + before_data(eqx.combine(arrays, static))
        new, moved = improve(eqx.combine(arrays, static), dQ, first, laws)
        return i + 1, eqx.filter(new, eqx.is_array), value, value - before, moved

    def more(carry):
        i, _, value, gain, _ = carry
        return (i < steps) & jnp.isfinite(value) & ((i < 2) | (gain > tolerance * jnp.abs(value)))

    n = process_of(model).num_states
    dtype = process_of(model).values.dtype
    zero = jnp.zeros((), dtype)
    moved = (jnp.zeros((n, n), dtype), jnp.zeros(n, dtype))
    start = (jnp.zeros((), int), arrays, zero, jnp.full((), jnp.inf, dtype), moved)
    count, arrays, _, gain, moved = jax.lax.while_loop(more, body, start)
    found = eqx.combine(arrays, static)
    return found, expect(found)[0] + before_data(found), count, gain, moved


def _log_prior(prior: tuple[Array, Array] | None, q: Array) -> Array | float:
    return 0.0 if prior is None else (prior[0] * jnp.log(q) - prior[1] * q).sum()


def _rates(process: RateMatrix, prior: tuple[Array, Array] | None, jumps: Array, times: Array) -> Array:
    """The new rates, given the expected numbers of jumps and times of stay."""
    rows, columns = np.asarray(process.edges).T
    add = lambda x: jnp.zeros_like(process.values).at[np.asarray(process.groups)].add(x)
    found, total = add(jumps[rows, columns]), add(times[rows])
    if prior is not None:
        found, total = found + prior[0], total + prior[1]
    values = jnp.where(total > 0, found / jnp.where(total > 0, total, 1), process.values)
    return jnp.maximum(values, jnp.finfo(values.dtype).tiny)


def _explain(model: Any, data: AbstractRecord) -> None:
    """Name the first item that the model has no way to give."""
    data = data.stack()
    each = eqx.filter_jit(lambda model, data: jax.vmap(model.log_prob)(data))
    values = np.asarray(each(model, data))
    bad = np.flatnonzero(~np.isfinite(values))
    k = int(bad[0]) if bad.size else 0
    remedy = "allow the transition by a rate above 0, or look at the data"
    if isinstance(data, Panel) and not isinstance(model, Hidden) and bad.size:
        item = data[k]
        until = jax.vmap(lambda i: _until(item, i))(jnp.arange(1, item.length + 1))
        i = int(np.argmin(np.isfinite(np.asarray(each(model, until)))))
        states = np.asarray(item.states)
        seen = f"data[{k}].states[{i}]"
        raise ValueError(fault(seen, f"cannot be reached from state {states[max(i - 1, 0)]}", states[i], remedy))
    raise ValueError(fault(f"data[{k}]", "is impossible under the model", float(values[k]), remedy))


def _until(panel: Panel, length: Array) -> Panel:
    keep = jnp.arange(panel.length) < length
    return eqx.tree_at(lambda p: p.mask, panel, panel.mask & keep)
