"""Golden likelihoods, moments, clusters, fits: against closed forms and other people's data."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import special, stats

import sdekit as sk
from sdekit import points as sp
from sdekit.data import Events
from sdekit.evaluate import assert_law, assert_mean, assert_uniform_pit


LN37 = np.log(37.0)
GOLDEN = {
    "hawkes1": (lambda: sp.ExponentialHawkes(0.2, 0.8, 1.0), -47658.980749306),
    "stationary_poisson": (lambda: sp.Poisson(1.0), -100000.0),
    "nonstationary_poisson": (
        lambda: sp.InhomogeneousPoisson(sp.SinusoidalRate(1.0, 0.99, 100.0)), -0.70065956729 * 100258,
    ),
    "stationary_renewal": (lambda: sp.Renewal(dist.LogNormal(-LN37 / 2, np.sqrt(LN37))), -0.23498398113 * 109200),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_likelihoods_of_the_true_laws(name):
    """Totals over 1,000 sequences, found with other code; those given a sequence have eleven digits."""
    try:
        data = sk.load(f"triangular_{name}")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    build, total = GOLDEN[name]
    process = build()
    got = jax.jit(jax.vmap(process.log_prob))(data).sum()
    np.testing.assert_allclose(got, total, rtol=1e-9 if name in ("hawkes1", "stationary_poisson") else 2e-10)


def test_residuals_are_carried_across_sequences():
    """Left out, the unfinished gaps make the truth look wrong: with 2,000 short sequences beyond doubt."""
    process = sp.Poisson(2.0)
    data = process.sample(jnp.array([0.0, 2.0]), key=jax.random.key(0), n=2000).to_record()
    carried, naive = sp.residuals(process, data), sp.residuals(process, data, carry=False)
    assert_law(carried.values, lambda x: -np.expm1(-np.maximum(x, 0)))
    assert stats.kstest(naive.values, "expon").pvalue < 1e-9
    total = 2.0 * 2.0 * 2000
    np.testing.assert_allclose(carried.values.sum() + carried.leftover, total, rtol=1e-9)
    np.testing.assert_allclose(naive.values.sum() + naive.leftover, total, rtol=1e-9)


def test_counts_of_a_hawkes_process_have_their_moments():
    """From no past, E N(T) and the limit of Var N / T: Hawkes (1971), Dassios and Zhao (2011)."""
    process, end, n = sp.ExponentialHawkes(0.5, 0.6, 1.5), 60.0, 1500
    counts = np.asarray(sp.simulate(process, 0.0, end, key=jax.random.key(3), n=n, room=256).mask.sum(axis=1), float)
    kappa, rate = 0.6, 1.25
    mean = rate * end - (rate - 0.5) * (1 - np.exp(-kappa * end)) / kappa
    np.testing.assert_allclose(process.expected_counts(end), [mean], rtol=1e-9)
    assert_mean(counts, mean)
    np.testing.assert_allclose(process.long_run_rate(), [1.25], rtol=1e-12)
    np.testing.assert_allclose(process.long_run_covariance(), [[0.5 / 0.4**3]], rtol=1e-12)
    # The variance at 60 is a little below its limit; a chi-square interval at 1e-6, with 4% for that.
    ratio = counts.var(ddof=1) / (0.5 / 0.4**3 * end) * (n - 1)
    assert stats.chi2.ppf(5e-7, n - 1) * 0.92 < ratio < stats.chi2.ppf(1 - 5e-7, n - 1)


def test_expected_counts_of_many_kinds_solve_their_equations():
    """Against a numerical solution of the equations of the means."""
    rng = np.random.default_rng(0)
    phi, beta, mu, end = rng.uniform(0, 0.3, (2, 2)), rng.uniform(0.5, 2, (2, 2)), np.array([0.4, 0.2]), 7.0
    process = sp.ExponentialHawkes(mu, phi, beta)
    x, total, steps = np.zeros((2, 2)), np.zeros(2), 20000
    dt = end / steps
    rate = lambda x: mu + (phi * beta * x).sum(axis=1)
    for _ in range(steps):  # Heun
        slope = rate(x)[None, :] - beta * x
        y = x + dt * slope
        total += dt * (rate(x) + rate(y)) / 2
        x = x + dt * (slope + rate(y)[None, :] - beta * y) / 2
    np.testing.assert_allclose(process.expected_counts(end), total, rtol=1e-6)
    two = sp.ExponentialSumHawkes(mu, np.stack([phi / 2, phi / 2]), [1.3, 1.3])
    one = sp.ExponentialHawkes(mu, phi, 1.3)
    np.testing.assert_allclose(two.expected_counts(end), one.expected_counts(end), rtol=1e-10)


def test_sizes_of_clusters_follow_borel():
    """Chi-square at 1e-6, over sizes with at least 20 expected clusters."""
    ratio, n = 0.6, 20_000
    sizes = sp.cluster_sizes(sp.ExponentialHawkes(1.0, ratio, 2.0), n, key=jax.random.key(0))
    s = np.arange(1, 400)
    p = np.exp(-ratio * s + (s - 1) * np.log(ratio * s) - special.gammaln(s + 1))
    keep = int(np.argmax(n * p < 20))
    expected = np.append(n * p[:keep], n * (1 - p[:keep].sum()))
    got = np.append(np.bincount(np.minimum(sizes, keep + 1), minlength=keep + 2)[1 : keep + 1], (sizes > keep).sum())
    assert ((got - expected) ** 2 / expected).sum() < stats.chi2.isf(1e-6, keep)
    assert_mean(sizes.astype(float), 1 / (1 - ratio))


KERNELS = {
    "a decay a pair": lambda: sp.ExponentialHawkes([0.3, 0.2], [[0.3, 0.2], [0.1, 0.4]], [[1.0, 3.0], [0.5, 2.0]]),
    "two decays": lambda: sp.ExponentialSumHawkes(
        [0.3, 0.2], [[[0.1, 0.2], [0.1, 0.2]], [[0.2, 0.1], [0.1, 0.2]]], [0.5, 4.0]
    ),
    "power law": lambda: sp.PowerLawHawkes([0.3, 0.2], [[0.3, 0.2], [0.1, 0.4]], 1.2, 0.3),
}  # fmt: skip


@pytest.mark.parametrize("name", KERNELS)
def test_clusters_rescale_to_unit_exponentials(name):
    process = KERNELS[name]()
    events = sp.simulate_clusters(process, 0.0, 700.0, key=jax.random.key(1)).to_record()
    for kind in (None, 0, 1):
        assert_law(sp.residuals(process, events, kind=kind).values, lambda x: -np.expm1(-np.maximum(x, 0)))
    assert_uniform_pit(sp.mark_pit(process, events, key=jax.random.key(2)))
    again = sp.simulate_clusters(process, 0.0, 700.0, key=jax.random.key(1))
    np.testing.assert_array_equal(again.ts, events.ts)


def _events(n=400, kinds=3, seed=0):
    rng = np.random.default_rng(seed)
    ts = np.sort(rng.uniform(0, 80, n))
    return Events(ts, rng.integers(0, kinds, n), t0=0.0, t1=81.0, num_marks=kinds)


def test_fast_likelihoods_are_the_likelihood():
    events, rng = _events(), np.random.default_rng(1)
    base, phi = rng.uniform(0.1, 1, 3), rng.uniform(0, 0.5, (3, 3))
    process = sp.ExponentialHawkes(base, phi, 1.7)
    full = lambda b, p, d: sp.ExponentialHawkes(b, p, d).log_prob(events)
    want, slope = jax.jit(jax.value_and_grad(full, argnums=(0, 1, 2)))(process.base, jnp.asarray(phi), jnp.asarray(1.7))
    sums = sp.HawkesSums(events, 1.7)
    value, (db, dp) = jax.jit(jax.value_and_grad(sums.log_prob, argnums=(0, 1)))(process.base, jnp.asarray(phi)[None])
    np.testing.assert_allclose(value, want, rtol=1e-11)
    np.testing.assert_allclose(db, slope[0], rtol=1e-9)
    np.testing.assert_allclose(dp[0], slope[1], rtol=1e-9)
    fast = jax.jit(lambda d: sp.HawkesLikelihood().log_prob(sp.ExponentialHawkes(base, phi, d), events))
    value, dd = jax.value_and_grad(fast)(jnp.asarray(1.7))
    np.testing.assert_allclose(value, want, rtol=1e-11)
    np.testing.assert_allclose(dd, slope[2], rtol=1e-9)
    step = 1e-5
    np.testing.assert_allclose(dd, (fast(1.7 + step) - fast(1.7 - step)) / (2 * step), rtol=1e-6)


def test_recursions_in_rows_are_sums_over_the_past():
    rng = np.random.default_rng(0)
    gaps, jumps, beta = rng.exponential(0.3, 300), rng.uniform(size=(300, 2)), np.array([0.7, 2.0])
    t = np.cumsum(gaps)
    lag = t[:, None] - t[None]
    weights = np.where(lag[..., None] >= 0, np.exp(-beta * np.maximum(lag, 0)[..., None]), 0)
    want = (weights * jumps[None]).sum(axis=1)
    np.testing.assert_allclose(sp.decayed(jnp.asarray(gaps), jnp.asarray(jumps), jnp.asarray(beta)), want, rtol=1e-10)
    # The derivative in the times is that of the sums too.
    way = rng.normal(size=300)
    f = lambda g: sp.decayed(g, jnp.asarray(jumps), jnp.asarray(beta)).sum()
    _, slope = jax.jvp(f, (jnp.asarray(gaps),), (jnp.asarray(way),))
    s = np.cumsum(way)
    moved = -(weights * beta * jumps[None] * (s[:, None] - s[None])[..., None]).sum()
    np.testing.assert_allclose(slope, moved, rtol=1e-8)


def test_fits_reach_the_maximum_and_their_errors_are_those_of_the_hessian():
    process = sp.ExponentialHawkes([0.4, 0.3], [[0.4, 0.1], [0.2, 0.3]], 1.5)
    events = sp.simulate_clusters(process, 0.0, 1500.0, key=jax.random.key(0)).to_record()
    found = sp.fit_hawkes(events, 1.5)
    slow = sp.fit_hawkes(events, 1.5, method=sp.ExpectationMaximisation(steps=1500))
    np.testing.assert_allclose(slow.log_prob, found.log_prob, atol=1e-2)
    np.testing.assert_allclose(slow.process.branching_matrix(), found.process.branching_matrix(), atol=2e-3)
    sums = sp.HawkesSums(events, 1.5)
    flat = lambda x: sums.log_prob(x[:2], x[2:].reshape(1, 2, 2))
    at = jnp.concatenate([found.process.base, found.process.branching_matrix().ravel()])
    np.testing.assert_allclose(flat(at), found.log_prob, rtol=1e-10)
    jacobian = np.stack([
        (np.asarray(jax.grad(flat)(at.at[i].add(1e-5))) - np.asarray(jax.grad(flat)(at.at[i].add(-1e-5)))) / 2e-5
        for i in range(6)
    ])  # fmt: skip
    errors = np.sqrt(np.diag(np.linalg.inv(-jacobian)))
    table = found.table()
    np.testing.assert_allclose(table.standard_error, errors, rtol=1e-4)
    truth = np.array([0.4, 0.3, 0.4, 0.1, 0.2, 0.3])
    assert np.all(np.abs(table.estimate - truth) < 5.5 * table.standard_error)  # 2e-7 in all


def test_support_and_penalty_keep_entries_at_0():
    events = _events()
    mask = np.eye(3, dtype=bool)
    found = sp.fit_hawkes(events, 1.0, support=mask)
    assert not np.asarray(found.process.branching_matrix())[~mask].any()
    heavy = sp.fit_hawkes(events, 1.0, penalty=1e4)
    np.testing.assert_allclose(heavy.process.branching_matrix(), 0, atol=1e-6)
    np.testing.assert_allclose(heavy.process.base, np.bincount(events.marks) / 81.0, rtol=1e-4)


def test_unix_seconds_in_float32():
    """Read in double precision and counted from the start of the window, they lose nothing that matters."""
    seconds = 1.5e9 + np.sort(np.random.default_rng(0).uniform(0, 864000, 200))
    options = {"t0": 1.5e9, "t1": 1.5e9 + 864000, "rebase": True, "scale": 3600.0}
    wide = Events.from_list([seconds], **options)[0]
    narrow = jax.tree.map(lambda x: x.astype(jnp.float32) if jnp.issubdtype(x.dtype, jnp.floating) else x, wide)
    process = sp.ExponentialHawkes(0.5, 0.4, 0.8)
    small = jax.tree.map(lambda x: x.astype(jnp.float32), process)
    log_prob = eqx.filter_jit(lambda p, e: p.log_prob(e))
    np.testing.assert_allclose(log_prob(small, narrow), log_prob(process, wide), rtol=1e-4)
