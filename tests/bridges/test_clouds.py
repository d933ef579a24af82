"""Bridges through particles: on a fine grid the closed form to rounding, pinned draws, nonlinear references."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.bridges import (
    GaussianSchroedingerBridge,
    Linearised,
    PredatorPrey,
    SinkhornBridge,
    baselines,
    held_out,
    leave_one_out,
    with_noise,
)
from sdekit.data import Snapshots
from sdekit.processes import BrownianMotion, DoubleWell, LinearSDE, OrnsteinUhlenbeck
from sdekit.transport import wasserstein1


OU = OrnsteinUhlenbeck(rate=1.0, mean=0.3, scale=0.8)
GRID = np.linspace(-6, 7, 400)[:, None]


def normal(mean, variance):
    return np.exp(-((GRID[:, 0] - mean) ** 2) / (2 * variance))


@pytest.fixture(scope="module")
def on_grid():
    data = Snapshots.from_list([0.0, 1.0], [GRID, GRID], [normal(0.0, 0.5), normal(1.0, 0.2)])
    return SinkhornBridge(OU, data, tolerance=1e-12)


@eqx.filter_jit
def _fields(bridge, t, x):
    return bridge.drift(t, x), bridge.score(t, x), bridge.backward_drift(t, x), bridge.log_density(t, x)


def test_a_grid_gives_the_gaussian_bridge_to_rounding(on_grid):
    # The trapezoidal rule is spectrally accurate for densities that vanish at the ends.
    exact = GaussianSchroedingerBridge(OU, [[0.0], [1.0]], [[[0.5]], [[0.2]]])
    for t in (0.2, 0.8):
        x = jnp.array([0.7 - t])
        found, expected = _fields(on_grid, t, x), _fields(exact, t, x)
        for a, b in zip(found[:3], expected[:3], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-11)
        np.testing.assert_allclose(found[3], exact.marginal(t).log_prob(x), atol=1e-11)
    entropy = 0.5 * np.log(2 * np.pi * np.e * 0.2)
    np.testing.assert_allclose(on_grid.kl() - entropy, exact.kl(), rtol=1e-9)


def test_draws_on_a_grid_have_the_exact_marginals(on_grid):
    exact = GaussianSchroedingerBridge(OU, [[0.0], [1.0]], [[[0.5]], [[0.2]]])
    n = 5000
    xs = np.asarray(on_grid.sample(jnp.array([0.0, 0.4, 0.8, 1.0]), key=jax.random.key(0), n=n).xs[..., 0])
    # Carried once each, starts have their weights; what is left is the spread given a start.
    w, carried = np.asarray(on_grid.data.weights[0]), np.asarray(on_grid.carried(0.4, key=jax.random.key(1))[:, 0])
    law = exact.marginal(0.4)
    assert abs(w @ carried - float(law.mean[0])) < 5.3 * np.sqrt((w**2).sum() * float(law.covariance_matrix[0, 0]))
    for i, t in enumerate((0.0, 0.4, 0.8, 1.0)):
        law = exact.marginal(t)
        mean, variance = float(law.mean[0]), float(law.covariance_matrix[0, 0])
        # Gaussian sample mean and variance: false alarm 1e-6 for the eight of them.
        assert abs(xs[:, i].mean() - mean) < 5.3 * np.sqrt(variance / n)
        assert abs(xs[:, i].var() / variance - 1) < 5.3 * np.sqrt(2 / n)


def test_unequal_weighted_snapshots_are_met_and_padding_changes_nothing():
    rng = np.random.default_rng(0)
    clouds = [rng.normal(size=(n, 2)) for n in (6, 9, 4)]
    weights = [rng.uniform(size=len(c)) for c in clouds]
    reference = BrownianMotion(scale=[0.8, 1.2])
    data = Snapshots.from_list([0.0, 0.5, 1.5], clouds, weights)
    bridge = SinkhornBridge(reference, data, tolerance=1e-9)
    for k in (0, 1):
        plan = np.asarray(bridge.plan(k))
        np.testing.assert_allclose(plan.sum(1), data.weights[k], atol=1e-8)
        np.testing.assert_allclose(plan.sum(0), data.weights[k + 1], atol=1e-8)
    wide = Snapshots(data.ts, jnp.pad(data.xs, ((0, 0), (0, 3), (0, 0))), jnp.pad(data.mask, ((0, 0), (0, 3))),
                     jnp.pad(data.weights, ((0, 0), (0, 3))))  # fmt: skip
    padded = SinkhornBridge(reference, wide, tolerance=1e-9)
    x = jnp.array([0.3, -0.2])
    for t in (0.3, 1.1):
        for a, b in zip(_fields(bridge, t, x), _fields(padded, t, x), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    xs = np.asarray(bridge.sample(data.ts, key=jax.random.key(0), n=20).xs)
    for k, cloud in enumerate(clouds):
        assert np.abs(xs[:, k, None] - cloud[None]).sum(-1).min(1).max() < 1e-12


def test_a_linear_drift_is_its_own_linearisation():
    linear = LinearSDE(np.array([[-1.0, 0.5], [-0.3, -0.2]]), np.array([0.1, 0.4]), np.array([[0.5, 0.0], [0.2, 0.3]]))
    x = jnp.array([1.0, -1.0])
    exact, found = linear.transition(0.0, 0.7, x), Linearised(linear, 20).transition(0.0, 0.7, x)
    np.testing.assert_allclose(found.mean, exact.mean, atol=1e-7)
    np.testing.assert_allclose(found.covariance_matrix, exact.covariance_matrix, atol=1e-7)


def brute_force(field, start, ends, horizon, scale, width, n, seed):
    """Paths of Euler's method from one start, weighted by where they end: a Doob transform. The middle, its weights."""
    rng, steps = np.random.default_rng(seed), 100
    h = horizon / steps
    x, middle = np.tile(start, (n, 1)), None
    for i in range(steps):
        middle = x if i == steps // 2 else middle
        x = x + h * field(x) + scale * np.sqrt(h) * rng.normal(size=x.shape)
    kernel = np.exp(-((x[:, None] - ends[None]) ** 2).sum(-1) / (2 * width**2))
    return middle, (kernel / kernel.sum(0)).mean(1)


