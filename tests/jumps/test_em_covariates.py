"""EM with covariates: a Poisson regression on whole paths, a stationary point of the likelihood on panels."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from sdekit.data import Panel
from sdekit.jumps import Conditional, CovariateRates, GammaPrior, RateMatrix, em


EDGES = [(0, 1), (1, 0), (1, 2)]
RATES = [[0.0, 0.8, 0.0], [0.5, 0.0, 0.4], [0.0, 0.0, 0.0]]
START = CovariateRates(np.sign(RATES), {"dose": [[(0, 1), (1, 0, -1)], [(1, 2)]]}, centre=[0.3])
ITEMS, ROOM = 24, 9


@pytest.fixture(scope="module")
def panels():
    """Paths seen whole, and snapshots: what was drawn does not matter, as long as it can be."""
    rng = np.random.default_rng(0)
    ts = np.cumsum(rng.exponential(size=(ITEMS, ROOM)), 1)
    dose = rng.normal(size=(ITEMS, ROOM, 1))

    def of(kind, next_of):
        states, real = np.zeros((ITEMS, ROOM), int), np.ones((ITEMS, ROOM), bool)
        for k, i in np.ndindex(ITEMS, ROOM - 1):
            states[k, i + 1], real[k, i + 1] = rng.choice(next_of[states[k, i]]), states[k, i] != 2
        kinds = np.full(ts.shape, kind)
        return Panel(ts, states, real, kinds=kinds, covariates=dose, num_states=3)

    return of(2, [[1], [0, 2], [2]]), of(0, [[0, 0, 1], [1, 1, 1, 0, 2], [2]])


def _minus(theta, panel):
    """The log-likelihood of whole paths in NumPy: log-rates at the jumps less the integrals of the exit rates."""
    logs, (first, second) = theta[:3], theta[3:]
    total = 0.0
    for k in range(ITEMS):
        t, s, m, z = (np.asarray(x)[k] for x in (panel.ts, panel.states, panel.mask, panel.covariates))
        for i in range(1, ROOM):
            if m[i]:
                x = z[i - 1, 0] - 0.3
                rates = np.exp(logs + x * np.array([first, -first, second]))
                total -= sum(r for r, (a, _) in zip(rates, EDGES, strict=True) if a == s[i - 1]) * (t[i] - t[i - 1])
                total += np.log(rates[EDGES.index((s[i - 1], s[i]))])
    return -total


def test_whole_paths_are_a_poisson_regression(panels):
    found = em(START, panels[0], tolerance=1e-13)
    best = scipy.optimize.minimize(_minus, np.zeros(5), args=(panels[0],), tol=1e-12)
    np.testing.assert_allclose(np.log(found.model.values), best.x[:3], atol=1e-5)
    np.testing.assert_allclose(found.model.effects, best.x[3:], atol=1e-5)
    np.testing.assert_allclose(found.log_prob, -best.fun, rtol=1e-9)
    assert found.steps <= 3


def test_panels_reach_a_stationary_point_and_no_step_goes_down(panels):
    fits = [em(START, panels[1], steps=k, tolerance=1e-14) for k in (1, 2, 5, 3000)]
    values = [fit.log_prob for fit in fits]
    assert values == sorted(values)
    last = fits[-1].model

    def total(theta):
        model = eqx.tree_at(lambda m: (m.values, m.effects), last, (jnp.exp(theta[:3]), theta[3:]))
        return jax.vmap(model.log_prob)(panels[1]).sum()

    value, slope = jax.jit(jax.value_and_grad(total))(jnp.concatenate([jnp.log(last.values), last.effects]))
    np.testing.assert_allclose(value, values[-1], rtol=1e-10)
    assert np.abs(np.asarray(slope)).max() < 1e-4
    spans = np.where(np.asarray(panels[1].mask), np.asarray(panels[1].ts), 0).max(1) - np.asarray(panels[1].ts)[:, 0]
    np.testing.assert_allclose(fits[-1].times.sum(), spans.sum(), rtol=1e-8)


def test_what_is_missing_is_named(panels):
    with pytest.raises(ValueError, match=r"`data.covariates` must hold 1 covariates"):
        em(START, Panel(jnp.arange(3.0), jnp.array([0, 1, 0])))
    with pytest.raises(ValueError, match="`prior` must be None"):
        em(START, panels[0], prior=GammaPrior(1.0, 1.0))
    with pytest.raises(TypeError, match="CovariateRates"):
        em(RateMatrix(RATES, Conditional()).sample, panels[0])
