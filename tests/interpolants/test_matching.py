"""The losses: minimised by the exact field, finite variance at the ends, every record, and a fit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax
import pytest

import sdekit as sk
import sdekit.interpolants as si
from sdekit.data import Labelled, Series, Snapshots
from sdekit.transport import Paired

from .cases import PATHS, ends, mixture


class Moved(eqx.Module):
    """A function, moved by a parameter in three directions."""

    function: eqx.Module
    shift: jax.Array

    def __call__(self, t, x):
        return self.function(t, x) + self.shift[0] + self.shift[1] * x + self.shift[2] * jnp.sin(3 * t)


KINDS = {
    "linear": (si.Velocity, si.Drift, si.Score, si.Noise),
    "one-sided linear": (si.Velocity, si.Data, si.Noise),
    "VP": (si.Score, si.Data, si.Noise),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_exact_field_is_the_minimiser(name):
    """The gradient at the exact field is 0 within the error of the mean over batches; off it, it is not."""
    path, rng = PATHS[name], np.random.default_rng(0)
    laws = ends(path, mixture(rng, 2), mixture(rng, 3))
    exact = si.exact_field(path, *laws).to(*KINDS[name])
    draw = lambda law, k: jax.vmap(law.sample)(jax.random.split(k, 2000))
    xs = [draw(law, k) for law, k in zip(laws, jax.random.split(jax.random.key(5)), strict=True) if law is not None]
    data = Snapshots(jnp.arange(float(len(xs))), jnp.stack(xs))
    objective = si.InterpolantMatching()

    @jax.jit
    def gradient(shifts, key):
        def loss(shifts):
            parts = [type(p)(Moved(p.function, s)) for p, s in zip(exact.parts, shifts, strict=True)]
            batch = data.draw(500, key=jax.random.fold_in(key, 1))
            return objective(si.Field(path, *parts), batch, key=key)[0]

        return jax.grad(loss)(shifts)

    zero = jnp.zeros((len(exact.parts), 3))
    found = np.stack([gradient(zero, k) for k in jax.random.split(jax.random.key(0), 40)])
    error = found.std(0) / np.sqrt(40)
    # The data are a finite sample: their own error is added. Six deviations for each of at most 12: below 1e-6.
    whole = np.sqrt(error**2 * (1 + 40 * 500 / 2000))
    assert (np.abs(found.mean(0)) < 6 * whole + 1e-12).all(), found.mean(0) / whole
    off = np.asarray(gradient(zero + 0.5, jax.random.key(1)))
    assert (np.abs(off) > 10 * whole)[:, :2].all()


def test_antithetic_pairs_keep_the_variance_near_the_ends():
    """With gamma = sqrt(2 t (1 - t)) the variance of the loss at t grows like 1 / t without pairs."""
    path = PATHS["linear"]
    field = si.exact_field(path, *(dist.Normal(jnp.full(1, m), 1.0).to_event(1) for m in (0.0, 2.0)))
    data = Snapshots(jnp.array([0.0, 1.0]), jnp.asarray(np.random.default_rng(0).normal(size=(2, 400, 1))))

    class Near(si.AbstractTimes):
        t: jax.Array

        def draw(self, path, n, dtype, *, key):
            return jnp.full(n, self.t, dtype), jnp.ones(n, dtype)

    def spread(t, pairs):
        objective = si.InterpolantMatching(times=Near(jnp.asarray(t)), antithetic=pairs)
        keys = jax.random.split(jax.random.key(0), 50)
        return np.asarray(jax.jit(jax.vmap(lambda k: objective(field, data, key=k)[0]))(keys)).std()

    assert spread(1e-8, False) > 100 * spread(1e-8, True)
    assert spread(1e-8, True) < 3 * spread(0.1, True)


@pytest.mark.parametrize("times", [si.UniformTimes(), si.StratifiedTimes(), si.LogSNRTimes(-9.0, 9.0)])
def test_weighted_times_integrate(times):
    path = PATHS["one-sided linear"]
    t, w = jax.jit(lambda k: times.draw(path, 4096, jnp.float64, key=k))(jax.random.key(0))
    assert (np.asarray(t) > 0).all() and (np.asarray(t) < 1).all()
    value = np.mean(np.asarray(w) * np.asarray(t) ** 2)
    # The deviation of uniform times is .3 / sqrt(4096); the ends that log-SNR times leave out hold 3e-4.
    assert abs(value - 1 / 3) < 5 * 0.3 / 64


def test_times_are_never_the_ends_in_float32():
    t, _ = si.StratifiedTimes().draw(PATHS["linear"], 1 << 16, jnp.float32, key=jax.random.key(0))
    assert t.dtype == jnp.float32
    assert float(t.min()) > 0 and float(t.max()) < 1


def test_a_fit_learns_a_gaussian():
    """One affine velocity with exact features of time recovers mean and deviation of the data."""

    class Affine(eqx.Module):
        mean: jax.Array
        log_scale: jax.Array

        def __call__(self, t, x):
            v = (1 - t) ** 2 + t**2 * jnp.exp(2 * self.log_scale)
            gain = (t * jnp.exp(2 * self.log_scale) - (1 - t)) / v
            return self.mean + gain * (x - t * self.mean)

    xs = np.random.default_rng(0).normal([1.5, -0.5], [0.4, 1.3], (4000, 2))
    field = si.Field(si.one_sided_linear(), si.Velocity(Affine(jnp.zeros(2), jnp.zeros(2))))
    fit = sk.fit(
        field, si.InterpolantMatching(), Snapshots(jnp.zeros(1), jnp.asarray(xs)[None]), key=jax.random.key(0),
        steps=600, batch_size=256, optimiser=optax.adam(optax.cosine_decay_schedule(3e-2, 600)), progress=False,
    )  # fmt: skip
    learned = fit.model.parts[0].function
    # Errors of the sample and of the last steps, below .03 each on repeats.
    np.testing.assert_allclose(learned.mean, [1.5, -0.5], atol=0.1)
    np.testing.assert_allclose(np.exp(learned.log_scale), [0.4, 1.3], atol=0.1)


def test_every_record_serves():
    key, path = jax.random.key(0), PATHS["one-sided linear"]
    field = si.Field(path, si.Velocity(lambda t, x: 0 * x))
    series = Series(jnp.arange(2.0), jnp.ones((6, 2, 1)))
    one = si.InterpolantMatching()(field, series, key=key)[0]
    two = si.InterpolantMatching()(field, Snapshots(jnp.zeros(1), jnp.ones((1, 6, 2))), key=key)[0]
    assert one == two == 0
    conditional = si.Field(path, si.Data(lambda t, x, c: jnp.where(c < 0, 0.0, 1.0) * jnp.ones_like(x)))
    labelled = Labelled(series, jnp.arange(6) % 3)
    np.testing.assert_allclose(si.InterpolantMatching()(conditional, labelled, key=key)[0], -1.0)
    hidden = si.InterpolantMatching(unconditional=1.0)(conditional, labelled, key=key)[0]
    np.testing.assert_allclose(hidden, 0.0)
    sided = si.Field(PATHS["flow matching"], si.Velocity(lambda t, x: 0 * x + 1))
    base = dist.Normal(jnp.zeros(2), 1e-9).to_event(1)
    found = si.InterpolantMatching(base=base)(sided, Snapshots(jnp.zeros(1), jnp.ones((1, 6, 2))), key=key)[0]
    np.testing.assert_allclose(found, 1 - 2, atol=1e-7)
    pairs = Snapshots(jnp.array([0.0, 1.0]), jnp.stack([jnp.arange(6.0)[:, None], 1 + jnp.arange(6.0)[:, None]]))
    sided = si.Field(PATHS["flow matching"], si.Velocity(lambda t, x: jnp.ones_like(x)))
    np.testing.assert_allclose(si.InterpolantMatching(Paired())(sided, pairs, key=key)[0], -0.5, atol=1e-12)


def test_uneven_weights_count():
    """A particle of weight 0 is never seen, though the batch is the whole record."""
    xs, weights = jnp.array([[[1.0], [5.0]]]), jnp.array([[1.0, 0.0]])
    field = si.Field(PATHS["one-sided linear"], si.Data(lambda t, x: jnp.ones_like(x)))
    data = Snapshots(jnp.zeros(1), xs, weights=weights)
    np.testing.assert_allclose(si.InterpolantMatching()(field, data, key=jax.random.key(0))[0], -0.5)


def test_learned_times_follow_the_residuals():
    """The density from the definition; the residual of a field that says nothing is the datum."""
    rng = np.random.default_rng(0)
    t, squares = rng.uniform(size=500) ** 2, rng.exponential(size=500)
    times = si.LearnedTimes(5, floor=0.2).updated(t, squares, decay=0.25)
    k = (5 * t).astype(int)
    kept = 0.25 + 0.75 * np.array([squares[k == i].mean() for i in range(5)])
    np.testing.assert_allclose(times.density(), 0.2 + 0.8 * np.sqrt(kept) / np.sqrt(kept).mean(), rtol=1e-12)
    drawn, weights = times.draw(PATHS["linear"], 1000, jnp.float64, key=jax.random.key(0))
    inside = (5 * np.asarray(drawn)).astype(int)
    np.testing.assert_allclose(weights, 1 / np.asarray(times.density())[inside], rtol=1e-12)
    # One time in each of a thousand equal parts of the distribution: no count is off by more than 2.
    np.testing.assert_allclose(np.bincount(inside), 200 * np.asarray(times.density()), atol=2)
    data = Snapshots(jnp.zeros(1), jnp.asarray(rng.normal(size=(1, 6, 2))))
    field = si.Field(PATHS["one-sided linear"], si.Data(lambda t, x: 0 * x))
    weighted = si.InterpolantMatching(times=times, weight=lambda t: 3 * t)
    t, found = weighted.residuals(field, data, key=jax.random.key(1))
    np.testing.assert_allclose(np.sort(found / (3 * t) ** 2), np.sort((data.xs[0] ** 2).sum(1)), rtol=1e-12)


def test_the_law_given_the_rest_of_a_series_is_the_minimiser():
    """A window of two of four values of an autoregression: the Gaussian conditional mean has no slope of the loss."""
    covariance = 0.7 ** np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    precision = jnp.asarray(np.linalg.inv(covariance))
    ys = np.random.default_rng(0).multivariate_normal(np.zeros(4), covariance, 4000)
    data = Series(jnp.arange(4.0), jnp.asarray(ys)[..., None])
    objective = si.InterpolantMatching(hide=si.HiddenWindow(2), times=si.StratifiedTimes())

    def says(shift, t, x, condition):
        """E[x1 | x_t, known values]: known values have a precision of 1e8."""
        values, hidden = condition[:4], condition[4:]
        known = 1e8 * (1 - hidden)
        left = precision + jnp.diag(known + (t / (1 - t)) ** 2)
        mean = jnp.linalg.solve(left, known * values + t * x / (1 - t) ** 2)
        return mean + hidden * (shift[0] + shift[1] * x + shift[2] * values.sum())

    @jax.jit
    def gradient(shift, key):
        field = lambda s: si.Field(PATHS["one-sided linear"], si.Data(lambda t, x, c: says(s, t, x, c)))
        batch = data.draw(250, key=key)
        return jax.grad(lambda s: objective(field(s), batch, key=key)[0])(shift)

    found = np.stack([gradient(jnp.zeros(3), k) for k in jax.random.split(jax.random.key(0), 40)])
    # Six deviations, the finite sample's own added (40 x 250 of 4000): below 1e-6.
    whole = found.std(0) / np.sqrt(40) * np.sqrt(1 + 40 * 250 / 4000)
    assert (np.abs(found.mean(0)) < 6 * whole).all(), found.mean(0) / whole
    assert (np.abs(gradient(jnp.full(3, 0.5), jax.random.key(1))) > 10 * whole).all()


def test_windows_of_series():
    last, key = si.HiddenWindow(2, start=-2), jax.random.key(0)
    np.testing.assert_array_equal(last.draw(2, 4, key=key), [[False, False, True, True]] * 2)
    any_one = np.asarray(si.HiddenWindow(2).draw(200, 4, key=key))
    assert {tuple(row) for row in any_one.tolist()} == {
        (True, True, False, False), (False, True, True, False), (False, False, True, True),
    }  # fmt: skip
    with pytest.raises(ValueError, match="must not exceed the 1 times"):
        last.draw(2, 1, key=key)
    with pytest.raises(ValueError, match="`hide` hides times of series"):
        si.InterpolantMatching(hide=last)(
            si.Field(PATHS["one-sided linear"], si.Data(lambda t, x: x)), Snapshots(jnp.zeros(1), jnp.ones((1, 6, 2))),
            key=key,
        )  # fmt: skip