WELL = DoubleWell(scale=0.5), lambda x: x - x**3, [0.0], [[-0.3], [0.2]], 0.4, 0.5, 0.03, 40_000
HUNT = (
    with_noise(PredatorPrey(1.0, 0.4, 0.1, 0.4), 0.3, 2),
    lambda x: np.stack([x[:, 0] - 0.4 * x.prod(1), 0.1 * x.prod(1) - 0.4 * x[:, 1]], 1),
    [5.0, 4.0], [[3.6, 4.0], [3.8, 4.2]], 0.5, 0.3, 0.04, 100_000,
)  # fmt: skip


@pytest.mark.parametrize("case", [WELL, HUNT], ids=["double well", "predators and prey"])
def test_a_nonlinear_bridge_has_the_marginals_of_weighted_simulations(case):
    reference, field, start, ends, horizon, scale, width, n = case
    start, ends = np.array(start), np.array(ends)
    np.testing.assert_allclose(reference.drift(0.0, jnp.asarray(start + 0.1)), field(start[None] + 0.1)[0], rtol=1e-6)
    # To two atoms from one: the plan is fixed, and so is the bridge: a mixture of two pinned processes.
    bridge = SinkhornBridge(reference, Snapshots.from_list([0.0, horizon], [start[None], ends]))
    middle, weights = brute_force(field, start, ends, horizon, scale, width, n, 1)
    mean = weights @ middle
    gaps = middle - mean
    m = 10_000
    drawn = np.asarray(bridge.sample(jnp.array([horizon / 2]), key=jax.random.key(0), n=m).xs[:, 0])
    deviation = np.sqrt(weights @ gaps**2)
    # The effective sample is that of the weights; the kernel's width adds width^2 / 4 at most to the variance.
    error = deviation * np.sqrt((weights**2).sum() + 1 / m)
    assert (np.abs(drawn.mean(0) - mean) < 5 * error).all()
    assert (np.abs(drawn.std(0) - deviation) < 5 * error + width**2 / (8 * deviation)).all()


