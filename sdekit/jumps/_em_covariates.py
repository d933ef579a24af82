"""Expectation and maximisation where rates depend on covariates: the new rates are a Poisson regression."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._types import Array
from ..data import Panel
from ..math import chain_log_prob, transition_matrix
from ._abstract import Moves
from ._covariates import CovariateRates
from ._hidden import Evidence, Hidden, estimate_emission
from ._start import estimate_start


__all__ = ["run_covariates"]

_NEWTON, _HALVINGS = 8, 12


@eqx.filter_jit
def run_covariates(model: CovariateRates | Hidden, data: Panel, steps: Array, tolerance: Array) -> tuple:
    """The steps of `em`: the model, its log-likelihood, their number, the last gain, expected jumps and times."""
    process_of: Any = lambda m: m.process if isinstance(m, Hidden) else m
    arrays, static = eqx.partition(model, eqx.is_array)
    process = process_of(model)
    n, edges = process.num_states, np.asarray(process.edges)
    assert data.covariates is not None
    held, gaps = data.covariates[:, :-1], jnp.diff(data.ts, axis=1)
    rows = jax.vmap(lambda z: jax.jacfwd(lambda theta: _log_rates(process, theta, z))(_coordinates(process)))
    design = rows(held.reshape(-1, held.shape[-1]))

    def expect(model):
        process = process_of(model)
        Q = jax.vmap(jax.vmap(process.generator))(held)
        weights = process.initial.weights(Q[0, 0])
        evidence = jax.vmap(lambda item: Evidence.of(model, item))(data)

        def value(Q, weights, logs):
            def one(item, Q, gaps, log):
                stays = gaps[:, None] * jnp.diagonal(Q, axis1=1, axis2=2)
                moves = Moves(jax.vmap(transition_matrix)(Q, gaps), Q, stays)
                return chain_log_prob(weights, item.steps(moves), log)

            return jax.vmap(one)(evidence, Q, gaps, logs).sum()

        found, (dQ, dw, laws) = jax.value_and_grad(value, (0, 1, 2))(Q, weights, evidence.seen.astype(Q.dtype))
        jumps = jnp.where(jnp.eye(n, dtype=bool), 0, Q * dQ).reshape(-1, n, n)
        times = jnp.diagonal(dQ, axis1=2, axis2=3).reshape(-1, n)
        return found, jumps, times, dw * weights, laws

    def improve(model, jumps, times, first, laws):
        process = process_of(model)
        theta = _regress(jumps[:, edges[:, 0], edges[:, 1]], times[:, edges[:, 0]], design, _coordinates(process))
        m = process.values.shape[0]
        values = jnp.maximum(jnp.exp(theta[:m]), jnp.finfo(theta.dtype).tiny)
        process = eqx.tree_at(lambda p: (p.values, p.effects), process, (values, theta[m:]))
        process = estimate_start(process, first)
        if not isinstance(model, Hidden):
            return process
        return estimate_emission(eqx.tree_at(lambda m: m.process, model, process), data, laws)

    def body(carry):
        i, arrays, before, _, _ = carry
        model = eqx.combine(arrays, static)
        value, jumps, times, first, laws = expect(model)
        new = improve(model, jumps, times, first, laws)
        return i + 1, eqx.filter(new, eqx.is_array), value, value - before, (jumps.sum(0), times.sum(0))

    def more(carry):
        i, _, value, gain, _ = carry
        return (i < steps) & jnp.isfinite(value) & ((i < 2) | (gain > tolerance * jnp.abs(value)))

    dtype = process.values.dtype
    moved = (jnp.zeros((n, n), dtype), jnp.zeros(n, dtype))
    start = (jnp.zeros((), int), arrays, jnp.zeros((), dtype), jnp.full((), jnp.inf, dtype), moved)
    count, arrays, _, gain, moved = jax.lax.while_loop(more, body, start)
    found = eqx.combine(arrays, static)
    return found, expect(found)[0], count, gain, moved


def _coordinates(process: CovariateRates) -> Float[Array, " p"]:
    return jnp.concatenate([jnp.log(process.values), process.effects])


def _log_rates(process: CovariateRates, theta: Float[Array, " p"], z: Float[Array, " c"]) -> Float[Array, " e"]:
    """The logarithms of the rates of all transitions, which are linear in the coordinates."""
    m = process.values.shape[0]
    base = theta[:m][np.asarray(process.groups)]
    if not process.terms:
        return base
    edge, covariate, effect, sign = (np.asarray(column) for column in zip(*process.terms, strict=True))
    gap = z.astype(base.dtype) - process.centre
    return base.at[edge].add(jnp.asarray(sign, base.dtype) * theta[m:][effect] * gap[covariate])


def _regress(
    jumps: Float[Array, "k e"], times: Float[Array, "k e"], design: Float[Array, "k e p"], theta: Float[Array, " p"]
) -> Float[Array, " p"]:
    r"""Maximise $\sum N \log q - T q$ over log-linear rates, concave, by Newton's steps that never lower it."""

    def value(theta):
        logs = design @ theta
        return (jumps * logs - times * jnp.exp(logs)).sum()

    def step(_, theta):
        expected = times * jnp.exp(design @ theta)
        slope = jnp.einsum("ke,kep->p", jumps - expected, design)
        curvature = jnp.einsum("ke,kep,keq->pq", expected, design, design)
        # A rate that the data put at zero has no curvature left.
        ridge = 1e-12 * jnp.diagonal(curvature).max() + jnp.finfo(theta.dtype).tiny
        move = jnp.linalg.solve(curvature + ridge * jnp.eye(len(theta), dtype=theta.dtype), slope)
        sizes = 0.5 ** jnp.arange(_HALVINGS).astype(theta.dtype)
        found = jax.vmap(lambda size: value(theta + size * move))(sizes)
        best = jnp.where(jnp.isfinite(found), found, -jnp.inf).argmax()
        return jnp.where(found[best] >= value(theta), theta + sizes[best] * move, theta)

    return jax.lax.fori_loop(0, _NEWTON, step, theta)
