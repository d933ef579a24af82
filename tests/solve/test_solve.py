"""The contract of `solve`: replay, batches, times, gradients, transformations, compilation, records."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit._process import Additive
from sdekit.noise import Brownian, Grid
from sdekit.solve import _loop, _tasks, choose_solver, solve

from .models import Equation, area, gbm, motion, ou, pendulum, twisted


EVEN = jnp.linspace(0.0, 1.0, 5)
EULER = diffrax.Euler()
UNEVEN = jnp.array([0.0, 0.3, 0.4, 1.0])


def test_path_i_depends_on_the_key_and_i_alone(key):
    all_of_them = solve(ou(), EVEN, key=key, n=5, dt=0.05, solver=EULER)
    chunked = solve(ou(), EVEN, key=key, n=5, chunk=2, dt=0.05, solver=EULER)
    np.testing.assert_allclose(chunked.xs, all_of_them.xs, rtol=1e-13)
    np.testing.assert_allclose(
        solve(ou(), EVEN, key=key, n=3, dt=0.05, solver=EULER).xs, all_of_them.xs[:3], rtol=1e-13
    )
    one = solve(ou(), EVEN, key=jax.random.fold_in(key, 3), dt=0.05, solver=EULER)
    np.testing.assert_allclose(one.xs, all_of_them.xs[3], rtol=1e-13)
    assert all_of_them.xs.shape == (5, 5, 1) and one.xs.shape == (5, 1)


@pytest.mark.parametrize("ts", [EVEN, UNEVEN])
def test_a_solve_replays_under_jit_and_vmap(key, ts):
    f = lambda key: solve(ou(), ts, key=key, dt=0.05, solver=EULER).xs
    keys = jax.random.split(key, 3)
    loop = jnp.stack([f(k) for k in keys])
    np.testing.assert_allclose(jax.jit(jax.vmap(f))(keys), loop, rtol=1e-13)
    np.testing.assert_array_equal(f(keys[0]), loop[0])


@pytest.mark.parametrize("ts", [EVEN, UNEVEN])
@pytest.mark.parametrize("dt", [None, 0.05])
def test_traced_times_give_the_steps_of_known_times(key, ts, dt):
    f = lambda ts: solve(ou(), ts, key=key, dt=dt, solver=EULER).xs
    np.testing.assert_allclose(jax.jit(f)(ts), f(ts), rtol=1e-12)


def test_float32_times_are_divided_as_float64_times():
    for count, step in ((11, 0.01), (101, 0.001), (4, 0.1)):
        ts = jnp.linspace(0.0, 1.0, count, dtype=jnp.float32)
        steps = round(1 / (count - 1) / step + 0.49) * (count - 1)
        path = solve(ou(dtype=jnp.float32), ts, key=jax.random.key(0), dt=step, solver=EULER)
        assert path.made.steps == steps
        assert path.xs.dtype == jnp.float32


def test_states_saved_are_the_states_between(key):
    noise = Brownian(0.0, 0.05, 20, key=key)
    full = solve(gbm(), noise.grid.times(), noise=noise, x0=jnp.ones(1), solver=EULER)
    some = solve(gbm(), noise.grid.times()[jnp.array([2, 3, 7, 20])], noise=noise, x0=full.xs[2], solver=EULER)
    np.testing.assert_allclose(some.xs, full.xs[jnp.array([2, 3, 7, 20])], rtol=1e-12)
    thirds = solve(gbm(), noise.grid.times()[2::6], noise=noise, x0=full.xs[2], solver=EULER)
    np.testing.assert_allclose(thirds.xs, full.xs[2::6], rtol=1e-12)


def test_solvers_that_keep_a_state_start_it_once(key):
    model, solver = pendulum(), diffrax.ReversibleHeun()
    noise = Brownian(0.0, 0.05, 20, key=key)
    end = solve(model, jnp.array([0.0, 1.0]), noise=noise, x0=jnp.ones(1), solver=solver).xs[-1]
    every = solve(model, noise.grid.times(), noise=noise, x0=jnp.ones(1), solver=solver).xs[-1]
    np.testing.assert_allclose(every, end, rtol=1e-12)


def _slope(f, p, direction):
    h = 1e-6
    return (f(p + h * direction) - f(p - h * direction)) / (2 * h)


ADJOINTS = {
    "default": None,
    "direct": diffrax.DirectAdjoint(),
    "two checkpoints": diffrax.RecursiveCheckpointAdjoint(checkpoints=2),
}


@pytest.mark.parametrize(
    ("ts", "adjoint"),
    [(EVEN, a) for a in ADJOINTS.values()] + [(UNEVEN, a) for a in list(ADJOINTS.values())[:2]],
    ids=[*ADJOINTS, "uneven", "uneven, direct"],
)
def test_gradients_are_finite_differences(key, ts, adjoint):
    model = gbm()

    @jax.jit
    def loss(p):
        moved = eqx.tree_at(lambda m: m.p, model, p)
        return jnp.sum(
            solve(moved, ts, key=key, n=3, dt=0.05, solver=diffrax.StratonovichMilstein(), adjoint=adjoint).xs ** 2
        )

    np.testing.assert_allclose(
        jax.grad(loss)(model.p), [_slope(loss, model.p, jnp.eye(2)[i]) for i in range(2)], rtol=1e-7
    )


@pytest.mark.parametrize(
    ("solver", "adjoint", "ts"),
    [
        (diffrax.ShARK(), None, EVEN),
        (diffrax.Heun(), None, EVEN),
        (EULER, diffrax.ForwardMode(), UNEVEN),
    ],
)
def test_forward_mode_is_finite_differences(key, solver, adjoint, ts):
    model = pendulum()
    loss = lambda p: jnp.sum(
        solve(eqx.tree_at(lambda m: m.p, model, p), ts, key=key, dt=0.05, solver=solver, adjoint=adjoint).xs ** 2
    )
    _, tangent = jax.jvp(loss, (model.p,), (jnp.ones(1),))
    assert float(tangent) == pytest.approx(float(_slope(loss, model.p, jnp.ones(1))), rel=1e-7)


def test_an_adjoint_that_solves_backwards_agrees_with_the_steps(key):
    model = pendulum()

    def loss(p, adjoint, dt):
        moved = eqx.tree_at(lambda m: m.p, model, p)
        return jnp.sum(solve(moved, EVEN, key=key, dt=dt, solver=diffrax.Heun(), adjoint=adjoint, x0=jnp.ones(1)).xs)

    exact = jax.grad(loss)(model.p, None, 0.01)
    backsolved = jax.grad(loss)(model.p, diffrax.BacksolveAdjoint(), 0.01)
    np.testing.assert_allclose(backsolved, exact, rtol=3e-3)


def test_long_gaps_keep_the_square_root_of_their_states(monkeypatch):
    plan = _loop.Plan(0, 2, 50, None, 100)
    step = lambda i, carry: (carry[0] + 0.01 * jnp.sin(carry[0] * i),)
    loss = lambda x: jnp.sum(_loop.march(step, (x,), plan, None)[1] ** 2)
    plain = jax.grad(loss)(jnp.ones(1))
    monkeypatch.setattr(_loop, "BLOCK", 10)
    saved = jax.make_jaxpr(jax.grad(lambda x: loss(x)))(jnp.ones(1))
    assert "f64[2,7,1]" in str(saved) and "f64[2,50,1]" not in str(saved)
    np.testing.assert_allclose(jax.grad(lambda x: loss(x))(jnp.ones(1)), plain, rtol=1e-12)


def test_nothing_compiles_again_for_other_values():
    traces = []

    def drift(x, p):
        traces.append(1)
        return -p[0] * x

    noise = lambda _x, p: p[0].reshape(1, 1)
    model = lambda p: Equation(jnp.asarray([p]), drift, noise, Additive)
    run = lambda p, ts, dt, seed: solve(model(p), ts, key=jax.random.key(seed), n=3, dt=dt, solver=EULER)
    run(1.0, EVEN, 0.05, 0)
    before = len(traces)
    run(2.0, EVEN, 0.05, 1)
    run(2.0, 3 * EVEN, 0.15, 2)
    run(2.0, EVEN, 0.0501, 2)
    assert len(traces) - before <= 3, "one abstract evaluation a call, and no compilation"


def test_a_path_records_how_it_was_made(key):
    made = solve(ou(), UNEVEN, key=key, dt=0.05).made
    assert (made.solver, made.noise, made.steps) == ("ShARK", "Brownian", 20)
    assert made.dt == pytest.approx(0.05)
    made = solve(ou(), EVEN, key=key, adjoint=diffrax.DirectAdjoint(), solver=EULER).made
    assert (made.solver, made.steps, made.dt, made.adjoint) == ("Euler", 1000, pytest.approx(0.001), "DirectAdjoint")


def test_the_default_solver_follows_the_structure():
    assert isinstance(choose_solver(ou()), diffrax.ShARK)
    assert isinstance(choose_solver(gbm()), diffrax.StratonovichMilstein)
    assert isinstance(choose_solver(area()), diffrax.StratonovichMilstein)
    assert isinstance(choose_solver(twisted()), diffrax.Euler)
    assert isinstance(choose_solver(gbm(), adaptive=True), diffrax.SPaRK)


def test_one_time_is_the_initial_state(key):
    assert solve(ou(), jnp.array([0.5]), key=key).xs.tolist() == [[1.0]]
    assert solve(ou(), jnp.array([0.5]), key=key, n=3, x0=jnp.array([2.0])).xs.shape == (3, 1, 1)


def test_initial_states_are_drawn_given_or_given_for_each_path(key):
    x0 = jnp.arange(3.0)[:, None]
    each = solve(motion(), EVEN, key=key, n=3, x0=x0, dt=0.1, chunk=2, solver=EULER)
    same = solve(motion(), EVEN, key=key, n=3, x0=jnp.zeros(1), dt=0.1, solver=EULER)
    np.testing.assert_array_equal(each.xs[:, 0], x0)
    np.testing.assert_allclose(each.xs - x0[:, None], same.xs, atol=1e-14)


def test_progress_bars_change_nothing(key, capsys):
    plain = solve(ou(), EVEN, key=key, n=5, chunk=2, dt=0.05, solver=EULER)
    with_bar = solve(ou(), EVEN, key=key, n=5, chunk=2, dt=0.05, solver=EULER, progress=True)
    np.testing.assert_allclose(with_bar.xs, plain.xs, rtol=1e-13)
    assert "5/5" in capsys.readouterr().err
    single = solve(ou(), EVEN, key=key, dt=0.05, solver=EULER, progress=diffrax.TextProgressMeter(minimum_increase=0.5))
    np.testing.assert_allclose(single.xs, solve(ou(), EVEN, key=key, dt=0.05, solver=EULER).xs, rtol=1e-13)
    jax.effects_barrier()
    assert "100.00%" in capsys.readouterr().out


def test_the_grid_of_a_solve_is_that_of_its_noise(key):
    """A noise on the grid that `solve` would build, from the key that it would use, gives the same path."""
    made_by_solve = solve(ou(), UNEVEN, key=key, dt=0.05, solver=EULER)
    grid = Grid(UNEVEN, counts=[6, 2, 12])
    noise = Brownian(grid=grid, key=jax.random.split(key)[1])
    given = solve(ou(), UNEVEN, noise=noise, x0=jnp.ones(1), solver=EULER)
    np.testing.assert_allclose(given.xs, made_by_solve.xs, rtol=1e-12)


def test_stages_differentiate_inboth_modes():
    assert _tasks.both_modes(diffrax.ShARK()).scan_kind == "lax"
    assert _tasks.both_modes(diffrax.Heun()).scan_kind == "bounded"
