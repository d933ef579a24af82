"""First passages against their exact laws, with fifty coarse steps."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sdekit._process import Additive
from sdekit.evaluate import assert_law, assert_proportion
from sdekit.solve import FirstPassage, LevelCrossing, solve

from .models import Equation, motion


N = 40_000
EULER = diffrax.Euler()
_push = lambda x, p: jnp.full_like(x, p[1])
_noise = lambda _x, p: p[0].reshape(1, 1)


def drifting(drift):
    return Equation(jnp.array([1.0, drift]), _push, _noise, Additive, start=(0.0,))


@pytest.fixture(scope="module")
def stopped():
    span = jnp.array([0.0, 0.5, 1.0])
    run = lambda event, drift, seed: solve(
        drifting(drift), span, key=jax.random.key(seed), n=N, dt=0.02, solver=EULER, event=event
    )
    return {
        "corrected": run(FirstPassage(1.0), 0.0, 1),
        "watched at steps": run(FirstPassage(1.0, bridge=False), 0.0, 1),
        "drifting": run(FirstPassage(1.0), 1.0, 2),
        "from above": run(FirstPassage(-1.0), 0.0, 3),
    }


def test_the_chance_of_passage_is_that_of_continuous_time(stopped):
    exact = 2 * stats.norm.cdf(-1.0)
    assert_proportion(int(stopped["corrected"].hit.sum()), N, exact)
    assert_proportion(int(stopped["from above"].hit.sum()), N, exact)
    with pytest.raises(AssertionError):
        assert_proportion(int(stopped["watched at steps"].hit.sum()), N, exact)


@pytest.mark.parametrize(("which", "drift"), [("corrected", 0.0), ("drifting", 1.0)])
def test_the_time_of_passage_has_its_law(stopped, which, drift):
    """Karatzas and Shreve (1991), equation 3.5.13: the first passage of `W_t + drift t` to 1."""

    def cdf(t):
        t = np.maximum(t, 1e-12)
        late = stats.norm.cdf((drift * t - 1) / np.sqrt(t)) + np.exp(2 * drift) * stats.norm.cdf(
            (-drift * t - 1) / np.sqrt(t)
        )
        return np.where(t >= 1, 1.0, late)

    out = stopped[which]
    time = np.where(out.hit, out.time, 1.0)
    assert_law(time, cdf, effect=0.03)
    assert bool((out.time[~out.hit] == 1.0).all())


def test_a_path_rests_on_the_level_from_its_passage_on(stopped):
    out = stopped["corrected"]
    xs, hit, time = np.asarray(out.path.xs[..., 0]), np.asarray(out.hit), np.asarray(out.time)
    assert (xs[hit, -1] == 1.0).all()
    assert (xs[hit & (time < 0.5), 1] == 1.0).all()
    assert (xs[~hit] < 1.0).all()


def test_a_crossing_of_a_linear_function_is_a_passage(key):
    run = lambda event: solve(motion(dim=2), jnp.array([0.0, 1.0]), key=key, n=500, dt=0.05, event=event, solver=EULER)
    one = run(FirstPassage(0.7, component=1))
    two = run(LevelCrossing(lambda _t, x: 1.4 - 2 * x[1]))
    np.testing.assert_array_equal(one.hit, two.hit)
    np.testing.assert_allclose(one.time, two.time, rtol=1e-10)


def test_a_curved_boundary_is_met_to_first_order(key):
    """The exit of planar Brownian motion from the unit disc has mean time 1/2."""
    out = solve(motion(dim=2), jnp.array([0.0, 5.0]), key=key, n=4000, dt=0.01, solver=EULER,
                event=LevelCrossing(lambda _t, x: 1 - jnp.sum(x**2)))  # fmt: skip
    assert bool(out.hit.all())
    time = np.asarray(out.time)
    assert abs(time.mean() - 0.5) < 4.9 * time.std() / 4000**0.5 + 0.01


def test_an_event_at_the_start_and_without_noise():
    still = motion(scale=0.0)
    here = solve(still, jnp.array([0.0, 1.0]), key=jax.random.key(0), dt=0.1, solver=EULER, event=FirstPassage(0.0))
    assert bool(here.hit) and float(here.time) == 0.0
    away = solve(still, jnp.array([0.0, 1.0]), key=jax.random.key(0), dt=0.1, solver=EULER, event=FirstPassage(1.0))
    assert not bool(away.hit) and float(away.time) == 1.0
    steady = Equation(jnp.array([0.0, 1.0]), _push, _noise, Additive, start=(0.0,))
    out = solve(steady, jnp.array([0.0, 1.0]), key=jax.random.key(0), dt=0.1, solver=EULER, event=FirstPassage(0.55))
    assert float(out.time) == pytest.approx(0.55)


def test_gradients_pass_through_a_stopped_path(key):
    def loss(p):
        model = Equation(p, _push, _noise, Additive, start=(0.0,))
        out = solve(model, jnp.array([0.0, 1.0]), key=key, n=20, dt=0.1, solver=EULER, event=FirstPassage(0.5))
        return out.path.xs.sum()

    assert bool(jnp.isfinite(jax.grad(loss)(jnp.array([1.0, 0.3]))).all())


def test_events_need_steps_on_a_grid(key):
    with pytest.raises(ValueError, match="needs steps on a grid"):
        solve(motion(), jnp.array([0.0, 1.0]), key=key, event=FirstPassage(1.0),
              controller=diffrax.PIDController(rtol=1e-2, atol=1e-2))  # fmt: skip