def test_baselines_and_tables():
    rng = np.random.default_rng(2)
    clouds = [rng.normal(k, 1.0, size=(n, 1)) for k, n in enumerate((30, 40, 30, 20))]
    data = Snapshots.from_list(np.arange(4.0), clouds)
    train = data.at([0, 2, 3])
    found = baselines(train, 1.0)
    np.testing.assert_allclose(
        np.sort(found["OT midpoint"][:, 0]), (np.sort(clouds[0][:, 0]) + np.sort(clouds[2][:, 0])) / 2
    )
    np.testing.assert_array_equal(found["persistence"], clouds[0])
    fit = lambda train, key: SinkhornBridge(BrownianMotion(scale=0.5), train)
    table = leave_one_out(fit, data, key=jax.random.key(0))
    assert table["model", "W1"].shape == (2,)
    np.testing.assert_allclose(
        table["OT midpoint", "W1"][1],
        wasserstein1(
            baselines(data.at([0, 1, 3]), 2.0)["OT midpoint"][np.linspace(0, 19, 30).round().astype(int)], clouds[2]
        ),
    )
    assert "| OT midpoint, W2 |" in table.to_markdown()
    with pytest.raises(ValueError, match="`t` must lie between the snapshots"):
        baselines(train, 3.0)
    with pytest.raises(ValueError, match="must have three snapshots or more"):
        leave_one_out(fit, data.at([0, 1]), key=jax.random.key(0))
    assert held_out.__doc__


def test_faults_are_named():
    xs = np.zeros((2, 3, 1)) + np.arange(3.0)[None, :, None]
    data = Snapshots([0.0, 1.0], xs)
    with pytest.raises(TypeError, match="`reference` must be a diffusion"):
        SinkhornBridge(None, data)
    with pytest.raises(TypeError, match="`data` must be a record of Snapshots"):
        SinkhornBridge(BrownianMotion(), xs)
    with pytest.raises(ValueError, match="`data` must have snapshots at two times or more"):
        SinkhornBridge(BrownianMotion(), data.at([0]))
    with pytest.raises(ValueError, match=r"`data` must have 2 component\(s\), as the reference"):
        SinkhornBridge(BrownianMotion(scale=[1.0, 1.0]), data)
    still = LinearSDE(-np.eye(2), scale=np.array([[1.0], [0.0]]))
    with pytest.raises(ValueError, match="`reference` must have noise that reaches every component"):
        SinkhornBridge(still, Snapshots([0.0, 1.0], np.zeros((2, 3, 2))))
    # Empty snapshots, cells that are not numbers and unsorted times are found when the record is built.
    with pytest.raises(ValueError, match="must be finite where there is a particle"):
        Snapshots([0.0, 1.0], np.full((2, 3, 1), np.nan))
    with pytest.raises(ValueError, match="must be later than"):
        Snapshots([1.0, 0.0], xs)
    with pytest.raises(ValueError, match="leaves no particle"):
        Snapshots.from_list([0.0, 1.0], [xs[0], np.zeros((0, 1))])


def test_snapshots_in_float32_take_the_dtype_of_the_reference():
    xs = np.zeros((2, 3, 1), np.float32) + np.arange(3, dtype=np.float32)[None, :, None] / 4
    bridge = SinkhornBridge(DoubleWell(scale=0.5), Snapshots(np.array([0.0, 0.2]), xs))
    assert bridge.data.xs.dtype == jnp.result_type(float)
    assert np.isfinite(bridge.drift(0.1, jnp.array([0.2]))).all()
