"""The game of a process and its critic: signs of gradients, slopes of clipped networks, and a game with a known end."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax
import pytest

from sdekit.data import Series
from sdekit.fit import average_weights, averaged, fit
from sdekit.inference import AdversarialMatching, Adversaries, adversarial, lipschitz_clip
from sdekit.inference._drawn import draw_states
from sdekit.nets import lipswish
from sdekit.processes import OrnsteinUhlenbeck


TS = jnp.linspace(0.0, 1.0, 4)


class Last(eqx.Module):
    """A linear critic of the last value: the game is then about means alone."""

    slope: jax.Array

    def __call__(self, series):
        return self.slope @ jnp.where(series.mask, series.ys, 0)[-1]


class Bent(eqx.Module):
    """A critic of the whole series."""

    weight: jax.Array

    def __call__(self, series):
        return jnp.tanh(self.weight @ series.ys[:, 0])


def generator(mean=0.5):
    return OrnsteinUhlenbeck(1.0, mean, 0.7, dist.Normal(jnp.zeros(1), jnp.ones(1)).to_event(1))


def test_one_gradient_goes_down_for_the_process_and_up_for_the_critic(key):
    critic = Bent(jnp.array([[0.3, -1.0, 0.5, 0.8]]))
    batch = Series(TS, jax.random.normal(key, (5, 4, 1)))
    model = Adversaries(generator(), critic)

    def judged(model):
        xs = draw_states(model.generator, TS, key=key, n=5)
        judge = lambda ys: jax.vmap(lambda y: model.critic(Series(TS, y))[0])(ys)
        return judge(xs), judge(batch.ys)

    def gap(model):
        ours, theirs = judged(model)
        return ours.mean() - theirs.mean()

    def held(model):
        ours, theirs = judged(model)
        return 0.7 / 4 * (jnp.mean(ours**2) + jnp.mean(theirs**2))

    free, damped = (lambda m, d=d: AdversarialMatching(damping=d)(m, batch, key=key)[0] for d in (0.0, 0.7))
    ways = (free, gap, damped, held)
    all_of = eqx.filter_jit(lambda m: [eqx.filter_value_and_grad(way)(m) for way in ways])
    (value, grad), (exact, want), (less, tied), (hold, holds) = all_of(model)
    assert np.isclose(value, exact, rtol=1e-12)
    assert np.isclose(less, exact - hold, rtol=1e-12)
    close = lambda a, b: jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12), a, b)
    close(grad.generator, want.generator)
    close(grad.critic, jax.tree.map(jnp.negative, want.critic))
    # What holds the critic back does not pull at the process.
    close(tied.generator, want.generator)
    close(tied.critic, jax.tree.map(lambda a, b: b - a, want.critic, holds.critic))


def test_a_path_is_seen_where_its_series_is(key):
    """What is hidden in the data is hidden in the paths."""
    mask = jnp.array([True, True, False, False])[None, :, None].repeat(6, 0)
    ys = jax.random.normal(key, (6, 4, 1))
    run = lambda m: AdversarialMatching()(Adversaries(generator(), Last(jnp.ones((1, 1)))), m, key=key)[0]
    assert run(Series(TS, ys, mask)) == 0
    assert run(Series(TS, jnp.where(mask, ys, jnp.nan), mask)) == 0
    assert run(Series(TS, ys)) != 0


def test_clipped_layers_have_slopes_of_at_most_one(key):
    mlp = eqx.nn.MLP(3, 2, 5, 2, lipswish, key=key)
    params, rest = eqx.partition(mlp, eqx.is_inexact_array)
    optimiser = optax.chain(optax.sgd(1.0), lipschitz_clip())
    keys = jax.random.split(key, 3)
    moves = jax.tree.map(lambda x: 10 * jax.random.normal(keys[0], x.shape), params)
    updates, _ = optimiser.update(moves, optimiser.init(params), params)
    after = optax.apply_updates(params, updates)
    for old, new, move in zip(*map(jax.tree.leaves, (params, after, moves)), strict=True):
        free = np.asarray(old - move)
        clipped = np.clip(free, -1 / new.shape[-1], 1 / new.shape[-1]) if new.ndim == 2 else free
        np.testing.assert_allclose(new, clipped, atol=1e-12)
    slopes = jax.jit(jax.vmap(jax.jacfwd(eqx.combine(after, rest))))(20 * jax.random.normal(keys[1], (200, 3)))
    assert jnp.abs(slopes).sum(-1).max() <= 1 + 1e-9


def test_a_game_about_means_ends_at_the_mean(key):
    """Two play round the saddle; the mean of the weights is there. Standard error of the mean of the data: .01."""
    start = dist.Normal(jnp.full(1, 2.0), jnp.full(1, 0.1)).to_event(1)
    truth = OrnsteinUhlenbeck(1.0, -1.0, 0.3, start)
    series = Series(TS, truth.sample(TS, key=key, n=512).xs)
    model = Adversaries(OrnsteinUhlenbeck(1.0, 0.5, 0.3, start), Last(jnp.zeros((1, 1))))
    only = lambda m: (m.generator.rate, m.generator.scale, m.generator.initial)
    optimiser = optax.chain(adversarial(optax.sgd(0.05), optax.sgd(0.1)), average_weights(200))
    found = fit(model, AdversarialMatching(), series, key=key, steps=800, batch_size=64, optimiser=optimiser,
                frozen=only, progress=False)  # fmt: skip
    assert abs(float(averaged(found).generator.mean[0]) + 1.0) < 0.12
    assert abs(found.history["gap"][-1]) < abs(found.history["gap"][0])


def test_what_does_not_fit_is_refused(key):
    batch = Series(TS, jnp.zeros((2, 4, 1)))
    with pytest.raises(ValueError, match="steps"):
        AdversarialMatching(steps=0)
    with pytest.raises(ValueError, match="damping"):
        AdversarialMatching(damping=-1.0)
    with pytest.raises(TypeError, match="must be an Adversaries"):
        AdversarialMatching()(generator(), batch, key=key)
    with pytest.raises(ValueError, match="one number"):
        AdversarialMatching()(Adversaries(generator(), lambda s: s.ys[-1].repeat(2)), batch, key=key)
    with pytest.raises(ValueError, match="must be given"):
        lipschitz_clip().update(jnp.ones(2), optax.EmptyState())
    with pytest.raises(ValueError, match="generator"):
        Adversaries(Last(jnp.ones((1, 1))), Last(jnp.ones((1, 1))))
